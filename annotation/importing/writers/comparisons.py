"""Rows of ``import_comparisons``: ready-made pairs, in the a/b order of the file."""

from __future__ import annotations

from collections.abc import Sequence

from annotation.importing.digests import digest_of, key_of
from annotation.importing.formats import COMPARISONS, ComparisonRow, ResponseRow, Side
from annotation.importing.formats.rows import OVERALL
from annotation.importing.ledger import STORED, Conflict, Known, Ledger
from annotation.importing.writers.content import ROWS_PER_FETCH, ContentStore
from annotation.importing.writers.writer import ImportPlan, Pass, Placed, Reasons, no_counts
from annotation.models import Comparison, ImportKind

DEFAULT_OVERLAP = 3

Sides = tuple[ResponseRow, ResponseRow]


class ComparisonWriter:
    """Keyed by item id.

    A response has no number in these rows: each further text of one system on one prompt becomes
    the next sample, in order of first appearance, and an equal text is the sample it was.
    """

    sweeps = 1

    def __init__(self, run: Pass) -> None:
        self.counts = no_counts()
        self._run = run
        self._content = ContentStore(run, self.counts)
        self._items = Ledger("content")
        self._pairs = Ledger()
        # (prompt, system, text) to sample, and (prompt, system) to the next free sample.
        self._sample_of_text: dict[bytes, int] = {}
        self._next_sample: dict[bytes, int] = {}

    def take(self, rows: Sequence[Placed[ComparisonRow]], sweep: int) -> Reasons:
        """Check a batch and store its new pairs, with what they are made of."""
        self._load(rows)
        reasons: Reasons = []
        new: list[tuple[ComparisonRow, Sides]] = []
        for place, row in rows:
            sides = self._sides(row)
            reason = self._reason(row, sides)
            if reason is not None:
                reasons.append((place, reason))
            elif self._admit(row, sides, place):
                new.append((row, sides))
        if self._run.store:
            self._content.flush()
            self._store(new)
        return reasons

    def _load(self, rows: Sequence[Placed[ComparisonRow]]) -> None:
        """Learn what the database holds of the batch's prompts and items."""
        if self._run.study is None:
            return
        met = self._content.load_prompts(row.prompt.prompt_id for _, row in rows)
        for prompt_id, system, sample, text in self._content.load_responses(met):
            self._learn_sample(prompt_id, system, sample, text)
        for prompt_id, a, sample_a, b, sample_b in self._run.study.comparisons.filter(
            prompt__in=met
        ).values_list(
            "prompt__prompt_id",
            "system_a__name",
            "response_a__sample",
            "system_b__name",
            "response_b__sample",
        ):
            self._pairs.admit(pair_key(prompt_id, (a, sample_a), (b, sample_b)), (), STORED)
        items = [row.item_id for _, row in rows if key_of(row.item_id) not in self._items]
        for item in (
            self._run.study.comparisons.filter(item_id__in=items)
            .select_related("prompt", "system_a", "system_b", "response_a", "response_b")
            .iterator(chunk_size=ROWS_PER_FETCH)
        ):
            self._items.admit(key_of(item.item_id), [stored_digest(item)], STORED)

    def _learn_sample(self, prompt_id: str, system: str, sample: int, text: str) -> None:
        pair = key_of(prompt_id, system)
        self._sample_of_text.setdefault(text_key(pair, text), sample)
        self._next_sample[pair] = max(self._next_sample.get(pair, 0), sample + 1)

    def _sides(self, row: ComparisonRow) -> Sides:
        """Name the two responses by their samples, changing nothing yet."""
        taken: dict[bytes, int] = {}
        made = []
        for side in (row.a, row.b):
            pair = key_of(row.prompt.prompt_id, side.system)
            text = text_key(pair, side.text)
            sample = self._sample_of_text.get(text, taken.get(text))
            if sample is None:
                # Two new samples of one system can stand in one row, of kind consistency.
                sample = self._next_sample.get(pair, 0) + len(taken) * (
                    row.a.system == row.b.system
                )
                taken[text] = sample
            made.append(response_of(row, side, sample))
        return made[0], made[1]

    def _reason(self, row: ComparisonRow, sides: Sides) -> str | None:
        found = self._items.compare(key_of(row.item_id), [row_digest(row)])
        if isinstance(found, Conflict):
            where = self._run.places.name(found.place)
            return f"item {row.item_id!r} has other content in {where}"
        for side in sides:
            reason = self._content.plan_response(side)
            if reason is not None:
                return reason
        pair = key_of_pair(sides)
        if found is Known.NEW and pair in self._pairs:
            where = self._run.places.name(self._pairs.place(pair))
            return (
                f"item {row.item_id!r} pairs the same two responses as another item in {where}; "
                "one pair has one item_id"
            )
        return None

    def _admit(self, row: ComparisonRow, sides: Sides, place: int) -> bool:
        for side in sides:
            found = self._content.admit_response(side, place)
            self._learn_sample(side.prompt.prompt_id, side.system, side.sample, side.text)
            if found is Known.NEW:
                self.counts["further samples"] += side.sample > 0
                # Samples count up from 0: where there are several, one of them is number 1.
                self.counts["several responses of one system to one prompt"] += side.sample == 1
            self.counts["sides with an empty response"] += side.text == ""
        self.counts["pairs with equal texts"] += row.a.text == row.b.text
        if self._items.compare(key_of(row.item_id), [row_digest(row)]) is not Known.NEW:
            self.counts["already there"] += 1
            return False
        self._items.admit(key_of(row.item_id), [row_digest(row)], place)
        self._pairs.admit(key_of_pair(sides), (), place)
        self.counts["new"] += 1
        return True

    def _store(self, new: list[tuple[ComparisonRow, Sides]]) -> None:
        made = []
        for row, sides in new:
            a, b = (
                self._content.response_pk(side.prompt.prompt_id, side.system, side.sample)
                for side in sides
            )
            made.append(
                Comparison(
                    study=self._run.study,
                    item_id=row.item_id,
                    prompt_id=self._content.prompt_pk(row.prompt.prompt_id),
                    response_a_id=a,
                    response_b_id=b,
                    system_a_id=self._content.system_pk(row.a.system),
                    system_b_id=self._content.system_pk(row.b.system),
                    kind=row.kind,
                    gold=None if row.gold is None else {OVERALL: row.gold},
                    explanation=row.explanation,
                    overlap=row.overlap or DEFAULT_OVERLAP,
                    metadata=row.metadata,
                )
            )
        Comparison.objects.bulk_create(made)


def text_key(pair: bytes, text: str) -> bytes:
    return key_of(pair.hex(), text)


def pair_key(prompt_id: str, a: tuple[str, int], b: tuple[str, int]) -> bytes:
    """Digest an unordered pair of responses, each a system and a sample."""
    first, second = sorted((a, b))
    return key_of(prompt_id, *first, *second)


def key_of_pair(sides: Sides) -> bytes:
    a, b = sides
    return pair_key(a.prompt.prompt_id, (a.system, a.sample), (b.system, b.sample))


def response_of(row: ComparisonRow, side: Side, sample: int) -> ResponseRow:
    return ResponseRow(row.prompt, side.system, side.text, sample, side.measures)


def row_digest(row: ComparisonRow) -> bytes:
    """Digest what makes an item; attributes of prompt and responses are compared by themselves."""
    return digest_of(
        [
            row.prompt.prompt_id,
            [row.a.system, row.a.text],
            [row.b.system, row.b.text],
            row.kind,
            row.gold,
            row.explanation,
            row.overlap or DEFAULT_OVERLAP,
            row.metadata,
        ]
    )


def stored_digest(item: Comparison) -> bytes:
    """Digest a stored item as ``row_digest`` does the row it came from."""
    return digest_of(
        [
            item.prompt.prompt_id,
            [item.system_a.name, item.response_a.text],
            [item.system_b.name, item.response_b.text],
            item.kind,
            (item.gold or {}).get(OVERALL),
            item.explanation,
            item.overlap,
            item.metadata,
        ]
    )


PLAN = ImportPlan(ImportKind.COMPARISONS, COMPARISONS, ComparisonWriter, is_content=True)
