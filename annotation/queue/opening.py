"""Putting a study's comparisons into the queue: their places and where their sides start."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Count, Q, QuerySet

from annotation.blinding import side_starts
from annotation.models import Comparison, ComparisonKind, Study, System

from .ring import places

# Read and written together; bounds the memory of opening a million comparisons.
PROMPTS_AT_ONCE = 500


def open_for_claims(study: Study) -> int:
    """Give every comparison of kind work that has none a place, and open it.

    Called when the study opens, and again when comparisons were added to it; those that have a
    place keep it. Places and sides follow from the study's queue seed.

    Returns
    -------
    int
        How many comparisons were opened.
    """
    waiting = Comparison.objects.filter(
        study=study, kind=ComparisonKind.WORK, open_seq__isnull=True
    )
    opened = 0
    with transaction.atomic():
        starts = SideStarts.of(study, waiting)
        for rows in by_prompts(waiting):
            write_places(study, rows, starts)
            opened += len(rows)
    return opened


@dataclass(frozen=True, slots=True)
class WaitingRow:
    pk: int
    item_id: str
    prompt_id: str
    system_a: int
    system_b: int


def by_prompts(waiting: QuerySet[Comparison]) -> Iterator[list[WaitingRow]]:
    """The waiting comparisons, all of a prompt's together."""
    last = 0
    while True:
        prompts = list(
            waiting.filter(prompt_id__gt=last)
            .order_by("prompt_id")
            .values_list("prompt_id", flat=True)
            .distinct()[:PROMPTS_AT_ONCE]
        )
        if not prompts:
            return
        rows = (
            waiting.filter(prompt_id__gt=last, prompt_id__lte=prompts[-1])
            .order_by("prompt_id", "pk")
            .values_list("pk", "item_id", "prompt__prompt_id", "system_a", "system_b")
        )
        yield [WaitingRow(*row) for row in rows]
        last = prompts[-1]


@dataclass(slots=True)
class SideStarts:
    """The drawn starts of each pair of systems, handed out one after the other."""

    names: dict[int, str]
    draws: dict[tuple[str, str], Iterator[bool]]

    @classmethod
    def of(cls, study: Study, waiting: QuerySet[Comparison]) -> SideStarts:
        names = dict(System.objects.filter(study=study).values_list("pk", "name"))
        wanted: Counter[tuple[str, str]] = Counter()
        drawn: Counter[tuple[str, str]] = Counter()
        counts = (
            Comparison.objects.filter(study=study, kind=ComparisonKind.WORK)
            .order_by()
            .values_list("system_a", "system_b")
            .annotate(
                waiting=Count("pk", filter=Q(open_seq__isnull=True)),
                before=Count("pk", filter=Q(open_seq__isnull=False)),
            )
        )
        for system_a, system_b, waiting_count, before in counts:
            pair = pair_of(names[system_a], names[system_b])
            wanted[pair] += waiting_count
            drawn[pair] += before
        return cls(
            names,
            {
                pair: side_starts(study.queue_seed, pair, count, drawn[pair])
                for pair, count in wanted.items()
            },
        )

    def first_swapped(self, row: WaitingRow) -> bool:
        """Whether slot 1 shows b left.

        The draw is about the pair's first system by name: imported pairs come in either order.
        """
        name_a, name_b = self.names[row.system_a], self.names[row.system_b]
        first_system_right = next(self.draws[pair_of(name_a, name_b)])
        return first_system_right if name_a <= name_b else not first_system_right


def pair_of(name: str, other: str) -> tuple[str, str]:
    return (name, other) if name <= other else (other, name)


def write_places(study: Study, rows: list[WaitingRow], starts: SideStarts) -> None:
    items: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        items[row.prompt_id].append(row.item_id)
    place_of = {
        item_id: place
        for prompt_id, item_ids in items.items()
        for item_id, place in places(study.queue_seed, prompt_id, item_ids).items()
    }
    quote = connection.ops.quote_name
    # One prepared statement: bulk_update takes ten times as long for 100,000 rows.
    with connection.cursor() as cursor:
        cursor.executemany(
            f"UPDATE {quote(Comparison._meta.db_table)} "  # noqa: S608 - names of our own columns
            f"SET {quote('open')} = (taken < overlap), open_seq = %s, first_swapped = %s "
            "WHERE id = %s",
            [(place_of[row.item_id], starts.first_swapped(row), row.pk) for row in rows],
        )
