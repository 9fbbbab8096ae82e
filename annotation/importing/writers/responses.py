"""Rows of ``import_responses``: one response each, with its prompt and its system."""

from __future__ import annotations

from collections.abc import Sequence

from annotation.importing.formats import RESPONSES, ResponseRow
from annotation.importing.ledger import Known
from annotation.importing.writers.content import ContentStore, prepare
from annotation.importing.writers.writer import ImportPlan, Pass, Placed, Reasons, no_counts
from annotation.models import ImportKind


class ResponseWriter:
    """Keyed by (prompt id, system, sample)."""

    sweeps = 1

    def __init__(self, run: Pass) -> None:
        self.counts = no_counts()
        self._run = run
        self._content = ContentStore(run, self.counts)

    def take(self, rows: Sequence[Placed[ResponseRow]], sweep: int) -> Reasons:
        """Check a batch and store what is new in it."""
        reasons: Reasons = []
        met = self._content.load_prompts(row.prompt.prompt_id for _, row in rows)
        for _ in self._content.load_responses(met):
            pass
        for place, row in rows:
            prepared = prepare(row)
            reason = self._content.plan_response(prepared)
            if reason is not None:
                reasons.append((place, reason))
                continue
            found = self._content.admit_response(prepared, place)
            self.counts["new" if found is Known.NEW else "already there"] += 1
            self.counts["empty responses"] += row.text == ""
            self.counts["further samples"] += found is Known.NEW and row.sample > 0
        if self._run.store:
            self._content.flush()
        return reasons


PLAN = ImportPlan(ImportKind.RESPONSES, RESPONSES, ResponseWriter, is_content=True)
