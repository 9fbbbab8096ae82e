"""What may be decided about an annotator, and what each decision asks for and leads to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from annotation import messages, quality
from annotation.answer_rules import OwnVotes
from annotation.models import (
    GOING_ON,
    Annotator,
    AnnotatorState,
    Assignment,
    AssignmentState,
    ReviewOutcome,
    Study,
    User,
)
from annotation.selectors import counted_votes
from reports.wording.numbers import counted


@dataclass(frozen=True, slots=True)
class Act:
    """Something that an owner or a researcher may do about an annotator, once it is confirmed.

    Attributes
    ----------
    name : str
        As it stands in the address.
    verb : str
        On the button.
    asks, follows : str
        The question, and what follows.
    asked_for : str
        What the text is that goes with it.
    fits : callable
        Annotator, figures and whether they are rejected → whether it is offered.
    do : callable
        Annotator, text and actor.
    done : str
    """

    name: str
    verb: str
    asks: str
    follows: str
    asked_for: str
    fits: Callable[[Annotator, quality.AnnotatorQuality, bool], bool]
    do: Callable[[Annotator, str, User], object]
    done: str
    is_grave: bool = False


def reviewed(outcome: ReviewOutcome) -> Callable[[Annotator, str, User], object]:
    return lambda annotator, reason, actor: quality.review(annotator, outcome, reason, actor)


def rates_here(row: Annotator) -> bool:
    return row.user_id is not None and row.state != AnnotatorState.REMOVED


REASON = "Reason, kept with the decision"

ACTS = {
    act.name: act
    for act in (
        Act(
            "pause",
            "Pause",
            "Pause this annotator?",
            "They get no new pairs and are told in neutral words that their work is under review. "
            "What they hold goes back to the others. Every vote counts as before.",
            REASON,
            lambda row, found, rejected: row.state in GOING_ON,
            quality.pause,
            "They are paused.",
        ),
        Act(
            "resume",
            "Let go on",
            "Let this annotator go on?",
            "They get pairs again. Every finding so far is answered by this, and the rules look "
            "only at what they answer from now on.",
            REASON,
            lambda row, found, rejected: (
                not rejected
                and (
                    row.state == AnnotatorState.PAUSED
                    or (row.state in GOING_ON and bool(found.findings))
                )
            ),
            reviewed(ReviewOutcome.RESUME),
            "They go on.",
        ),
        Act(
            "retrain",
            "Train again",
            "Send this annotator to the training pairs?",
            "They get pairs of work again once they have passed. Their votes count as before.",
            REASON,
            lambda row, found, rejected: (
                rates_here(row) and not rejected and row.state != AnnotatorState.QUALIFYING
            ),
            reviewed(ReviewOutcome.RETRAIN),
            "They train again.",
        ),
        Act(
            "reject",
            "Reject",
            "Reject this annotator?",
            "They take no further part. Nothing is deleted: their votes are held out of the count, "
            "results are told with and without them, and it can be taken back.",
            REASON,
            lambda row, found, rejected: not rejected,
            reviewed(ReviewOutcome.REJECT),
            "They are rejected.",
            is_grave=True,
        ),
        Act(
            "reinstate",
            "Reinstate",
            "Take the rejection back?",
            "Their votes count again where nobody else has taken the place meanwhile; the others "
            "are kept as surplus. They get pairs again.",
            REASON,
            lambda row, found, rejected: rejected,
            reviewed(ReviewOutcome.REINSTATE),
            "They are reinstated.",
        ),
        Act(
            "count",
            "Count own votes",
            "Count this owner’s own votes?",
            "What they voted counts again where nobody else has taken the place meanwhile; the "
            "rest is kept as surplus. What they vote from now on counts as everybody’s does.",
            REASON,
            lambda row, found, rejected: not rejected and found.own_votes == OwnVotes.EXCLUDE,
            reviewed(ReviewOutcome.COUNT_OWN),
            "Their own votes count.",
        ),
        Act(
            "message",
            "Write a message",
            "Write to this annotator",
            "They see it on top of their page until they have read it. They cannot answer here.",
            "Message",
            lambda row, found, rejected: rates_here(row),
            messages.send,
            "The message waits on their page.",
        ),
    )
}


def what_leaves(study: Study, row: Annotator) -> list[str]:
    """What a rejection does to votes and places, counted now."""
    votes = counted_votes(study).filter(annotator=row).count()
    places = Assignment.objects.filter(
        annotator=row, slot_no__isnull=False, state=AssignmentState.SUBMITTED
    ).count()
    said = [f"{counted(votes, 'counted vote')} {'leaves' if votes == 1 else 'leave'} the count."]
    if places and study.is_running:
        said.append(
            f"{counted(places, 'place')} {'opens' if places == 1 else 'open'} again for others."
        )
    elif places:
        said.append(
            f"{counted(places, 'place')} {'stays' if places == 1 else 'stay'} empty: the study "
            "takes no more votes."
        )
    return said
