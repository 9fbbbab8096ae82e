"""An annotator's own answers, to be looked at again: their own, and nothing of anybody else's."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Q, Sum

from annotation.models import Annotator, Vote
from annotation.voting import own_votes, votes_in_sight

# What is read at a glance; the next ones are a link away.
PAGE_SIZE = 25
# As much of a prompt as tells it from others.
EXCERPT = 160


@dataclass(frozen=True, slots=True)
class OwnAnswer:
    """One line of the list.

    Attributes
    ----------
    assignment : UUID
    prompt : str
        The beginning of the last message of the prompt, as it was written.
    choice, margin
        The answer to `overall` that stands.
    answered_at : datetime
    revisions : int
        How often it was changed.
    active_ms : int or None
        Active time of the answer that stands.
    """

    assignment: uuid.UUID
    prompt: str
    choice: str
    margin: int | None
    answered_at: datetime
    revisions: int
    active_ms: int | None


@dataclass(frozen=True, slots=True)
class Place:
    """A vote, by what a page may show. No vote ever moves, however often its pair is changed."""

    assignment: uuid.UUID
    revision: int

    def __str__(self) -> str:
        return f"{self.assignment}.{self.revision}"


@dataclass(frozen=True, slots=True)
class Page:
    answers: Sequence[OwnAnswer]
    # The last vote of this page, where the next one begins; None at the end.
    before: Place | None
    # The first one, where newer ones are on a page before; None at the beginning.
    after: Place | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """Own work in numbers.

    Attributes
    ----------
    pairs : int
        Pairs answered, the practice round apart.
    timed : int
        Those of them whose time was measured.
    active_ms : int
        Active time on these, changing answers included: the page visible, and some input within
        half a minute.
    """

    pairs: int
    timed: int
    active_ms: int

    @property
    def mean_seconds(self) -> float | None:
        """Active seconds for each pair that was timed."""
        return self.active_ms / self.timed / 1000 if self.timed else None


def list_answers(
    annotator: Annotator, before: Place | None = None, *, after: Place | None = None
) -> Page:
    """The answers that stand and are in sight, the newest first.

    `before` is the vote with which the page before ended, `after` the one with which the page
    behind began; one that is none of the annotator's begins at the newest.
    """
    later = Vote.objects.filter(
        assignment=OuterRef("assignment"), revision__gt=OuterRef("revision")
    )
    votes = votes_in_sight(annotator).filter(~Exists(later)).order_by("-pk")
    at = key_of(annotator, after or before)
    backwards = at is not None and after is not None
    if at is None:
        found = votes
    elif backwards:
        found = votes.filter(pk__gt=at).order_by("pk")
    else:
        found = votes.filter(pk__lt=at)
    rows = list(
        found.values_list(
            "pk",
            "assignment__public_id",
            "comparison__prompt__text",
            "comparison__prompt__messages",
            "choice",
            "margin",
            "created_at",
            "revision",
            "active_ms",
        )[: PAGE_SIZE + 1]
    )
    shown = rows[:PAGE_SIZE]
    if backwards:
        shown.reverse()
        has_older, has_newer = True, len(rows) > PAGE_SIZE
    else:
        has_older = len(rows) > PAGE_SIZE
        has_newer = at is not None and bool(shown) and votes.filter(pk__gt=shown[0][0]).exists()
    return Page(
        [
            OwnAnswer(public_id, excerpt(messages[-1]["content"] if messages else text), *rest)  # type: ignore[arg-type]
            for _, public_id, text, messages, *rest in shown
        ],
        before=Place(shown[-1][1], shown[-1][7]) if shown and has_older else None,
        after=Place(shown[0][1], shown[0][7]) if shown and has_newer else None,
    )


def key_of(annotator: Annotator, at: Place | None) -> int | None:
    """The key of an own vote; None where it is none."""
    if at is None:
        return None
    own = own_votes(annotator).filter(assignment__public_id=at.assignment, revision=at.revision)
    return own.values_list("pk", flat=True).first()


def excerpt(text: str) -> str:
    """The beginning of a text in one line."""
    line = " ".join(text[: EXCERPT * 4].split())
    return line if len(line) <= EXCERPT else f"{line[:EXCERPT].rstrip()} …"


def summarise(annotator: Annotator) -> Summary:
    """One query."""
    found = own_votes(annotator).aggregate(
        pairs=Count("assignment", distinct=True),
        timed=Count("assignment", distinct=True, filter=Q(active_ms__isnull=False)),
        active=Sum("active_ms"),
    )
    return Summary(found["pairs"], found["timed"], found["active"] or 0)
