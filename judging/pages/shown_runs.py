"""Runs as pages show them, with how far they are and what the study's judges have cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import Http404
from django.urls import reverse

from annotation.models import Study
from judging.models import JudgeRun, JudgeVersion, RunState
from judging.runs.money import standing_of
from judging.runs.progress import Progress, progress_of_all

MOST_RUNS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class ShownRun:
    """A run as a page shows it."""

    run: JudgeRun
    progress: Progress

    @property
    def tone(self) -> str:
        tones = {"running": "info", "paused": "warning", "finished": self.tone_of_end}
        return f"status--{tones[self.progress.state]}" if self.progress.state in tones else ""

    @property
    def state_in_words(self) -> str:
        """A draft is nothing that somebody has to finish: its calls are being written."""
        is_draft = self.progress.state == RunState.DRAFT
        return "Being prepared" if is_draft else str(RunState(self.progress.state).label)

    @property
    def tone_of_end(self) -> str:
        """A run that has finished without its answers is no good news."""
        if self.progress.missing_total and not self.progress.parsed:
            return "error"
        return "warning" if self.progress.too_many_missing else "ok"

    @property
    def can_retry(self) -> bool:
        return self.progress.state == "finished" and self.progress.missing_total > 0


def runs_context(
    study: Study, version: JudgeVersion | None = None, before: int = 0
) -> dict[str, Any]:
    """The newest runs of a study or a version, and where a page that watches asks for them.

    Parameters
    ----------
    before : int
        Those before the run of this key; 0: from the newest on.
    """
    found = study.judge_runs.select_related("version__judge").order_by("-pk")
    asked: dict[str, int] = {}
    if version is not None:
        found, asked = found.filter(version=version), {"version": version.pk}
    if before:
        found, asked = found.filter(pk__lt=before), {**asked, "before": before}
    rows = list(found[: MOST_RUNS_SHOWN + 1])
    listed = rows[:MOST_RUNS_SHOWN]
    progress = progress_of_all(listed)
    shown = [ShownRun(run, progress[run.pk]) for run in listed if run.pk in progress]
    url = reverse("judges:runs", kwargs={"slug": study.slug})
    # With nothing under way a page stays still, and keeps the focus where it is.
    moving = (RunState.DRAFT, RunState.RUNNING)
    watched = any(one.progress.state in moving for one in shown)
    return {
        "runs": shown,
        "runs_url": f"{url}?{urlencode(asked)}" if asked else url,
        "older_before": rows[MOST_RUNS_SHOWN - 1].pk if len(rows) > MOST_RUNS_SHOWN else None,
        "are_older": bool(before),
        "are_watched": watched,
        "standing": standing_of(study.pk),
    }


def version_of(study: Study, pk: int) -> JudgeVersion:
    version = (
        JudgeVersion.objects.filter(judge__study=study, imported=False, pk=pk)
        .select_related("judge__study")
        .first()
    )
    if version is None:
        raise Http404("This study has no such judge.")
    return version


def whole(raw: str | None, otherwise: int) -> int:
    return int(raw) if raw and raw.isascii() and raw.isdigit() and len(raw) < 9 else otherwise
