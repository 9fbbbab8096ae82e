"""Teams: a name that some of a study's people have in common.

Rules about eligibility read it under `team` in an annotator's profile, beside what the person said:
`eligibility = {"law": {"team": ["Berlin"]}}`.
"""

from __future__ import annotations

from django.db import transaction

from annotation import audit
from annotation.models import LONGEST_TEAM, Annotator, Membership, Study, User
from annotation.profile_rules import TEAM
from annotation.storable import is_storable

from .refusals import PeopleError


def set_team(study: Study, user: User, team: str, actor: User | None) -> None:
    """Put a member into a team; an empty name takes them out of theirs.

    Raises
    ------
    PeopleError
        The user has no part in the study, or the name is too long or not printable.
    """
    team = team.strip()
    if len(team) > LONGEST_TEAM or not is_storable(team) or not team.isprintable():
        raise PeopleError(f"A team's name is one line of at most {LONGEST_TEAM} characters.")
    with transaction.atomic():
        if not Membership.objects.filter(study=study, user=user).exists():
            raise PeopleError(f"This account takes no part in {study.slug}.")
        put_into_team(study, user, team)
        # The name may say something of the person: the log outlives an erasure.
        audit.record(study, actor, "member.team_set", {"user": user.pk, "has_team": bool(team)})


def put_into_team(study: Study, user: User, team: str) -> None:
    """Within the caller's transaction, who records it."""
    # The annotator before all else, as whoever votes has it.
    annotator = (
        Annotator.objects.select_for_update(no_key=True).filter(study=study, user=user).first()
    )
    Membership.objects.filter(study=study, user=user).update(team=team)
    if annotator is not None:
        profile = {key: value for key, value in annotator.profile.items() if key != TEAM}
        annotator.profile = {**profile, TEAM: team} if team else profile
        annotator.save(update_fields=["profile"])
