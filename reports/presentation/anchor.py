"""What a report says of the system that its ratings are measured from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports.wording.numbers import rating

# Reports before format 20 know of no anchor.
Found = Mapping[str, Any] | None


def anchor_in_words(found: Found, *, is_split: bool) -> str:
    """Where the anchor stands and what that changes, or why it could not be used; else empty."""
    if found is None:
        return ""
    if found["reason"] is not None:
        return f"{found['system']} was to be the anchor. {found['reason']}"
    others = " Other groups keep their mean of 1,000." if is_split else ""
    return (
        f"Ratings are measured from {found['system']}, which stands at {rating(found['rating'])}. "
        "This moves all ratings of its group alike. How surely a system differs from "
        f"{found['system']} is told by its distance to the anchor, not by comparing two "
        f"intervals.{others}"
    )


def anchor_of_group(found: Found, component: int | None) -> str:
    """The name of the system that a group's ratings are measured from; empty without one."""
    if found is None or component is None or found["component"] != component:
        return ""
    return str(found["system"])


def setting_in_words(settings: Mapping[str, Any]) -> str:
    wanted = settings.get("anchor")
    if wanted is None:
        return "None: the mean rating of each group is 1,000"
    return f"{wanted['system']} stands at {rating(wanted['rating'])}"
