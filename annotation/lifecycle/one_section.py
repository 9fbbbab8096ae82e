"""One section of a study's rules, set from a page: on a draft in place, later as a new version."""

from __future__ import annotations

from annotation.models import Study, User

from .rubric import RulesChange, configure_draft
from .versions import WantedChange, change_study


def set_section(study: Study, actor: User, change: RulesChange, *, reason: str = "") -> bool:
    """Set what was changed of the rules; whether anything was.

    Parameters
    ----------
    change
        Makes the rules of those that stand, also of those when the study is locked. What it raises
        leaves the study as it was.

    Raises
    ------
    ValidationError
        With every fault of the rules as they would be.
    LifecycleError
        The study is over, or was opened and the reason is missing.
    """
    study.refresh_from_db()
    if change(study.rules) == study.rules:
        return False
    if study.was_opened:
        wanted = WantedChange(reason=reason, rules=change)
        return change_study(study, wanted, actor).version is not None
    configure_draft(study, actor, rules=change)
    return True
