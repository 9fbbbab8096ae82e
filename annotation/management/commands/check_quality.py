"""check_quality STUDY: hold annotators against the rules, and print what is known of them."""

from __future__ import annotations

from typing import Any

from annotation import quality
from annotation.management.study_command import StudyCommand
from annotation.models import Study

HEADINGS = (
    "annotator",
    "state",
    "answered",
    "gold",
    "repeats",
    "identical",
    "left",
    "agreement",
    "skips",
    "seconds",
    "flagged",
    "findings",
)


class Command(StudyCommand):
    help = "Run the quality rules now and print each annotator's figures and open findings."

    def run(self, study: Study, options: dict[str, Any]) -> None:
        quality.exclude_own_votes(study)
        new = quality.run_rules(study)
        rows = [HEADINGS, *(cells(row) for row in quality.overview(study))]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.stdout.write(line.rstrip())
        self.say(f"{study.slug}: {len(rows) - 1} annotators, new findings: {new}")


def cells(row: quality.AnnotatorQuality) -> tuple[str, ...]:
    return (
        row.external_id,
        ", ".join(word for word in (row.state.value, quality.words_of(row.own_votes)) if word),
        str(row.answered),
        *map(shown, (row.gold, row.repeats, row.identical, row.left)),
        measured(row.agreement, 2),
        shown(row.skips),
        measured(row.seconds, 1),
        str(row.flagged),
        ", ".join(f"{finding.rule} ({finding.action})" for finding in row.findings) or "-",
    )


def shown(rate: quality.Rate) -> str:
    """A share as people read it, with its interval: `7/8 [0.47, 1.00]`."""
    if rate.low is None or rate.high is None:
        return "-"
    return f"{rate.hits}/{rate.n} [{rate.low:.2f}, {rate.high:.2f}]"


def measured(figure: quality.Figure, places: int) -> str:
    """A mean or median as people read it, with its interval: `0.71 [0.55, 0.84] of 40`."""
    if figure.value is None:
        return "-"
    bounds = (
        ""
        if figure.low is None or figure.high is None
        else f" [{figure.low:.{places}f}, {figure.high:.{places}f}]"
    )
    return f"{figure.value:.{places}f}{bounds} of {figure.n}"
