"""The records of a challenger together with those of the study that it continues. Pure.

Both are coded by names, so that a system, a prompt or a person of the same name is the same one.
An item of the earlier study carries that study's short name, since two files may have used one id.
What describes prompts and criteria is the newer study's; judgments are those of the newer study
alone, as its judges run on its own pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from annotation.rules import Policy
from reports.adjudication_records import AdjudicationRecords
from reports.columns import by_item_and_annotator
from reports.exclusion_records import ExclusionRecords
from reports.profile_records import pooled_profiles
from reports.sampling_records import POLICIES, SamplingRecords
from reports.stats.votes import IntArray, Votes
from reports.style_records import StyleRecords

if TYPE_CHECKING:
    from reports.judgment_records import JudgmentRecords
    from reports.records import CriterionRecords, StudyRecords


@dataclass(frozen=True, slots=True)
class _Names:
    """The names of both, sorted, and where each of the newer's and the earlier's stands."""

    names: tuple[str, ...]
    new: IntArray
    old: IntArray

    @classmethod
    def of(cls, new: Sequence[str], old: Sequence[str]) -> _Names:
        names = sorted({*new, *old})
        place = {name: code for code, name in enumerate(names)}
        return cls(
            tuple(names),
            np.array([place[name] for name in new], dtype=np.int32),
            np.array([place[name] for name in old], dtype=np.int32),
        )


def pool_records(new: StudyRecords, old: StudyRecords, old_slug: str) -> StudyRecords:
    """The records of `new` with the counted votes of `old`, the study that it continues.

    Parameters
    ----------
    new, old : StudyRecords
    old_slug : str
        Stands before the items of `old`.
    """
    systems = _Names.of(new.systems, old.systems)
    prompts = _Names.of(new.prompts, old.prompts)
    annotators = _Names.of(new.annotators, old.annotators)
    items = _Names.of(new.items, [f"{_prefix(old_slug)}{item}" for item in old.items])
    sizes = {
        "n_systems": len(systems.names),
        "n_prompts": len(prompts.names),
        "n_annotators": len(annotators.names),
        "n_items": len(items.names),
    }

    def spread(of_new: Any, of_old: Any, names: _Names) -> Any:
        """One entry for each name; the newer study's wins."""
        found: list[Any] = [None] * len(names.names)
        for places, values in ((names.old, of_old), (names.new, of_new)):
            for place, value in zip(places.tolist(), values, strict=True):
                found[place] = value
        return found

    def item_column(of_new: IntArray, of_old: IntArray, names: _Names) -> IntArray:
        column = np.zeros(len(items.names), dtype=np.int32)
        column[items.new] = names.new[of_new]
        column[items.old] = names.old[of_old]
        return column

    def joined(of_new: IntArray, of_old: IntArray) -> IntArray:
        column = np.zeros(len(items.names), dtype=of_new.dtype)
        column[items.new], column[items.old] = of_new, of_old
        return column

    columns = _Columns(systems, prompts, annotators, items, sizes)
    overall, order = columns.criterion(new.overall, old.overall)
    earlier = {criterion.key: criterion for criterion in old.criteria}
    return replace(
        new,
        systems=systems.names,
        prompts=prompts.names,
        prompt_weight=np.array(
            spread(new.prompt_weight.tolist(), old.prompt_weight.tolist(), prompts),
            dtype=np.float64,
        ),
        prompt_category=tuple(spread(new.prompt_category, old.prompt_category, prompts)),
        prompt_tags=tuple(spread(new.prompt_tags, old.prompt_tags, prompts)),
        annotators=annotators.names,
        items=items.names,
        item_system_a=item_column(new.item_system_a, old.item_system_a, systems),
        item_system_b=item_column(new.item_system_b, old.item_system_b, systems),
        item_prompt=item_column(new.item_prompt, old.item_prompt, prompts),
        item_overlap=joined(new.item_overlap, old.item_overlap),
        overall=overall,
        criteria=tuple(
            columns.criterion(criterion, earlier.get(criterion.key))[0]
            for criterion in new.criteria
        ),
        judgments=tuple(_moved_judgments(judge, items) for judge in new.judgments),
        style=_pooled_style(new.style, old.style, items),
        sampling=_pooled_sampling(new, old, systems, order),
        adjudication=_pooled_adjudications(new.adjudication, old.adjudication, items),
        repeats=new.repeats + old.repeats,
        drawn=tuple(
            replace(
                drawn,
                frame=items.new[drawn.frame],
                sample=items.new[drawn.sample],
                later=_moved_votes(drawn.later, items, annotators),
                since=_moved_votes(drawn.since, items, annotators),
            )
            for drawn in new.drawn
        ),
        profiles=pooled_profiles(
            new.profiles, old.profiles, annotators.new, annotators.old, len(annotators.names)
        ),
    )


def counts_earlier(pooled: StudyRecords, old_slug: str) -> bool:
    """Whether any counted vote is one of the study that was continued."""
    of_old = np.array([item.startswith(_prefix(old_slug)) for item in pooled.items], dtype=bool)
    return any(
        bool(of_old[criterion.votes.item].any()) for criterion in (pooled.overall, *pooled.criteria)
    )


def _prefix(old_slug: str) -> str:
    return f"{old_slug}/"


@dataclass(frozen=True, slots=True)
class _Columns:
    """How the codes of both are moved."""

    systems: _Names
    prompts: _Names
    annotators: _Names
    items: _Names
    sizes: dict[str, int]

    def criterion(
        self, new: CriterionRecords, old: CriterionRecords | None
    ) -> tuple[CriterionRecords, IntArray]:
        """The votes of both on one criterion, and the order in which they now stand.

        Those of the earlier study are left out where it had no such criterion or another scale.
        """
        parts = [(new.votes, new.margin, "new")]
        if old is not None and old.scale == new.scale:
            parts.append((old.votes, old.margin, "old"))

        def joined(name: str, names: _Names | None = None) -> IntArray:
            columns = []
            for votes, _, which in parts:
                column = np.asarray(getattr(votes, name))
                columns.append(column if names is None else getattr(names, which)[column])
            return np.concatenate(columns)

        item, annotator = joined("item", self.items), joined("annotator", self.annotators)
        order = by_item_and_annotator(item, annotator)
        votes = Votes.from_arrays(
            joined("system_a", self.systems)[order],
            joined("system_b", self.systems)[order],
            joined("verdict")[order],
            side=joined("side")[order],
            prompt=joined("prompt", self.prompts)[order],
            annotator=annotator[order],
            item=item[order],
            **self.sizes,
        )
        margin = np.concatenate([part[1] for part in parts])[order]
        both_bad = new.both_bad or (len(parts) > 1 and old is not None and old.both_bad)
        of_old = old.exclusions if len(parts) > 1 and old is not None else None
        exclusions = _pooled_exclusions(new.exclusions, of_old, self.items)
        pooled = replace(new, votes=votes, margin=margin, both_bad=both_bad, exclusions=exclusions)
        return pooled, order


def _moved_votes(votes: IntArray | None, items: _Names, annotators: _Names) -> IntArray | None:
    if votes is None:
        return None
    return np.column_stack([items.new[votes[:, 0]], annotators.new[votes[:, 1]]])


def _moved_judgments(judge: JudgmentRecords, items: _Names) -> JudgmentRecords:
    # Items keep their order among themselves, so that the rows stay sorted.
    return replace(judge, item=items.new[judge.item])


def _pooled_style(
    new: StyleRecords | None, old: StyleRecords | None, items: _Names
) -> StyleRecords | None:
    if new is None or old is None:
        return None

    def table(of_new: Any, of_old: Any) -> Any:
        found = np.zeros((len(items.names), *of_new.shape[1:]), dtype=of_new.dtype)
        found[items.new] = of_new
        found[items.old] = of_old
        return found

    return StyleRecords(
        **{
            entry.name: table(getattr(new, entry.name), getattr(old, entry.name))
            for entry in fields(StyleRecords)
        }
    )


def _pooled_sampling(
    new: StudyRecords, old: StudyRecords, systems: _Names, order: IntArray
) -> SamplingRecords | None:
    if new.sampling is None and old.sampling is None:
        return None
    first = _drawn_or_walked(new.sampling, new.overall.votes.n)
    second = _drawn_or_walked(old.sampling, old.overall.votes.n)
    cells, more = first.wanted.size - 1, second.wanted.size - 1
    last = cells + more
    # The last entry of each stands for comparisons outside every cell, and so does the joint one.
    moved = (
        np.where(first.cell == cells, last, first.cell),
        np.where(second.cell == more, last, second.cell + cells),
    )
    pairs = {
        tuple(sorted((int(places[a]), int(places[b]))))
        for records, places in ((first, systems.new), (second, systems.old))
        for a, b in records.stopped
    }
    return SamplingRecords(
        cell=np.concatenate(moved)[order].astype(np.int32),
        policy=np.concatenate([first.policy, second.policy])[order],
        probability=np.concatenate([first.probability, second.probability])[order],
        wanted=np.concatenate([first.wanted[:-1], second.wanted[:-1], [0.0]]),
        stopped=tuple((pair[0], pair[1]) for pair in sorted(pairs)),
    )


def _drawn_or_walked(records: SamplingRecords | None, votes: int) -> SamplingRecords:
    """A study that was never steered has walked to all of its votes."""
    if records is not None:
        return records
    return SamplingRecords(
        cell=np.zeros(votes, dtype=np.int32),
        policy=np.full(votes, POLICIES.index(Policy.UNIFORM), dtype=np.int8),
        probability=np.full(votes, np.nan),
        wanted=np.zeros(1),
        stopped=(),
    )


def _pooled_adjudications(
    new: AdjudicationRecords | None, old: AdjudicationRecords | None, items: _Names
) -> AdjudicationRecords | None:
    parts = [(new, items.new), (old, items.old)]
    known = [(records, places) for records, places in parts if records is not None]
    if not known:
        return None
    item = np.concatenate([places[records.item] for records, places in known])
    verdict = np.concatenate([records.verdict for records, _ in known])
    order = np.argsort(item, kind="stable")
    cases = sum(records.cases for records, _ in known)
    return AdjudicationRecords(cases=cases, item=item[order], verdict=verdict[order])


def _pooled_exclusions(
    new: ExclusionRecords | None, old: ExclusionRecords | None, items: _Names
) -> ExclusionRecords | None:
    if new is None and old is None:
        return None
    people = _Names.of(() if new is None else new.annotators, () if old is None else old.annotators)
    parts = [(new, items.new, people.new), (old, items.old, people.old)]
    known = [part for part in parts if part[0] is not None]

    def joined(name: str) -> IntArray:
        return np.concatenate([np.asarray(getattr(records, name)) for records, _, _ in known])

    item = np.concatenate([place[records.item] for records, place, _ in known if records])
    annotator = np.concatenate([who[records.annotator] for records, _, who in known if records])
    order = by_item_and_annotator(item, annotator)
    return ExclusionRecords(
        annotators=people.names,
        item=item[order],
        annotator=annotator[order],
        verdict=joined("verdict")[order],
        side=joined("side")[order],
        post_hoc=joined("post_hoc")[order],
        own=joined("own")[order],
    )
