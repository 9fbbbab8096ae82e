"""The areas of a study, in the order of the work: what stands on top of each of its pages.

An area belongs to a room below; here stands only who is shown which, and in which order. What a
member may open is decided by the view that they reach, never here.
"""

from __future__ import annotations

from dataclasses import dataclass

from annotation.access.outcomes import READERS
from annotation.models import Role


@dataclass(frozen=True, slots=True)
class Area:
    """A link on top of a study's pages.

    Attributes
    ----------
    label
        One or two words.
    route
        The name of the page, which takes the study's slug.
    roles
        Whom it is shown to.
    within
        Names of routes begin with this on every page of the area.
    """

    label: str
    route: str
    roles: frozenset[Role]
    within: str

    def holds(self, view_name: str) -> bool:
        """Whether a page belongs to the area."""
        return view_name.startswith(self.within)


AREAS = (
    Area("Set-up", "studio:overview", READERS, "studio:"),
    Area("Progress", "progress:page", READERS | {Role.MONITOR}, "progress:"),
    Area("Annotators", "annotators:page", READERS | {Role.MONITOR}, "annotators:"),
    Area("Adjudicate", "adjudication:desk", frozenset({Role.ADJUDICATOR}), "adjudication:"),
    Area("People", "people:members", READERS, "people"),
    Area("Judges", "judges:overview", READERS, "judges:"),
    Area("Alignment", "alignment:judges", READERS | {Role.MONITOR}, "alignment:"),
    Area("Report", "reports:report", READERS | {Role.MONITOR}, "reports:"),
)


def list_areas(roles: frozenset[Role]) -> list[Area]:
    """The areas that somebody with these roles is shown."""
    return [area for area in AREAS if not area.roles.isdisjoint(roles)]
