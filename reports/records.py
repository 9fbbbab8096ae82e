"""The only bridge from tables to arrays.

Everything is coded by names in code-point order (systems, prompts, annotators, items, criteria,
judges), never by database keys: the same study in another database gives the same arrays, the
same input hash and the same report.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import itemgetter
from typing import Any, cast

import numpy as np
from django.db.models import TextField
from django.db.models.functions import Cast

from annotation.models import (
    Comparison,
    ComparisonKind,
    Criterion,
    Prompt,
    Study,
    System,
)
from annotation.selectors import repeated_votes
from reports.adjudication_records import AdjudicationRecords, load_adjudications
from reports.columns import (
    KeyCodes,
    Keys,
    by_item_and_annotator,
    distinct,
    order_of_names,
    read_named,
)
from reports.drawn_records import DrawnRecords, load_drawn
from reports.exclusion_records import ExclusionRecords, load_exclusions
from reports.input_hash import digest
from reports.judgment_records import JudgmentRecords, load_judgments
from reports.models import Expertise, ValidityRule
from reports.pooled_records import pool_records
from reports.profile_records import ProfileRecords, load_profiles
from reports.read_snapshot import read_snapshot, reading_beside
from reports.sampling_records import SamplingRecords, load_sampling
from reports.stats.agreement_report import Scale as ScaleName
from reports.stats.results import VerdictCode
from reports.stats.votes import IntArray, Votes
from reports.stats.win_rates import pair_index
from reports.style_records import StyleRecords, load_style
from reports.vote_rows import VERDICT_CODES, VoteRows, read_vote_rows


@dataclass(frozen=True, slots=True)
class CriterionRecords:
    """The counted votes on one criterion.

    Attributes
    ----------
    key : str
    scale : str
        As in the rubric.
    both_bad : bool
        Whether a voter could say both_bad. An imported study's rubric is not known: there the
        answer is whether anyone did.
    votes : Votes
    margin : int8 array, shape (n,)
        1 to 3, or 0 where the vote has none.
    exclusions : ExclusionRecords or None
        None where no vote is excluded that would count.
    """

    key: str
    scale: ScaleName
    both_bad: bool
    votes: Votes
    margin: IntArray
    exclusions: ExclusionRecords | None


@dataclass(frozen=True, slots=True)
class StudyRecords:
    """All that an analysis reads, in arrays, with the names that the codes stand for."""

    systems: tuple[str, ...]
    prompts: tuple[str, ...]
    prompt_weight: np.ndarray[Any, np.dtype[np.float64]]
    prompt_category: tuple[str, ...]
    prompt_tags: tuple[tuple[str, ...], ...]
    annotators: tuple[str, ...]
    items: tuple[str, ...]
    item_system_a: IntArray
    item_system_b: IntArray
    item_prompt: IntArray
    # Votes that the design collects on each item.
    item_overlap: IntArray
    overall: CriterionRecords
    criteria: tuple[CriterionRecords, ...]
    judgments: tuple[JudgmentRecords, ...]
    style: StyleRecords | None
    # None where nothing steered the draw of the votes.
    sampling: SamplingRecords | None
    # None where no disagreement was decided.
    adjudication: AdjudicationRecords | None
    repeats: int
    input_sha256: str
    # Random samples of judged comparisons that came back from people.
    drawn: tuple[DrawnRecords, ...] = ()
    # What the study asked its annotators about themselves, and their answers.
    profiles: tuple[ProfileRecords, ...] = ()
    # Of the annotators, in whose place judges are tested.
    expertise: str = Expertise.TRAINED.value


def prompts_of_pairs(read: StudyRecords) -> IntArray:
    """On how many prompts each pair of systems is compared, voted on or not.

    Returns
    -------
    int array, shape (pairs,)
        In the order (0, 1), (0, 2), …, (1, 2), … of the systems' codes.
    """
    m = len(read.systems)
    low = np.minimum(read.item_system_a, read.item_system_b).astype(np.int64)
    high = np.maximum(read.item_system_a, read.item_system_b).astype(np.int64)
    pair = pair_index(low, high, m)
    prompts = max(1, len(read.prompts))
    met = distinct(pair * prompts + read.item_prompt)
    return np.bincount(met // prompts, minlength=m * (m - 1) // 2)


def votes_of_pairs(read: StudyRecords) -> IntArray:
    """Return how many votes the design collects on each pair of systems.

    Returns
    -------
    int array, shape (pairs,)
        Sums of the overlaps of a pair's comparisons, in the order of `prompts_of_pairs`.
    """
    m = len(read.systems)
    low = np.minimum(read.item_system_a, read.item_system_b).astype(np.int64)
    high = np.maximum(read.item_system_a, read.item_system_b).astype(np.int64)
    votes = np.bincount(pair_index(low, high, m), read.item_overlap, m * (m - 1) // 2)
    return votes.astype(np.int64)


@dataclass(frozen=True, slots=True)
class _Prompts:
    """The prompts in the order of their names."""

    codes: KeyCodes
    names: tuple[str, ...]
    weight: np.ndarray[Any, np.dtype[np.float64]]
    category: tuple[str, ...]
    tags: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class _Items:
    """The items in the order of their names, with their systems and prompts as codes."""

    codes: KeyCodes
    names: tuple[str, ...]
    system_a: IntArray
    system_b: IntArray
    prompt: IntArray
    overlap: IntArray


def _numbered(rows: Iterable[tuple[int, str]]) -> tuple[KeyCodes, tuple[str, ...]]:
    """Codes in code-point order of the names; the database's collation is not asked."""
    ordered = sorted(rows, key=itemgetter(1))
    return KeyCodes(key for key, _ in ordered), tuple(name for _, name in ordered)


def load(study: Study, *, style: bool = False, many: bool = False) -> StudyRecords:
    """Read a study's counted votes and judgments, all at one moment.

    Of a challenger also the counted votes of the study that it continues; see
    :mod:`reports.pooled_records`.

    Parameters
    ----------
    study : Study
    style : bool
        Whether to read the responses' texts and count their looks.
    many : bool
        Whether the votes are so many that a second connection reads them meanwhile.

    Raises
    ------
    Criterion.DoesNotExist
        If the study lacks the criterion `overall`, which every study has.
    """
    with read_snapshot():
        return _load(study, style, many)


def _load(study: Study, style: bool, many: bool) -> StudyRecords:
    criteria = {criterion.key: criterion for criterion in study.criteria.all()}
    with reading_beside(
        partial(read_vote_rows, study, criteria[Criterion.OVERALL]), together=many
    ) as votes_read:
        named = System.objects.filter(study=study).values_list("id", "name")
        system_codes, systems = _numbered(named)
        prompts = _load_prompts(study)
        items, responses = _load_items(study, system_codes, prompts.codes, style)
        rows = votes_read()
    # Only those whose votes count: an invitation changes no result and no input hash.
    voted = set(distinct(rows.annotator).tolist())
    annotator_codes, annotators = _numbered(
        row for row in study.annotators.values_list("id", "external_id") if row[0] in voted
    )
    sizes = {
        "n_systems": len(systems),
        "n_prompts": len(prompts.names),
        "n_annotators": len(annotators),
        "n_items": len(items.names),
    }
    overall = _criterion_records(
        study, criteria.pop(Criterion.OVERALL), rows, items, annotator_codes, sizes
    )
    del rows
    others = tuple(
        _criterion_records(
            study,
            criteria[key],
            read_vote_rows(study, criteria[key]),
            items,
            annotator_codes,
            sizes,
        )
        for key in sorted(criteria)
    )
    records = StudyRecords(
        systems=systems,
        prompts=prompts.names,
        prompt_weight=prompts.weight,
        prompt_category=prompts.category,
        prompt_tags=prompts.tags,
        annotators=annotators,
        items=items.names,
        item_system_a=items.system_a,
        item_system_b=items.system_b,
        item_prompt=items.prompt,
        item_overlap=items.overlap,
        overall=overall,
        criteria=others,
        judgments=tuple(load_judgments(study, items.codes)),
        style=load_style(study, responses[0], responses[1], systems) if style else None,
        sampling=load_sampling(
            study,
            overall.votes,
            systems=system_codes,
            annotators=annotator_codes,
            items=items.codes,
        ),
        adjudication=load_adjudications(study, items=items.codes, verdicts=VERDICT_CODES),
        repeats=repeated_votes(study).count(),
        input_sha256="",
        drawn=tuple(
            load_drawn(
                study,
                items.names,
                np.bincount(overall.votes.item, minlength=len(items.names)),
                items.codes,
                annotator_codes,
            )
        ),
        profiles=load_profiles(study, annotators),
        expertise=load_expertise(study),
    )
    if study.continues is not None:
        # A challenger is analysed with the votes that it continues.
        records = pool_records(records, _load(study.continues, style, many), study.continues.slug)
    return replace(records, input_sha256=digest(records))


def load_expertise(study: Study) -> str:
    """What the study says of its annotators; trained where it says nothing."""
    said = ValidityRule.objects.filter(study=study).values_list("expertise", flat=True).first()
    return said or Expertise.TRAINED.value


def _load_prompts(study: Study) -> _Prompts:
    read: dict[str, tuple[str, ...]] = {}

    def tags(text: str) -> tuple[str, ...]:
        # Few lists of tags stand at many prompts.
        if text not in read:
            read[text] = tuple(sorted(set(json.loads(text))))
        return read[text]

    rows = list(
        Prompt.objects.filter(study=study)
        .annotate(tag_list=Cast("tags", TextField()))
        .values_list("prompt_id", "id", "weight", "category", "tag_list")
    )
    rows.sort(key=itemgetter(0))
    return _Prompts(
        codes=KeyCodes(row[1] for row in rows),
        names=tuple(row[0] for row in rows),
        weight=np.array([row[2] for row in rows], dtype=np.float64),
        category=tuple(row[3] for row in rows),
        tags=tuple(tags(row[4]) for row in rows),
    )


def _load_items(
    study: Study, systems: KeyCodes, prompts: KeyCodes, style: bool
) -> tuple[_Items, Sequence[Keys]]:
    """The items, and where style is asked for the keys of their responses a and b."""
    columns = ["id", "system_a_id", "system_b_id", "prompt_id", "overlap"]
    if style:
        columns += ["response_a_id", "response_b_id"]
    work = Comparison.objects.filter(study=study, kind=ComparisonKind.WORK)
    names, numbers = read_named(work.values_list("item_id", *columns), len(columns))
    order = order_of_names(names)
    key, system_a, system_b, prompt, overlap, *responses = numbers[:, order]
    items = _Items(
        codes=KeyCodes(key),
        names=tuple(names[place] for place in order.tolist()),
        system_a=systems.of(system_a),
        system_b=systems.of(system_b),
        prompt=prompts.of(prompt),
        overlap=overlap,
    )
    return items, responses


def _criterion_records(
    study: Study,
    criterion: Criterion,
    rows: VoteRows,
    items: _Items,
    annotators: KeyCodes,
    sizes: dict[str, int],
) -> CriterionRecords:
    item, annotator = items.codes.of(rows.comparison), annotators.of(rows.annotator)
    order = by_item_and_annotator(item, annotator)
    item = item[order]
    votes = Votes.from_arrays(
        items.system_a[item],
        items.system_b[item],
        rows.verdict[order],
        side=rows.side[order],
        prompt=items.prompt[item],
        annotator=annotator[order],
        item=item,
        **sizes,
    )
    seen = bool((votes.verdict == VerdictCode.BOTH_BAD).any())
    return CriterionRecords(
        key=criterion.key,
        # The database holds nothing else.
        scale=cast(ScaleName, criterion.scale),
        both_bad=seen or (criterion.both_bad and study.was_opened),
        votes=votes,
        margin=rows.margin[order],
        exclusions=load_exclusions(study, criterion, items=items.codes),
    )
