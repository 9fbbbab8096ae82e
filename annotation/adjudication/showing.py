"""Exactly what an adjudicator may see of a case: texts on sides of their own, and remarks.

A page that is given nothing else cannot leak more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from annotation.blinding import PresentedPair, choice_of, present
from annotation.draws import shuffled
from annotation.models import (
    AdjudicationCase,
    Assignment,
    AssignmentState,
    CaseState,
    Comparison,
    Criterion,
    VoteCriterion,
    VoteNote,
)
from annotation.queue.presenting import messages_of
from annotation.rules import rules_of
from annotation.selectors import counted_votes
from annotation.voting import Answer

from .deciding import questions_of, reason_of, standing_decision
from .disagreements import Disagreement, Opinion, disagreements
from .faults import RatedThemselves
from .routing import GRADED, complete, rated_by, standing_flags


@dataclass(frozen=True, slots=True)
class Remark:
    """What one rater wrote, with their answer as it looks from the adjudicator's sides.

    `other_way_round`: the rater saw the responses on the other sides; None where nobody knows.
    """

    criterion: str
    answer: Answer
    text: str
    other_way_round: bool | None


@dataclass(frozen=True, slots=True)
class FlagRemark:
    """What somebody flagged; `note` may be empty."""

    reason: str
    note: str


@dataclass(frozen=True, slots=True)
class ShownCase:
    """A case as its adjudicator sees it.

    `answers` and `reason` are those of their own standing decision, if there is one.
    """

    pair: PresentedPair
    questions: tuple[Criterion, ...]
    disagreements: tuple[Disagreement, ...]
    remarks: tuple[Remark, ...]
    flags: tuple[FlagRemark, ...]
    answers: Mapping[str, Answer]
    reason: str
    is_decided: bool


def show(case: AdjudicationCase) -> ShownCase:
    """Read what the page shows of a case. A constant number of queries.

    Raises
    ------
    RatedThemselves
        The adjudicator was given the pair to rate: what others said of it is not for them.
    """
    comparison = case.comparison
    if Comparison.objects.filter(rated_by(case.adjudicator), pk=comparison.pk).exists():
        raise RatedThemselves
    study = comparison.study
    asked = {question.key for question in questions_of(study)}
    criteria = {row.key: row for row in study.criteria.all() if row.key in asked}
    votes = list(
        counted_votes(study)
        .filter(comparison=comparison)
        .values_list("pk", "verdict", "margin", "swapped")
    )
    answered = {Criterion.OVERALL: {pk: Opinion(verdict, m) for pk, verdict, m, _ in votes}}
    seen_swapped = {pk: swapped for pk, _, _, swapped in votes}
    further = VoteCriterion.objects.filter(vote__in=seen_swapped).order_by("pk")
    for vote, key, verdict, margin in further.values_list(
        "vote", "criterion__key", "verdict", "margin"
    ):
        answered.setdefault(key, {})[vote] = Opinion(verdict, margin)
    flags = flags_of(comparison)
    own = standing_decision(comparison) if case.state == CaseState.DECIDED else []
    own = own if own and own[0].adjudicator_id == case.adjudicator_id else []
    return ShownCase(
        pair=present(
            case.public_id,
            swapped=case.swapped,
            prompt=messages_of(comparison.prompt),
            text_a=comparison.response_a.text,
            text_b=comparison.response_b.text,
            reference=comparison.prompt.reference
            if rules_of(study.rules).answering.show_reference
            else "",
        ),
        questions=tuple(criteria.values()),
        disagreements=tuple(
            disagreements(
                rules_of(study.rules).adjudication,
                {key: list(answered[key].values()) for key in criteria if key in answered},
                graded={key for key, row in criteria.items() if row.scale in GRADED},
                complete=Comparison.objects.filter(complete(), pk=comparison.pk).exists(),
                flags=len({annotator for annotator, _, _ in flags}),
                skips=skips_of(comparison),
                overlap=comparison.overlap,
            )
        ),
        remarks=remarks_on(case, answered, seen_swapped),
        flags=tuple(FlagRemark(reason, note) for _, reason, note in flags),
        answers={row.criterion.key: Answer(row.choice, row.margin) for row in own},
        reason=reason_of(own),
        is_decided=bool(own),
    )


def remarks_on(
    case: AdjudicationCase,
    answered: Mapping[str, Mapping[int, Opinion]],
    seen_swapped: Mapping[int, bool | None],
) -> tuple[Remark, ...]:
    """The raters' reasons in an order that tells nothing of who wrote which, or when."""
    notes = (
        VoteNote.objects.filter(vote__in=seen_swapped)
        .exclude(rationale="")
        .values_list("pk", "vote", "criterion__key", "rationale")
    )
    drawn = shuffled(
        notes,
        case.comparison.study.queue_seed,
        "adjudication remarks",
        case.adjudicator_id,
        case.comparison_id,
        key=lambda note: note[0],
    )
    remarks = []
    for _, vote, key, text in drawn:
        criterion = key or Criterion.OVERALL
        opinion = answered.get(criterion, {}).get(vote)
        if opinion is None or not text.strip():
            continue
        swapped = seen_swapped[vote]
        remarks.append(
            Remark(
                criterion=criterion,
                answer=Answer(choice_of(opinion.verdict, case.swapped), opinion.margin),
                text=text,
                other_way_round=None if swapped is None else swapped != case.swapped,
            )
        )
    return tuple(remarks)


def flags_of(comparison: Comparison) -> list[tuple[int, str, str]]:
    """Whose pair was flagged, why, and the note; sorted so that no order of arrival shows."""
    rows = standing_flags().filter(assignment__comparison=comparison)
    return sorted(
        rows.values_list("assignment__annotator", "reason", "note"), key=lambda row: row[1:]
    )


def skips_of(comparison: Comparison) -> int:
    """How many people skipped it."""
    skipped = Assignment.objects.filter(
        comparison=comparison, state=AssignmentState.RELEASED, pass_no=0
    ).exclude(skip_reason="")
    return skipped.values("annotator").distinct().count()
