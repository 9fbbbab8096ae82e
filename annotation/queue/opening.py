"""Putting a study's comparisons into the queue: places, cells and where their sides start."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from annotation.blinding import side_starts
from annotation.draws import shuffled
from annotation.many_rows import update_rows
from annotation.models import Comparison, ComparisonKind, Study, System
from annotation.rules import PromptOrder, rules_of

from .cells import CellsOfComparisons, count_cells, pair_of
from .ring import places, start_in_stratum

# Read and written together; bounds the memory of opening a million comparisons.
PROMPTS_AT_ONCE = 500


def open_for_claims(study: Study, progress: Callable[[int], None] | None = None) -> int:
    """Give every comparison of kind work that has none a place and a cell, and open it.

    Called when the study opens, and again when comparisons were added to it; those that have a
    place keep it. Places and sides follow from the study's queue seed. Nothing of a cell that was
    stopped is opened. `progress` is told the number so far.

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
        cells = CellsOfComparisons.of(study, waiting)
        walk = Walk.of(study)
        for rows in by_prompts(waiting):
            write_places(rows, walk.places_of(rows), starts, cells)
            opened += len(rows)
            if progress is not None:
                progress(opened)
        if opened:
            count_cells(study)
    return opened


@dataclass(frozen=True, slots=True)
class WaitingRow:
    pk: int
    item_id: str
    prompt_id: str
    system_a: int
    system_b: int
    category: str


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
            .values_list(
                "pk", "item_id", "prompt__prompt_id", "system_a", "system_b", "prompt__category"
            )
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


@dataclass(slots=True)
class Walk:
    """The places of the study's order, given prompt by prompt."""

    seed: int
    by_category: bool
    grouped: bool
    # How many prompts of each category have a start.
    begun: Counter[str]

    @classmethod
    def of(cls, study: Study) -> Walk:
        order = rules_of(study.rules).order
        begun: Counter[str] = Counter()
        if order.by_category:
            # At least as many as prompts: no start is given twice to a category.
            placed = (
                Comparison.objects.filter(study=study, open_seq__isnull=False)
                .order_by()
                .values_list("prompt__category")
                .annotate(comparisons=Count("pk"))
            )
            begun.update(dict(placed))
        return cls(study.queue_seed, order.by_category, order.prompts == PromptOrder.GROUPED, begun)

    def places_of(self, rows: list[WaitingRow]) -> dict[str, int]:
        """The places of all comparisons of some prompts, by item id."""
        items: dict[tuple[str, str], list[str]] = defaultdict(list)
        for row in rows:
            items[row.prompt_id, row.category].append(row.item_id)
        found: dict[str, int] = {}
        # Not in the order of import, which may have one subject after the other.
        prompts = shuffled(items, self.seed, "prompts", key=lambda prompt: prompt[0])
        for prompt_id, category in prompts:
            start = None
            if self.by_category:
                start = start_in_stratum(self.seed, category, self.begun[category])
                self.begun[category] += 1
            item_ids = items[prompt_id, category]
            found |= places(self.seed, prompt_id, item_ids, start=start, grouped=self.grouped)
        return found


def write_places(
    rows: list[WaitingRow], place_of: dict[str, int], starts: SideStarts, cells: CellsOfComparisons
) -> None:
    values = []
    for row in rows:
        cell = cells.cell(row.system_a, row.system_b, row.category)
        swapped = starts.first_swapped(row)
        going = cell.stopped_at is None
        values.append((going, place_of[row.item_id], swapped, cell.pk, row.pk))
    update_rows(
        Comparison,
        {
            "open": "({} AND taken < overlap)",
            "open_seq": "{}",
            "first_swapped": "{}",
            "cell": "{}",
        },
        values,
    )
