"""Writing the comparisons that a design asks for."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field

from django.db import transaction
from django.db.models import Count, ProtectedError, Sum

from annotation import audit
from annotation.many_rows import insert_rows
from annotation.models import (
    Comparison,
    ComparisonKind,
    ImportKind,
    Prompt,
    Response,
    Study,
    System,
    User,
)
from annotation.pairing import (
    Design,
    DesignError,
    PairingRules,
    PairingSummary,
    PlannedPair,
    Planner,
    summarise,
)
from annotation.planner_statistics import refresh_planner_statistics

from .states import check_editable

DEFAULT_OVERLAP = 3

# More people than this on one comparison is a typing error: agreement needs a handful.
MAX_OVERLAP = 1000

# Read, planned and written together; bounds the memory of a large study.
PROMPTS_AT_ONCE = 500
# Told how many pairs were made.
Progress = Callable[[int], None]
COLUMNS = ("item_id", "prompt", "response_a", "response_b", "system_a", "system_b")

# 64 random bits: two of a million items are the same in one of 37 million studies.
ITEM_ID_BYTES = 8


@dataclass(frozen=True, slots=True)
class GenerationSummary:
    """What was written, and what the study's work amounts to now, earlier comparisons included."""

    created: int
    # Pairs of the design that exist already, as work or as gold, training and the like.
    skipped: int
    study: PairingSummary


def generate_comparisons(
    study: Study,
    *,
    design: Design | str = Design.ALL,
    anchor: str | None = None,
    systems: Sequence[str] = (),
    rounds: int = 1,
    overlap: int = DEFAULT_OVERLAP,
    seed: int = 0,
    replace: bool = False,
    actor: User | None = None,
    progress: Progress | None = None,
) -> GenerationSummary:
    """Write the design's comparisons that the draft does not have yet.

    Running it again with the same arguments adds nothing.

    Parameters
    ----------
    study : Study
        A draft with imported responses.
    design, anchor, systems, rounds, seed
        See `annotation.pairing.PairingRules`.
    overlap : int
        Votes wanted for each new comparison.
    replace : bool
        Take the pairs of kind work that are there out first; see `remove_work`.
    actor : User, optional
        Who asked, for the log.
    progress : callable, optional
        Is told the number of pairs made so far.

    Raises
    ------
    DesignError
        If the design cannot be carried out as asked.
    StudyFrozenError
        If the study was opened.
    """
    rules = rules_of_pairs(design, anchor, systems, rounds, overlap, seed)
    with transaction.atomic():
        check_editable(study)
        names = dict(System.objects.filter(study=study).values_list("pk", "name"))
        check_pairs(study, rules, names.values())
        removed = remove_work(study) if replace else 0
        created, skipped = 0, 0
        planner = Planner(rules)
        for batch in prompt_batches(study):
            rows, existing = new_rows(batch, planner, names)
            # In random order: row numbers must not tell the systems either.
            secrets.SystemRandom().shuffle(rows)
            insert_rows(
                Comparison,
                COLUMNS,
                rows,
                same={
                    "study": study.pk,
                    "kind": ComparisonKind.WORK,
                    "overlap": overlap,
                    "gold": None,
                    "explanation": "",
                    "metadata": {},
                    "cell": None,
                    "open": False,
                    "taken": 0,
                    "open_seq": None,
                    "first_swapped": None,
                },
            )
            created += len(rows)
            skipped += existing
            if progress is not None:
                progress(created + skipped)
        keys = {name: key for key, name in names.items()}
        detail = asdict(rules) | {
            # By key: whoever reads the log of a sealed study must not learn names there.
            "anchor": None if anchor is None else keys[anchor],
            "systems": [keys[name] for name in systems],
            "overlap": overlap,
            "created": created,
            "skipped": skipped,
            **({"removed": removed} if removed else {}),
        }
        audit.record(study, actor, "comparisons.generated", detail)
    refresh_planner_statistics()
    return GenerationSummary(created, skipped, summarise_study(study))


def rules_of_pairs(
    design: Design | str,
    anchor: str | None,
    systems: Sequence[str],
    rounds: int,
    overlap: int,
    seed: int,
) -> PairingRules:
    """The rules of a design; DesignError where there are none such, or no such overlap."""
    if design not in set(Design):
        raise DesignError(f"There is no design {design!r}; there are: {', '.join(Design)}.")
    if not 1 <= overlap <= MAX_OVERLAP:
        raise DesignError(f"The overlap must be 1 to {MAX_OVERLAP}, not {overlap}.")
    return PairingRules(Design(design), anchor, tuple(systems), rounds, seed)


def check_pairs(study: Study, rules: PairingRules, names: Collection[str]) -> None:
    """Raise DesignError where the study's systems cannot meet by these rules."""
    rules.check_systems(names)
    check_continues(study, rules)


def most_pairs(study: Study, rules: PairingRules) -> int:
    """How many pairs a design makes at most, without looking at single prompts."""
    responses = list(
        System.objects.filter(study=study)
        .annotate(number=Count("responses"))
        .values_list("number", flat=True)
    )
    systems = len(responses)
    a_prompt = {
        Design.ALL: systems * (systems - 1) // 2,
        Design.ANCHOR: systems - 1,
        Design.BALANCED: rules.rounds * (systems // 2),
        Design.FOCUSED: len(rules.systems) * (systems - 1),
    }[rules.design]
    # A sample meets the same sample of another system: the second largest number bounds them.
    return a_prompt * (sorted(responses)[-2] if systems > 1 else 0)


def check_continues(study: Study, rules: PairingRules) -> None:
    """Raise DesignError where a challenger would let systems meet that were compared before.

    Their votes are those of the study that it continues, and are analysed with the new ones.
    """
    if study.continues_id is None:
        return
    before = set(System.objects.filter(study=study.continues_id).values_list("name", flat=True))
    chosen = rules.systems if rules.design is Design.FOCUSED else (rules.anchor,)
    if rules.design not in (Design.FOCUSED, Design.ANCHOR) or before.intersection(chosen):
        raise DesignError(
            "This study continues another: only pairs with a new system are made. Take the design "
            "focused with the new systems, or anchor with one of them."
        )


def remove_work(study: Study) -> int:
    """Take the draft's pairs of kind work out, within the caller's transaction; their number.

    Raises
    ------
    DesignError
        Pairs came from a file, have votes or judgments, or are otherwise referred to: these stay
        as they are.
    """
    if study.import_files.filter(kind=ImportKind.COMPARISONS).exists():
        raise DesignError(
            "Pairs of this study came from a file and stay as they are. For another design begin a "
            "study with the responses alone."
        )
    work = Comparison.objects.filter(study=study, kind=ComparisonKind.WORK)
    try:
        removed, _ = work.delete()
    except ProtectedError:
        raise DesignError(
            "Pairs of this study have votes or judgments already and stay as they are."
        ) from None
    return removed


def prompt_batches(study: Study) -> Iterator[dict[int, str]]:
    """The study's prompts in the order of their import: key to prompt_id."""
    last = 0
    while True:
        batch = dict(
            Prompt.objects.filter(study=study, pk__gt=last)
            .order_by("pk")
            .values_list("pk", "prompt_id")[:PROMPTS_AT_ONCE]
        )
        if not batch:
            return
        yield batch
        last = max(batch)


@dataclass(slots=True)
class ResponsesOfPrompt:
    """A prompt's responses by system and sample, without their texts."""

    # The response and its system.
    keys: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    samples: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))


def responses_of(prompts: Collection[int], names: dict[int, str]) -> dict[int, ResponsesOfPrompt]:
    found: dict[int, ResponsesOfPrompt] = {prompt: ResponsesOfPrompt() for prompt in prompts}
    rows = Response.objects.filter(prompt__in=prompts)
    for pk, prompt, system, sample in rows.values_list("pk", "prompt_id", "system_id", "sample"):
        found[prompt].keys[names[system], sample] = pk, system
        found[prompt].samples[names[system]].append(sample)
    return found


# As in COLUMNS.
PairRow = tuple[str, int, int, int, int, int]


def new_rows(
    prompts: dict[int, str], planner: Planner, names: dict[int, str]
) -> tuple[list[PairRow], int]:
    """The comparisons to write on these prompts, and how many planned pairs exist already."""
    existing = {
        frozenset(pair)
        for pair in Comparison.objects.filter(prompt__in=prompts).values_list(
            "response_a_id", "response_b_id"
        )
    }
    rows, skipped = [], 0
    for prompt, responses in responses_of(prompts, names).items():
        for planned in planner.pairs_on(prompts[prompt], responses.samples):
            row = row_of(prompt, planned, responses)
            if existing and frozenset(row[2:4]) in existing:
                skipped += 1
            else:
                rows.append(row)
    return rows, skipped


def row_of(prompt: int, planned: PlannedPair, responses: ResponsesOfPrompt) -> PairRow:
    response_a, system_a = responses.keys[planned.system_a, planned.sample]
    response_b, system_b = responses.keys[planned.system_b, planned.sample]
    # Random rather than derived: with the seed, anyone could recompute a derived id for each
    # pair of names, and so undo the codes of a sealed study.
    item_id = secrets.token_hex(ITEM_ID_BYTES)
    return item_id, prompt, response_a, response_b, system_a, system_b


def summarise_study(study: Study) -> PairingSummary:
    """Comparisons of kind work and wanted votes by pair of systems, and the components."""
    systems: Iterable[str] = System.objects.filter(study=study).values_list("name", flat=True)
    counts = (
        Comparison.objects.filter(study=study, kind=ComparisonKind.WORK)
        .order_by()
        .values_list("system_a__name", "system_b__name")
        .annotate(number=Count("pk"), wanted=Sum("overlap"))
    )
    return summarise(systems, counts)
