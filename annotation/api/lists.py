"""Lists that may be narrowed by what an allow-list names, and by nothing else."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from django.db.models import QuerySet

from annotation.storable import is_storable

from .edges import PAGED, StudyView
from .problems import Refused


class FilteredView(StudyView):
    """A list that may be narrowed by what `filters` names: public name to column.

    `choices` has the values of those filters that take only some.
    """

    reads: ClassVar[tuple[str, ...]] = PAGED
    filters: ClassVar[Mapping[str, str]] = {}
    choices: ClassVar[Mapping[str, Collection[str]]] = {}

    def wanted(self, name: str) -> str | None:
        """The value of a filter, None where it is not asked for.

        Raises
        ------
        Refused
            It is none that the filter takes.
        """
        value = self.request.query_params.get(name)
        if value is None:
            return None
        if not is_storable(value):
            raise Refused(f"{name} holds a character that cannot be stored.")
        known = self.choices.get(name)
        if known is not None and value not in known:
            raise Refused(
                "A filter has a value that there is not. Nothing was done.",
                [(name, f"It must be one of {', '.join(known)}.")],
            )
        return value

    def narrowed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows that fit the address. Nothing of a request names a column."""
        for name, column in self.filters.items():
            value = self.wanted(name)
            if value is not None:
                rows = rows.filter((column, value))
        return rows
