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

# They also conduct the study: change it, and decide on its annotators.
READERS = frozenset({Role.OWNER, Role.RESEARCHER})


def can_see_outcomes(user: AnyUser, study: Study) -> bool:
    """Whether the user may see win rates, verdicts by system, rankings. One query.

    And, beside votes, progress or results, the name of a system: it would unseal an outcome.
    Otherwise the system's code stands there. Pages that import and design a study show names to its
    owner and researchers without asking here.
    """
    return roles_can_see_outcomes(roles_of(user, study), study)


def roles_can_see_outcomes(roles: frozenset[Role], study: Study) -> bool:
    """`can_see_outcomes` for roles that are already known."""
    if roles & READERS:
        return not study.is_sealed
    return Role.MONITOR in roles and study.unblinded_at is not None
