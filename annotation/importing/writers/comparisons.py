"""Rows of ``import_comparisons``: ready-made pairs, in the a/b order of the file."""

from __future__ import annotations

from collections.abc import Sequence

from annotation.importing.digests import DIGEST_BYTES, digest_of, joined, key_of
from annotation.importing.formats import COMPARISONS, ComparisonRow, ResponseRow
from annotation.importing.ledger import STORED, Conflict, Known, Ledger
from annotation.importing.writers.content import (
    ROWS_PER_FETCH,
    ContentStore,
    Prepared,
    prepare,
    response_key,
)
from annotation.importing.writers.writer import ImportPlan, Pass, Placed, Reasons, no_counts
from annotation.models import Comparison, ImportKind

DEFAULT_OVERLAP = 3

Sides = tuple[Prepared, Prepared]


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
        # The key of (prompt, system) and a text's digest to its sample; that key to the next one.
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
        for response in self._content.load_responses(met):
            self._learn_sample(response)
        for prompt_id, a, sample_a, b, sample_b in self._run.study.comparisons.filter(
            prompt__in=met
        ).values_list(
            "prompt__prompt_id",
            "system_a__name",
            "response_a__sample",
            "system_b__name",
            "response_b__sample",
        ):
            one = response_key(key_of(prompt_id, a), sample_a)
            other = response_key(key_of(prompt_id, b), sample_b)
            self._pairs.admit(pair_key(one, other), (), STORED)
        items = [row.item_id for _, row in rows if key_of(row.item_id) not in self._items]
        for item in (
            self._run.study.comparisons.filter(item_id__in=items)
            .select_related("prompt", "system_a", "system_b", "response_a", "response_b")
            .iterator(chunk_size=ROWS_PER_FETCH)
        ):
            self._items.admit(key_of(item.item_id), stored_digests(item), STORED)

    def _learn_sample(self, response: Prepared) -> None:
        source, sample = response.source, response.row.sample
        self._sample_of_text.setdefault(source + response.digests[0], sample)
        self._next_sample[source] = max(self._next_sample.get(source, 0), sample + 1)

    def _sides(self, row: ComparisonRow) -> Sides:
        """Name the two responses by their samples, changing nothing yet."""
        sources = [key_of(row.prompt.prompt_id, side.system) for side in (row.a, row.b)]
        texts = [digest_of(side.text) for side in (row.a, row.b)]
        samples = [
            self._sample_of_text.get(source + text, self._next_sample.get(source, 0))
            for source, text in zip(sources, texts, strict=True)
        ]
        if sources[0] == sources[1] and texts[0] != texts[1] and samples[0] == samples[1]:
            # Two new samples of one system in one row, which is of kind consistency.
            samples[1] += 1
        a, b = (
            prepare(
                ResponseRow(row.prompt, side.system, side.text, sample, side.measures),
                source,
                text,
            )
            for side, sample, source, text in zip(
                (row.a, row.b), samples, sources, texts, strict=True
            )
        )
        return a, b

    def _reason(self, row: ComparisonRow, sides: Sides) -> str | None:
        found = self._items.compare(key_of(row.item_id), row_digests(row, sides))
        if isinstance(found, Conflict):
            where = self._run.places.name(found.place)
            return f"item {row.item_id!r} has other content in {where}"
        for side in sides:
            reason = self._content.plan_response(side)
            if reason is not None:
                return reason
        pair = pair_key(sides[0].key, sides[1].key)
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
            self._learn_sample(side)
            if found is Known.NEW:
                self.counts["further samples"] += side.row.sample > 0
                # Samples count up from 0: where there are several, one of them is number 1.
                self.counts["several responses of one system to one prompt"] += side.row.sample == 1
            self.counts["sides with an empty response"] += side.row.text == ""
        self.counts["pairs with equal texts"] += row.a.text == row.b.text
        item = key_of(row.item_id)
        if item in self._items:
            self.counts["already there"] += 1
            return False
        self._items.admit(item, row_digests(row, sides), place)
        self._pairs.admit(pair_key(sides[0].key, sides[1].key), (), place)
        self.counts["new"] += 1
        return True

    def _store(self, new: list[tuple[ComparisonRow, Sides]]) -> None:
        made = []
        for row, sides in new:
            a, b = (self._content.response_pk(side) for side in sides)
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
                    gold=row.gold,
                    explanation=row.explanation,
                    overlap=row.overlap or DEFAULT_OVERLAP,
                    metadata=row.metadata,
                )
            )
        Comparison.objects.bulk_create(made)


def pair_key(one: bytes, other: bytes) -> bytes:
    """Key an unordered pair of responses by their keys."""
    return joined(min(one, other), max(one, other))


def row_digests(row: ComparisonRow, sides: Sides) -> list[bytes]:
    """Digest what makes an item; attributes of prompt and responses are compared by themselves."""
    overlap = row.overlap or DEFAULT_OVERLAP
    a, b = (side.digests[0] for side in sides)
    return item_digests(
        (row.prompt.prompt_id, row.a.system, row.b.system),
        (a, b),
        [row.kind, row.gold, row.explanation, overlap, row.metadata],
    )


def stored_digests(item: Comparison) -> list[bytes]:
    """Digest a stored item as ``row_digests`` does the row it came from."""
    return item_digests(
        (item.prompt.prompt_id, item.system_a.name, item.system_b.name),
        (digest_of(item.response_a.text), digest_of(item.response_b.text)),
        [item.kind, item.gold, item.explanation, item.overlap, item.metadata],
    )


def item_digests(
    names: tuple[str, str, str], texts: tuple[bytes, bytes], rest: list[object]
) -> list[bytes]:
    return [joined(key_of(*names), *texts, digest_of(rest))[:DIGEST_BYTES]]


PLAN = ImportPlan(ImportKind.COMPARISONS, COMPARISONS, ComparisonWriter, is_content=True)
