"""What the database holds after a run, as plain rows that a checker can be shown without one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# A counted vote as an analysis sees it: item, annotator, verdict.
CountedVote = tuple[str, str, str]

WORK = "work"


@dataclass(frozen=True, slots=True)
class Texts:
    """The two texts of an item in canonical order, each unlike any other text."""

    a: str
    b: str


@dataclass(frozen=True, slots=True)
class ItemRow:
    item: str
    overlap: int
    taken: int
    open: bool
    kind: str = WORK
    # Whether its cell was stopped: nothing more is handed out.
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class AssignmentRow:
    assignment: str
    item: str
    annotator: str
    state: str
    slot_no: int | None
    swapped: bool
    kind: str = WORK
    pass_no: int = 0
    # By an exclusion in force.
    excluded: bool = False
    # Seconds since the epoch.
    reserved_at: float = 0.0

    @property
    def is_work(self) -> bool:
        return self.kind == WORK and self.pass_no == 0


@dataclass(frozen=True, slots=True)
class VoteRow:
    key: str
    assignment: str
    item: str
    annotator: str
    choice: str
    verdict: str
    swapped: bool
    revision: int
    late: bool
    # Seconds since the epoch at which its transaction began.
    at: float


@dataclass(frozen=True, slots=True)
class AnnotatorRow:
    annotator: str
    handed: int
    answered: int
    skipped: int


@dataclass(frozen=True, slots=True)
class Records:
    """The rows of one study, what the product counts of them, and what its log says."""

    items: tuple[ItemRow, ...]
    assignments: tuple[AssignmentRow, ...]
    votes: tuple[VoteRow, ...]
    annotators: tuple[AnnotatorRow, ...]
    # annotation.selectors.counted_votes
    counted: tuple[CountedVote, ...]
    # reports.records.load, the arrays that an analysis counts; None where none was made.
    analysed: tuple[CountedVote, ...] | None = None
    # `export votes`: the rows whose status is `counted`
    exported: tuple[CountedVote, ...] = ()
    # counts.votes of the report that `analyze` printed
    reported_votes: int | None = None
    # (first system, second system) → votes of the pair, as `analyze` printed it
    reported_pairs: Mapping[tuple[str, str], int] = field(default_factory=dict)
    # The assignments whose revisions the log speaks of, one entry a revision.
    revisions_logged: tuple[str, ...] = ()
    # How often the log speaks of each kind of act.
    acts_logged: Mapping[str, int] = field(default_factory=dict)
    audit_faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """What was put into the study, known before anything ran."""

    texts: Mapping[str, Texts]
    # item → (first system, second system), in canonical order
    systems: Mapping[str, tuple[str, str]]
    # Items that are no work: gold and identical pairs.
    checks: frozenset[str] = frozenset()
