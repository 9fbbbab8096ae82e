"""What the log of a study says, in words: who looked at results, and everything that was done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from annotation.audit import scope_of
from annotation.models import AuditEntry, Study
from reports.wording.numbers import count

PAGE_SIZE = 50


def starting(*beginnings: str) -> Q:
    found = Q()
    for beginning in beginnings:
        found |= Q(action__startswith=beginning)
    return found


# Kinds by their name in an address: words, and which acts they are.
KINDS: Mapping[str, tuple[str, Q]] = {
    "all": ("Everything", Q()),
    "looks": ("Looks at results", Q(action="look")),
    "study": ("The study", starting("study.", "comparisons.", "import", "report.")),
    "stops": ("Pairs that stopped", Q(action="pair.stopped")),
    "people": (
        "People",
        starting("member.", "invitation", "crowd_link.", "annotator.", "account."),
    ),
    "quality": ("Quality", starting("quality.", "qualification.")),
    "adjudication": ("Adjudication", starting("adjudication.")),
}

# Acts in words; what is missing here is shown by its name.
WORDS = {
    "look": "Looked at results",
    "study.created": "Created the study",
    "study.configured": "Changed the settings",
    "study.rubric_set": "Set the rubric",
    "study.opened": "Opened the study",
    "study.changed": "Changed the open study",
    "study.paused": "Paused the study",
    "study.resumed": "Resumed the study",
    "study.closed": "Closed the study",
    "study.archived": "Archived the study",
    "study.unblinded": "Unblinded the study",
    "comparisons.generated": "Generated comparisons",
    "report.anchor_set": "Set the anchor of the ratings",
    "report.anchor_removed": "Took the anchor of the ratings away",
    "pair.stopped": "A pair of systems is decided and stopped",
    "member.added": "Added a member",
    "member.removed": "Removed a member",
    "invitations.issued": "Issued invitations",
    "invitation.revoked": "Revoked an invitation",
    "crowd_link.issued": "Issued a link for a crowd",
    "annotator.erased": "Erased a person",
    "annotator.message_sent": "Wrote to an annotator",
    "annotator.message_read": "Read a message",
    "quality.finding": "A quality rule fired",
    "quality.paused": "Paused an annotator",
    "quality.reviewed": "Decided on an annotator",
    "quality.votes_excluded": "Excluded votes",
    "quality.votes_put_back": "Put votes back into the count",
    "quality.own_votes_excluded": "Left an owner’s own votes out of the count",
    "qualification.passed": "Passed the training",
    "qualification.attempt_failed": "Failed an attempt of the training",
    "qualification.failed": "Failed the training",
    "adjudication.decided": "Adjudicated a comparison",
}
# Of a decision: for how much it speaks, and so how far apart the two are, is an outcome.
OUTCOMES: Mapping[str, frozenset[str]] = {"pair.stopped": frozenset({"e_value"})}
# Longer values are cut: a log is read at a glance.
LONGEST_VALUE = 200


@dataclass(frozen=True, slots=True)
class Line:
    """One entry.

    Attributes
    ----------
    number : int
        Its place in the chain.
    actor : str
        Who did it; empty for the system and the operator at the command line.
    what : str
    facts : tuple of (str, str)
        What the entry keeps, name and value.
    """

    number: int
    at: datetime
    actor: str
    what: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Trail:
    """Some lines, newest first, and the number below which the next page begins."""

    lines: list[Line]
    before: int | None


def read_trail(study: Study, kind: str, before: int | None, *, sees_outcomes: bool) -> Trail:
    """A page of the log; what an entry tells of outcomes only to those who may see them. One query.

    Parameters
    ----------
    study : Study
    kind : str
        One of `KINDS`.
    before : int or None
        The number below which the page begins.
    sees_outcomes : bool
    """
    rows = AuditEntry.objects.filter(KINDS[kind][1], scope=scope_of(study)).select_related("actor")
    if before is not None:
        rows = rows.filter(seq__lt=before)
    found = list(rows.order_by("-seq")[: PAGE_SIZE + 1])
    shown = found[:PAGE_SIZE]
    return Trail(
        [line_of(entry, sees_outcomes=sees_outcomes) for entry in shown],
        shown[-1].seq if len(found) > PAGE_SIZE else None,
    )


def line_of(entry: AuditEntry, *, sees_outcomes: bool) -> Line:
    sealed = frozenset() if sees_outcomes else OUTCOMES.get(entry.action, frozenset())
    return Line(
        entry.seq,
        entry.at,
        "" if entry.actor is None else entry.actor.get_username(),
        WORDS.get(entry.action, entry.action),
        tuple(
            (name.replace("_", " "), "sealed" if name in sealed else in_words(value))
            for name, value in entry.detail.items()
            # How many rows a report has read tells only whether it is up to date.
            if name != "rows" and value not in ("", None, [], {})
        ),
    )


def in_words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return count(value)
    if isinstance(value, list):
        return cut(", ".join(map(in_words, value)))
    if isinstance(value, dict):
        return cut(", ".join(f"{name} {in_words(part)}" for name, part in value.items()))
    return cut(str(value))


def cut(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE].rstrip()} …"
