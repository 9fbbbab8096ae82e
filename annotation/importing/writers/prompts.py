"""Rows of ``import_prompts``: attributes of prompts, which are there or come with their text."""

from __future__ import annotations

from collections.abc import Sequence

from annotation.importing.formats import PROMPTS, PromptRow
from annotation.importing.ledger import Known
from annotation.importing.writers.content import ContentStore
from annotation.importing.writers.writer import ImportPlan, Pass, Placed, Reasons, no_counts
from annotation.models import ImportKind


class PromptWriter:
    """Keyed by prompt id."""

    sweeps = 1

    def __init__(self, run: Pass) -> None:
        self.counts = no_counts()
        self._run = run
        self._content = ContentStore(run, self.counts)

    def take(self, rows: Sequence[Placed[PromptRow]], sweep: int) -> Reasons:
        """Check a batch and store what it states for the first time."""
        reasons: Reasons = []
        self._content.load_prompts(row.prompt.prompt_id for _, row in rows)
        for place, row in rows:
            reason = self._reason(row)
            if reason is not None:
                reasons.append((place, reason))
                continue
            found = self._content.admit_prompt(row.prompt, row.metadata, place)
            words = {Known.NEW: "new", Known.ADDS: "completed", Known.EQUAL: "already there"}
            self.counts[words[found]] += 1
        if self._run.store:
            self._content.flush()
        return reasons

    def _reason(self, row: PromptRow) -> str | None:
        stated = row.prompt
        has_text = stated.text is not None or stated.messages is not None
        if not has_text and not self._content.has_prompt(stated.prompt_id):
            self.counts["unmatched prompt ids"] += 1
            return (
                f"the study has no prompt {stated.prompt_id!r}; give its prompt in this row, "
                "or import its responses first"
            )
        return self._content.plan_prompt(stated, row.metadata)


PLAN = ImportPlan(ImportKind.PROMPTS, PROMPTS, PromptWriter, is_content=True)
