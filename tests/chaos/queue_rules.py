"""Rules about the queue: no overshoot, true counters, true words, and a study that fills."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from .evidence import ANSWERED, HOLDS_SLOT, Evidence
from .history import Kind, Line, Op
from .records import WORK, AssignmentRow, Records

# What an act is called in the log.
LOGGED_AS = {
    Op.STUDY_PAUSE: "study.paused",
    Op.STUDY_RESUME: "study.resumed",
    Op.REMOVE: "member.removed",
    Op.VERSION: "study.changed",
}
# A claim that began before may have waited so long for its lock, and was then rightly given.
LOCK_WAIT_S = 2.0


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
    """The assignments that are work, by item."""
    rows: dict[str, list[AssignmentRow]] = defaultdict(list)
    for row in records.assignments:
        if row.is_work:
            rows[row.item].append(row)
    return rows


def holds_slot(row: AssignmentRow) -> bool:
    """Whether a place of its item must be this one's."""
    return row.is_work and row.state in HOLDS_SLOT and not row.excluded


def slots(evidence: Evidence) -> Iterator[str]:
    """Reservations and votes together never exceed the overlap; a slot has one holder."""
    rows = by_item(evidence.records)
    for item in evidence.records.items:
        holders = [row for row in rows[item.item] if holds_slot(row)]
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
    for row in evidence.records.assignments:
        if row.slot_no is not None and not holds_slot(row):
            yield f"the assignment {row.assignment} keeps slot {row.slot_no}: {row}"


def counters(evidence: Evidence) -> Iterator[str]:
    """The queue's own counters equal a recount."""
    rows = by_item(evidence.records)
    for item in evidence.records.items:
        held = sum(row.slot_no is not None for row in rows[item.item])
        is_open = item.kind == WORK and held < item.overlap and not item.stopped
        if (item.taken, item.open) != (held, is_open):
            yield f"{item.item} says taken {item.taken}, open {item.open}; {held} are held"


def people(evidence: Evidence) -> Iterator[str]:
    """What each annotator was handed, answered and skipped equals a recount."""
    handed: Counter[str] = Counter()
    answered: Counter[str] = Counter()
    skipped: Counter[str] = Counter()
    for row in evidence.records.assignments:
        handed[row.annotator] += 1
        answered[row.annotator] += row.state in ANSWERED
        skipped[row.annotator] += row.state == "released"
    for who in evidence.records.annotators:
        name = who.annotator
        said = (who.handed, who.answered, who.skipped)
        if said != (handed[name], answered[name], skipped[name]):
            yield (
                f"{name} says handed, answered, skipped {said}; they are "
                f"{(handed[name], answered[name], skipped[name])}"
            )


def checks(evidence: Evidence) -> Iterator[str]:
    """Gold, identical pairs and repeats take no place and never count."""
    kinds = {row.item: row.kind for row in evidence.records.items}
    for item in evidence.records.items:
        if (item.kind != WORK) != (item.item in evidence.manifest.checks):
            yield f"{item.item} is {item.kind}, which is not what was put in"
        if item.kind != WORK and (item.taken or item.open):
            yield f"{item.item} is {item.kind} and says taken {item.taken}, open {item.open}"
    for row in evidence.records.assignments:
        if row.kind != kinds[row.item]:
            yield f"the assignment {row.assignment} is {row.kind} of an item of {kinds[row.item]}"
        if row.slot_no is not None and not row.is_work:
            yield f"the assignment {row.assignment} is no work and has slot {row.slot_no}"
    for item_id, who, _ in evidence.records.counted:
        if item_id in evidence.manifest.checks:
            yield f"the vote of {who} on {item_id} counts, which is a check"


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


def acts(evidence: Evidence) -> Iterator[str]:
    """What operators did was done once each, and what they took out of the count is out."""
    done = Counter(line.op for line in evidence.history.lines if line.kind == Kind.OK)
    for op, action in LOGGED_AS.items():
        logged = evidence.records.acts_logged.get(action, 0)
        if logged != done[op]:
            yield f"{op} was done {done[op]} times, and the log has {logged} of {action}"
    changes = [line for line in evidence.history.lines if line.op in (Op.EXCLUDE, Op.LIFT)]
    last = {line.assignment: line.op for line in changes if line.kind == Kind.OK}
    for row in evidence.records.assignments:
        told = last.get(row.assignment) == Op.EXCLUDE
        if row.excluded != told:
            word = "is" if row.excluded else "is not"
            yield f"the assignment {row.assignment} {word} excluded, unlike what was told"


def endings(evidence: Evidence) -> Iterator[str]:
    """Who was told that nothing is left had nothing left.

    A first vote of somebody else that began later, on an item that this person never had, shows
    that work was left, unless a place of the item came back since, or will not come back.
    """
    stopped = {item.item for item in evidence.records.items if item.stopped}
    had: dict[str, set[str]] = defaultdict(set)
    submitted = {}
    for row in evidence.records.assignments:
        if row.is_work and row.state != "expired":
            had[row.annotator].add(row.item)
        if row.is_work and row.state == "submitted":
            submitted[row.assignment] = row.item
    filled_at: dict[str, float] = {}
    for vote in evidence.records.votes:
        if (
            vote.revision == 0
            and vote.assignment in submitted
            and submitted[vote.assignment] not in stopped
        ):
            filled_at[vote.item] = max(vote.at, filled_at.get(vote.item, vote.at))
    reopened = reopenings(evidence)
    for line in evidence.history.of(Op.NEXT, Kind.OK):
        if line.data["empty"] != "finished":
            continue
        left = sorted(
            item
            for item, at in filled_at.items()
            if at > line.at and item not in had[line.who] and reopened.get(item, 0.0) < line.at
        )
        if left:
            yield f"{line.who} was told of the end while {len(left)} items lacked votes: {left[:3]}"


def reopenings(evidence: Evidence) -> dict[str, float]:
    """When operators last took a vote out of an item, or wanted another one."""
    items = {row.assignment: row.item for row in evidence.records.assignments}
    reopened: dict[str, float] = {}
    for line in evidence.history.of(Op.EXCLUDE, Kind.OK, Kind.INFO):
        if line.assignment in items:
            reopened[items[line.assignment]] = line.at
    for line in evidence.history.of(Op.VERSION, Kind.OK):
        for item in line.data["items"]:
            reopened[item] = max(line.at, reopened.get(item, 0.0))
    return reopened


def pauses(evidence: Evidence) -> Iterator[str]:
    """Nothing is handed out in a study or to a person that is known to be stopped."""
    study = spans(evidence, Op.STUDY_PAUSE, Op.STUDY_RESUME)
    persons = spans(evidence, Op.PAUSE, Op.RESUME)
    removed = {line.who: line.at for line in evidence.history.of(Op.REMOVE, Kind.OK)}
    for row in evidence.records.assignments:
        for name, found in (("the study", study.get("", [])), ("them", persons[row.annotator])):
            if any(begun < row.reserved_at < ended for begun, ended in found):
                yield f"{row.annotator} got {row.assignment} although {name} had been paused"
        if row.reserved_at > removed.get(row.annotator, row.reserved_at):
            yield f"{row.annotator} got {row.assignment} after they were removed"


def spans(evidence: Evidence, begins: Op, ends: Op) -> dict[str, list[tuple[float, float]]]:
    """For each person the times in which their pause was known and its end not yet asked for."""
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    begun: dict[str, Line] = {}
    for line in evidence.history.lines:
        if line.op == begins and line.kind == Kind.OK:
            begun[line.who] = line
        elif line.op == ends and line.kind == Kind.INVOKE and line.who in begun:
            found[line.who].append((begun.pop(line.who).at, line.at - LOCK_WAIT_S))
    return found


def stops(evidence: Evidence) -> Iterator[str]:
    """Nothing is handed out of a pair of systems that is known to be stopped."""
    stopped = {
        tuple(line.data["systems"]): line.at for line in evidence.history.of(Op.STOP, Kind.OK)
    }
    pair_of = {item: tuple(sorted(pair)) for item, pair in evidence.manifest.systems.items()}
    for item in evidence.records.items:
        if item.kind == WORK and item.stopped != (pair_of[item.item] in stopped):
            yield f"{item.item} says stopped {item.stopped}, unlike what was told"
    for row in evidence.records.assignments:
        since = stopped.get(pair_of[row.item])
        if row.is_work and since is not None and row.reserved_at > since:
            yield f"{row.annotator} got {row.assignment} of a pair of systems that was stopped"


def filled(evidence: Evidence) -> Iterator[str]:
    """Every item has all the votes it wants."""
    rows = by_item(evidence.records)
    for item in evidence.records.items:
        votes = sum(row.state == "submitted" and not row.excluded for row in rows[item.item])
        if item.kind == WORK and not item.stopped and votes != item.overlap:
            yield f"{item.item} has {votes} of {item.overlap} votes"
