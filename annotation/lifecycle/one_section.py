"""One section of a study's rules, set from a page: on a draft in place, later as a new version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from annotation.models import Study, User

from .rubric import configure_draft
from .versions import change_study


def set_section(
    study: Study, actor: User, name: str, content: Mapping[str, object], *, reason: str = ""
) -> bool:
    """Set what differs from the defaults in a section; whether anything changed.

    Raises
    ------
    ValidationError
        With every fault of the rules as they would be.
    LifecycleError
        The study is over, or was opened and the reason is missing.
    """

    def changed(rules: Mapping[str, Any]) -> dict[str, Any]:
        others = {key: value for key, value in rules.items() if key != name}
        return others | ({name: dict(content)} if content else {})

    study.refresh_from_db()
    rules = changed(study.rules)
    if rules == study.rules:
        return False
    if study.was_opened:
        return change_study(study, actor, reason=reason, rules=changed).version is not None
    configure_draft(study, actor, rules=changed)
    return True
