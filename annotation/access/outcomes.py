"""Who may see what the votes say, and which system is which.

An opened study is sealed until it is unblinded, unless its results are open. A study that was
never opened (only imports) is not sealed. While a study is sealed its owner and researchers see
codes and progress, no outcomes. A monitor watches progress and quality and sees outcomes only
after unblinding, whatever the results policy. Annotators and adjudicators never see outcomes
here: their decisions must stay independent of the others'.
"""

from __future__ import annotations

from annotation.models import Role, Study

from .objects import AnyUser, roles_of

READERS = frozenset({Role.OWNER, Role.RESEARCHER})


def can_see_outcomes(user: AnyUser, study: Study) -> bool:
    """Whether the user may see win rates, verdicts by system, rankings. One query."""
    return roles_can_see_outcomes(roles_of(user, study), study)


def roles_can_see_outcomes(roles: frozenset[Role], study: Study) -> bool:
    """`can_see_outcomes` for roles that are already known."""
    if roles & READERS:
        return not study.is_sealed
    return Role.MONITOR in roles and study.unblinded_at is not None


def can_see_system_names(user: AnyUser, study: Study) -> bool:
    """Whether the user may see a system's name beside votes, progress or results. One query.

    Otherwise the system's code stands there. Names beside votes would unseal an outcome, so both
    questions have one answer; the pages that import and design a study show names to its owner
    and researchers without asking here.
    """
    return can_see_outcomes(user, study)
