"""Who decides about whom: owners about everybody, researchers about annotators."""

from __future__ import annotations

from collections.abc import Iterable

from annotation.access import roles_of
from annotation.models import Role, Study, User

from .refusals import NotTheirsError

MANAGED_BY: dict[Role, frozenset[Role]] = {
    Role.OWNER: frozenset(Role),
    Role.RESEARCHER: frozenset({Role.ANNOTATOR}),
}


def manageable(held: Iterable[Role]) -> frozenset[Role]:
    """The roles that somebody with the roles `held` gives and ends."""
    return frozenset().union(*(MANAGED_BY.get(role, frozenset()) for role in held))


def check_may_manage(actor: User | None, study: Study, *roles: Role) -> None:
    """Refuse whoever does not decide about all of these roles; None is the operator.

    Raises
    ------
    NotTheirsError
    """
    if actor is None:
        return
    held = roles_of(actor, study)
    missing = [role.value for role in roles if role not in manageable(held)]
    if missing:
        raise NotTheirsError(
            f"Only an owner of {study.slug} decides who is {' or '.join(dict.fromkeys(missing))}; "
            "researchers decide about annotators. Nothing was changed."
        )
