"""Rules about votes: none is lost, none is invented, and those count that were told to."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from .evidence import ANSWERED, Evidence
from .expectation import Served, expected_votes, item_of_texts, servings
from .history import Kind, Line, Op


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


def conflicts(evidence: Evidence) -> Iterator[str]:
    """A decision beside one that stands is refused with that one in the answer."""
    for line in evidence.history.of(Op.CONFLICT, Kind.OK, Kind.FAIL):
        told = (line.data["code"], line.data["stored"])
        if line.kind == Kind.FAIL or told != (line.data["expected"], line.data["stands"]):
            yield f"a decision against {line.assignment} of {line.who} was answered {line.data}"


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


def expectation(evidence: Evidence) -> Iterator[str]:
    """The votes that count are those that the acknowledgements say must count."""
    expected = expected_votes(evidence.history, evidence.manifest)
    counted = set(evidence.records.counted)
    for vote in sorted(expected.certain - counted):
        yield f"{vote} was acknowledged as counted and is not"
    for vote in sorted(counted - expected.certain - expected.possible):
        yield f"{vote} is counted without an acknowledgement"


def analysis(evidence: Evidence) -> Iterator[str]:
    """What `analyze` counted, and what `export` says counts, is what counts."""
    records = evidence.records
    if records.analysed is None:
        return
    counted = Counter(records.counted)
    for name, found in (("analysed", records.analysed), ("exported", records.exported)):
        copies = Counter(found)
        for vote in sorted(copies | counted):
            if copies[vote] != counted[vote]:
                yield f"{vote} is {name} {copies[vote]} times and counts {counted[vote]} times"
    if records.reported_votes != len(records.counted):
        yield f"the report speaks of {records.reported_votes} votes, not {len(records.counted)}"
    pairs: Counter[tuple[str, str]] = Counter()
    for item, _, _ in records.counted:
        first, second = sorted(evidence.manifest.systems[item])
        pairs[first, second] += 1
    if {pair: n for pair, n in records.reported_pairs.items() if n} != dict(pairs):
        yield f"the report has the pairs {dict(records.reported_pairs)}, not {dict(pairs)}"
