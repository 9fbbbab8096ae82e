"""Rows that bring decisions taken elsewhere: human votes and judgments of judges."""

from collections.abc import Sequence

from annotation.importing.formats.fields import Fields
from annotation.importing.formats.limits import MAX_CRITERION_LENGTH
from annotation.importing.formats.problems import RowError, excerpt
from annotation.importing.formats.rows import (
    ORDERS,
    OVERALL,
    SHOWN_SIDES,
    VERDICTS,
    JudgmentRow,
    Verdict,
    VoteRow,
)

VOTE_COLUMNS: Sequence[tuple[str, ...]] = (
    ("item_id",),
    ("annotator_id",),
    ("verdict", "label", "winner"),
)
JUDGMENT_COLUMNS: Sequence[tuple[str, ...]] = (
    ("item_id",),
    ("judge_id",),
    ("order",),
    ("verdict", "label"),
)

WINNERS: dict[str, Verdict] = {
    "model_a": "a",
    "model_b": "b",
    "tie": "tie",
    "tie (bothbad)": "both_bad",
}
MAX_MARGIN = 3

# Ten years: a longer time is a mistake of units.
MAX_SECONDS = 10 * 365 * 24 * 3600


def parse_vote(fields: Fields) -> VoteRow:
    """Read a row of ``import_votes``; raises RowError with the reason."""
    row = VoteRow(
        item_id=fields.identifier("item_id"),
        annotator_id=fields.identifier("annotator_id"),
        verdict=_vote_verdict(fields),
        criterion=fields.short_text("criterion") or OVERALL,
        margin=fields.integer("margin", minimum=1, maximum=MAX_MARGIN),
        seconds=fields.number("seconds", maximum=MAX_SECONDS),
        reason=fields.text("reason") or "",
        left=fields.word("left", SHOWN_SIDES),
        tags=fields.labels("tags") or [],
        metadata=fields.rest(),
    )
    if len(row.criterion) > MAX_CRITERION_LENGTH:
        raise RowError(f"criterion is longer than {MAX_CRITERION_LENGTH} characters")
    if row.margin is not None and row.verdict not in ("a", "b"):
        raise RowError(
            f"margin says how clearly a side is better, but the verdict is {row.verdict}"
        )
    return row


def parse_judgment(fields: Fields) -> JudgmentRow:
    """Read a row of ``import_judgments``; raises RowError with the reason."""
    if not (fields.has("verdict") or fields.has("label")):
        raise RowError("verdict or label is missing; write null where no verdict could be read")
    item_id = fields.identifier("item_id")
    judge_id = fields.identifier("judge_id")
    order = fields.word("order", ORDERS)
    if order is None:
        raise RowError("order is missing")
    return JudgmentRow(
        item_id=item_id,
        judge_id=judge_id,
        order=order,
        verdict=fields.word("verdict", VERDICTS, "label"),
        confidence=fields.number("confidence"),
        reason=fields.text("reason") or "",
        inconsistent=fields.boolean("inconsistent"),
        input_tokens=fields.integer("input_tokens"),
        output_tokens=fields.integer("output_tokens"),
        cost=fields.cost("cost"),
        latency_ms=fields.number("latency_ms"),
        metadata=fields.rest(),
    )


def _vote_verdict(fields: Fields) -> Verdict:
    verdict = fields.word("verdict", VERDICTS, "label")
    winner = fields.word("winner", tuple(WINNERS))
    if winner is None:
        if verdict is None:
            raise RowError("verdict, label or winner is missing")
        return verdict
    mapped = WINNERS[winner]
    if verdict is not None and verdict != mapped:
        raise RowError(f"verdict is {excerpt(verdict)} but its alias winner is {excerpt(winner)}")
    return mapped
