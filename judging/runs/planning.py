"""What runs would ask: pairs, read once for all judges, and the calls and money of each."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain

from annotation.draws import shuffled
from annotation.models import Comparison, ComparisonKind, Study
from judging.budget import cost_of
from judging.models import JudgeVersion, Order
from judging.parsing import Usage
from judging.prompts import (
    LADDER,
    Digests,
    content_key,
    digests_of,
    likely_of_sizes,
    question_of,
    size_of,
)
from judging.runs.asking import TEXTS, Asking, pair_of
from judging.runs.reusing import answered

ORDERS = (Order.AB, Order.BA)
MOST_REPLICATES = 20
# Pairs that are read at a time, with their texts.
PAIRS = 1_000
# A judge writes about so many tokens for each criterion and for the rest.
TOKENS_PER_CRITERION = 70
TOKENS_BESIDE = 60

NOTHING = (
    "There is nothing to judge: the study has no comparisons of two different responses. Generate "
    "or import them first."
)


class RunFault(ValueError):
    """A run cannot be started or changed; says why and what to do."""


@dataclass(frozen=True, slots=True)
class Question:
    """A pair that can be asked about, without its texts: a run may have many.

    Attributes
    ----------
    size
        Bytes of the message that holds it, in either order.
    """

    comparison_id: int
    item_id: str
    digests: Digests
    size: int


@dataclass(frozen=True, slots=True)
class Questions:
    """What a study's judges can be asked about.

    Attributes
    ----------
    identical
        Comparisons of two equal responses, which are left out.
    """

    asked: tuple[Question, ...]
    identical: int


@dataclass(frozen=True, slots=True)
class Quote:
    """What a run would ask.

    Attributes
    ----------
    calls
        Of which `reused` are answered already, by an earlier run of the same version.
    input_tokens, output_tokens
        Likely, of the calls that would be sent, without repeats after failures.
    cost
        US dollars for these; None where the version has no price card.
    worst_case
        More than they can cost, each sent once; None likewise.
    """

    comparisons: int
    skipped_identical: int
    calls: int
    reused: int
    input_tokens: int
    output_tokens: int
    cost: Decimal | None
    worst_case: Decimal | None


class Reader:
    """Reads the pairs of a study, once for all judges that are sent the same of a pair."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._read: dict[bool, Questions] = {}

    def questions(self, version: JudgeVersion) -> Questions:
        with_reference = bool(version.config["with_reference"])
        if with_reference not in self._read:
            self._read[with_reference] = read_questions(self._study, with_reference)
        return self._read[with_reference]


def read_questions(study: Study, with_reference: bool) -> Questions:
    """Read and hash every pair of kind work, in the order of its key."""
    comparisons = (
        Comparison.objects.filter(study=study, kind=ComparisonKind.WORK)
        .select_related(*TEXTS)
        .order_by("pk")
    )
    asked, identical = [], 0
    for comparison in comparisons.iterator(chunk_size=PAIRS):
        pair = pair_of(comparison, with_reference=with_reference)
        if pair.response_a == pair.response_b:
            identical += 1
            continue
        # As long as the word of any call, and both orders are equally long.
        size = size_of(question_of(pair, Order.AB, secrets.token_hex(8)))
        asked.append(Question(comparison.pk, comparison.item_id, digests_of(pair), size))
    return Questions(tuple(asked), identical)


@dataclass(frozen=True, slots=True)
class Step:
    """A call of a run, whoever is asked."""

    question: Question
    order: Order
    replicate: int

    def key(self, asking: Asking) -> str:
        return content_key(
            asking.version_hash, self.question.digests, self.order.value, self.replicate
        )


def steps_of(question: Question, replicates: int) -> Iterator[Step]:
    """Every call about a pair."""
    for order in ORDERS:
        for replicate in range(replicates):
            yield Step(question, order, replicate)


def drawn(questions: Questions, replicates: int, seed: int) -> list[Step]:
    """Every call in a drawn order, so that neither order nor pair is always asked first."""
    return shuffled(
        chain.from_iterable(steps_of(question, replicates) for question in questions.asked),
        seed,
        "judge calls",
        key=lambda step: f"{step.question.item_id}/{step.order}/{step.replicate}",
    )


def quote(
    version: JudgeVersion,
    replicates: int = 1,
    *,
    fresh: bool = False,
    reader: Reader | None = None,
) -> Quote:
    """What a run of the version would ask and cost. Nothing is written or sent.

    Parameters
    ----------
    fresh : bool
        What an earlier run has answered is asked again.
    reader : Reader, optional
        Shared by the quotes of several judges.

    Raises
    ------
    RunFault
    """
    check_replicates(replicates)
    asking = Asking.of(version)
    questions = (reader or Reader(version.judge.study)).questions(version)
    output = TOKENS_BESIDE + TOKENS_PER_CRITERION * len(asking.rubric.criteria)
    output = min(output, asking.max_tokens)
    known = {} if fresh else answered(version)
    first, schema = asking.size_of_instruction(LADDER[0]), asking.size_of_schema(LADDER[0])
    each = len(ORDERS) * replicates
    reused = tokens = 0
    worst = Decimal(0)
    for question in questions.asked:
        old = 0
        if known:
            old = sum(step.key(asking) in known for step in steps_of(question, replicates))
        sizes = (first, question.size)
        reused += old
        tokens += likely_of_sizes(sizes) * (each - old)
        worst += asking.worst_case_of(sizes, schema) * (each - old)
    calls = len(questions.asked) * each
    sent = calls - reused
    return Quote(
        comparisons=len(questions.asked),
        skipped_identical=questions.identical,
        calls=calls,
        reused=reused,
        input_tokens=tokens,
        output_tokens=output * sent,
        cost=cost_of(asking.price, Usage(tokens, output * sent)),
        worst_case=None if asking.price is None else worst,
    )


def total(quotes: Sequence[Quote]) -> Quote:
    """What runs of several judges would ask together; their pairs are the same.

    A cost is None where that of one of them is not known: a sum of the others would be too little.
    """
    return Quote(
        comparisons=max((one.comparisons for one in quotes), default=0),
        skipped_identical=max((one.skipped_identical for one in quotes), default=0),
        calls=sum(one.calls for one in quotes),
        reused=sum(one.reused for one in quotes),
        input_tokens=sum(one.input_tokens for one in quotes),
        output_tokens=sum(one.output_tokens for one in quotes),
        cost=_sum([one.cost for one in quotes]),
        worst_case=_sum([one.worst_case for one in quotes]),
    )


def _sum(amounts: Sequence[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if len(known) == len(amounts) else None


def check_replicates(replicates: int) -> None:
    """Raise RunFault for a number of replicates that no run has."""
    if not 1 <= replicates <= MOST_REPLICATES:
        raise RunFault(f"Each pair can be asked 1 to {MOST_REPLICATES} times in each order.")
