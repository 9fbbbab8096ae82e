"""The criteria that imported votes speak of."""

from __future__ import annotations

from annotation.importing.formats import VoteRow
from annotation.importing.writers.writer import Pass
from annotation.models import Criterion, Scale


class RubricStore:
    """Knows a study's criteria and, while it was never opened, adds those that votes bring."""

    def __init__(self, run: Pass) -> None:
        self._run = run
        self._frozen = run.study is not None and run.study.was_opened
        self._criteria: dict[str, Criterion] = {}
        self._changed: set[str] = set()
        if run.study is not None:
            self._criteria = {criterion.key: criterion for criterion in run.study.criteria.all()}
        self._next_position = 1 + max(
            (criterion.position for criterion in self._criteria.values()), default=0
        )

    def plan(self, row: VoteRow) -> str | None:
        """Give the reason if the study's rubric has no place for this decision."""
        criterion = self._criteria.get(row.criterion)
        if criterion is None:
            if self._frozen:
                return f"the study was opened without the criterion {row.criterion!r}"
            return None
        if row.verdict == "tie" and criterion.scale == Scale.BINARY:
            return f"criterion {row.criterion!r} has a binary scale, without ties"
        if row.verdict == "both_bad" and not criterion.both_bad and self._frozen:
            return f"the study was opened with criterion {row.criterion!r} not having both_bad"
        return None

    def admit(self, row: VoteRow) -> None:
        """Add the criterion if it is new; both_bad belongs to it once seen."""
        criterion = self._criteria.get(row.criterion)
        if criterion is None:
            criterion = Criterion(
                study=self._run.study,
                key=row.criterion,
                scale=Scale.TERNARY,
                position=self._next_position,
            )
            self._next_position += 1
            self._criteria[row.criterion] = criterion
            self._changed.add(row.criterion)
        if row.verdict == "both_bad" and not criterion.both_bad:
            criterion.both_bad = True
            self._changed.add(row.criterion)

    def pk(self, key: str) -> int:
        return self._criteria[key].pk

    def flush(self) -> None:
        """Save what changed since the last call."""
        for key in sorted(self._changed, key=lambda name: self._criteria[name].position):
            self._criteria[key].save()
        self._changed.clear()
