"""What must hold after a chaos run, whatever was killed: pure, over a history and the rows.

Each rule yields what breaks it. None asks the product how it came about.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .expectation import Served, expected_votes, item_of_texts, servings
from .history import History, Kind, Line, Op
from .records import AssignmentRow, Manifest, Records

HOLDS_SLOT = ("reserved", "submitted")
ANSWERED = ("submitted", "late_surplus")


@dataclass(frozen=True, slots=True)
class Evidence:
    history: History
    records: Records
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule by name, and what broke it."""

    rule: str
    what: str


Rule = Callable[[Evidence], Iterator[str]]


def acknowledged(evidence: Evidence) -> Iterator[str]:
    """Every acknowledged vote is stored once and equals what was sent and answered."""
    stored = Counter((row.annotator, row.key) for row in evidence.records.votes)
    rows = {(row.annotator, row.key): row for row in evidence.records.votes}
    for line in evidence.history.of(Op.VOTE, Kind.OK):
        copies = stored[line.who, line.key]
        if copies != 1:
            yield f"the vote {line.key} was acknowledged and is stored {copies} times"
            continue
        row = rows[line.who, line.key]
        told = (line.assignment, line.data["choice"], line.data["revision"], line.data["late"])
        if told != (row.assignment, row.choice, row.revision, row.late):
            yield f"the vote {line.key} was acknowledged as {told} and is stored as {row}"


def one_answer(evidence: Evidence) -> Iterator[str]:
    """However often a decision is sent, the answer is the same, and only one is the first."""
    answers: dict[str, list[Line]] = defaultdict(list)
    for line in evidence.history.of(Op.VOTE, Kind.OK):
        answers[line.key].append(line)
    for key, lines in answers.items():
        bodies = [{**line.data, "replayed": None} for line in lines]
        if any(body != bodies[0] for body in bodies):
            yield f"the vote {key} was answered in different ways: {bodies}"
        if sum(not line.data["replayed"] for line in lines) > 1:
            yield f"the vote {key} was taken in twice"


def invoked(evidence: Evidence) -> Iterator[str]:
    """No vote is stored that nobody sent, that was refused, or that says something else."""
    sent = {(line.who, line.key): line for line in evidence.history.of(Op.VOTE, Kind.INVOKE)}
    refused = {(line.who, line.key) for line in evidence.history.of(Op.VOTE, Kind.FAIL)}
    for row in evidence.records.votes:
        line = sent.get((row.annotator, row.key))
        if line is None:
            yield f"the vote {row.key} of {row.annotator} is stored, but nobody sent it"
        elif (line.assignment, line.data["choice"]) != (row.assignment, row.choice):
            yield f"the vote {row.key} was sent as {line.data} and is stored as {row}"
        if (row.annotator, row.key) in refused:
            yield f"the vote {row.key} was refused and is stored all the same"


def overlap(evidence: Evidence) -> Iterator[str]:
    """No item has more counted votes than wanted, and none two of one person."""
    wanted = {row.item: row.overlap for row in evidence.records.items}
    for item, votes in Counter(item for item, _, _ in evidence.records.counted).items():
        if votes > wanted[item]:
            yield f"{item} has {votes} counted votes for {wanted[item]}"
    people = Counter((item, who) for item, who, _ in evidence.records.counted)
    for (item, who), votes in people.items():
        if votes > 1:
            yield f"{who} has {votes} counted votes on {item}"


def by_item(records: Records) -> dict[str, list[AssignmentRow]]:
    rows: dict[str, list[AssignmentRow]] = defaultdict(list)
    for row in records.assignments:
        rows[row.item].append(row)
    return rows


def slots(evidence: Evidence) -> Iterator[str]:
    """Reservations and votes together never exceed the overlap; a slot has one holder."""
    rows = by_item(evidence.records)
    for item in evidence.records.items:
        holders = [row for row in rows[item.item] if row.state in HOLDS_SLOT]
        if len(holders) > item.overlap:
            yield f"{item.item} is held or voted {len(holders)} times for {item.overlap}"
        numbers = Counter(row.slot_no for row in holders)
        if any(count > 1 for count in numbers.values()):
            yield f"{item.item} has slots with two holders: {dict(numbers)}"
        if any(number not in range(1, item.overlap + 1) for number in numbers):
            yield f"{item.item} has slots outside 1 to {item.overlap}: {dict(numbers)}"
        people = Counter(row.annotator for row in rows[item.item])
        for who, count in people.items():
            if count > 1:
                yield f"{who} had {item.item} {count} times"


def counters(evidence: Evidence) -> Iterator[str]:
    """The queue's own counters equal a recount."""
    rows = by_item(evidence.records)
    for item in evidence.records.items:
        held = sum(row.state in HOLDS_SLOT for row in rows[item.item])
        if (item.taken, item.open) != (held, held < item.overlap):
            yield f"{item.item} says taken {item.taken}, open {item.open}; {held} are held"


def states(evidence: Evidence) -> Iterator[str]:
    """An assignment is answered exactly when it has a vote, and its revisions have no gap."""
    revisions: dict[str, list[int]] = defaultdict(list)
    for vote in evidence.records.votes:
        revisions[vote.assignment].append(vote.revision)
    for row in evidence.records.assignments:
        found = sorted(revisions[row.assignment])
        if (row.state in ANSWERED) != bool(found):
            yield f"the assignment {row.assignment} is {row.state} and has {len(found)} votes"
        if found != list(range(len(found))):
            yield f"the assignment {row.assignment} has the revisions {found}"


def sides(evidence: Evidence) -> Iterator[str]:
    """What is stored as shown left was shown left, every time."""
    items = item_of_texts(evidence.manifest)
    shown: dict[str, Served] = {}
    for assignment, served in servings(evidence.history):
        if shown.setdefault(assignment, served) != served:
            yield f"the assignment {assignment} was shown in two ways"
    rows = {row.assignment: row for row in evidence.records.assignments}
    for assignment, served in shown.items():
        row = rows.get(assignment)
        if row is None:
            yield f"the assignment {assignment} was shown and is not stored"
            continue
        texts = evidence.manifest.texts[row.item]
        stored = (texts.b, texts.a) if row.swapped else (texts.a, texts.b)
        if (served.left, served.right) != stored or served.who != row.annotator:
            item = items.get(frozenset((served.left, served.right)))
            yield f"{assignment} showed {item} to {served.who} otherwise than stored: {row}"
    for vote in evidence.records.votes:
        if vote.assignment not in shown:
            yield f"the vote {vote.key} is about a pair that was never shown"
        elif rows[vote.assignment].swapped != vote.swapped:
            yield f"the vote {vote.key} has other sides than its assignment"


def log(evidence: Evidence) -> Iterator[str]:
    """The log's chain holds, and it speaks of each revision once."""
    yield from evidence.records.audit_faults
    stored = Counter(row.assignment for row in evidence.records.votes if row.revision > 0)
    logged = Counter(evidence.records.revisions_logged)
    for assignment in stored | logged:
        if stored[assignment] != logged[assignment]:
            yield (
                f"the assignment {assignment} has {stored[assignment]} revisions, "
                f"of which the log knows {logged[assignment]}"
            )


def endings(evidence: Evidence) -> Iterator[str]:
    """Who was told that nothing is left had nothing left.

    A first vote of somebody else that began later, on an item that this person never had, shows
    that work was left.
    """
    had: dict[str, set[str]] = defaultdict(set)
    submitted = set()
    for row in evidence.records.assignments:
        if row.state != "expired":
            had[row.annotator].add(row.item)
        if row.state == "submitted":
            submitted.add(row.assignment)
    filled_at: dict[str, float] = {}
    for vote in evidence.records.votes:
        if vote.revision == 0 and vote.assignment in submitted:
            filled_at[vote.item] = max(vote.at, filled_at.get(vote.item, vote.at))
    for line in evidence.history.of(Op.NEXT, Kind.OK):
        if line.data["empty"] != "finished":
            continue
        left = sorted(
            item for item, at in filled_at.items() if at > line.at and item not in had[line.who]
        )
        if left:
            yield f"{line.who} was told of the end while {len(left)} items lacked votes: {left[:3]}"


def expectation(evidence: Evidence) -> Iterator[str]:
    """The votes that count are those that the acknowledgements say must count."""
    expected = expected_votes(evidence.history, evidence.manifest)
    counted = set(evidence.records.counted)
    for vote in sorted(expected.certain - counted):
        yield f"{vote} was acknowledged as counted and is not"
    for vote in sorted(counted - expected.certain - expected.possible):
        yield f"{vote} is counted without an acknowledgement"


def analysis(evidence: Evidence) -> Iterator[str]:
    """What `analyze` counted is what counts."""
    records = evidence.records
    if records.analysed is None:
        return
    analysed, counted = Counter(records.analysed), Counter(records.counted)
    for vote in sorted(analysed | counted):
        if analysed[vote] != counted[vote]:
            yield f"{vote} is analysed {analysed[vote]} times and counts {counted[vote]} times"
    if records.reported_votes != len(records.counted):
        yield f"the report speaks of {records.reported_votes} votes, not {len(records.counted)}"
    pairs: Counter[tuple[str, str]] = Counter()
    for item, _, _ in records.counted:
        first, second = sorted(evidence.manifest.systems[item])
        pairs[first, second] += 1
    if {pair: n for pair, n in records.reported_pairs.items() if n} != dict(pairs):
        yield f"the report has the pairs {dict(records.reported_pairs)}, not {dict(pairs)}"


def filled(evidence: Evidence) -> Iterator[str]:
    """Every item has all the votes it wants."""
    rows = by_item(evidence.records)
    for item in evidence.records.items:
        votes = sum(row.state == "submitted" for row in rows[item.item])
        if votes != item.overlap:
            yield f"{item.item} has {votes} of {item.overlap} votes"


ALWAYS: tuple[Rule, ...] = (overlap, slots, counters, states)
AT_THE_END: tuple[Rule, ...] = (
    *ALWAYS,
    acknowledged,
    one_answer,
    invoked,
    sides,
    log,
    endings,
    expectation,
    analysis,
    filled,
)


def check(evidence: Evidence, rules: tuple[Rule, ...] = AT_THE_END) -> list[Violation]:
    """Everything that breaks one of the rules; an empty list if all hold."""
    return [Violation(rule.__name__, what) for rule in rules for what in rule(evidence)]
