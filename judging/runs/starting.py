"""What a run would ask and cost, and the run itself with a row for each call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db import IntegrityError, transaction

from annotation import audit
from annotation.draws import shuffled
from annotation.models import Comparison, ComparisonKind, User
from judging.budget import SMALLEST, cost_of
from judging.judges import is_outdated, outdated_in_words
from judging.models import (
    LIVE_RUN_STATES,
    JudgeCall,
    JudgeRun,
    JudgeVersion,
    Order,
    RunState,
)
from judging.parsing import Usage
from judging.prompts import LADDER, content_key, likely_tokens
from judging.runs.asking import TEXTS, Asking
from judging.runs.money import StudyBudgetFault, check_price
from judging.runs.reusing import BATCH, answered, reuse

ORDERS = (Order.AB, Order.BA)
MOST_REPLICATES = 20
# A judge writes about so many tokens for each criterion and for the rest.
TOKENS_PER_CRITERION = 70
TOKENS_BESIDE = 60


class RunFault(ValueError):
    """A run cannot be started or changed; says why and what to do."""


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


@dataclass(frozen=True, slots=True)
class Planned:
    """A call that is not a row yet."""

    comparison_id: int
    item_id: str
    order: Order
    replicate: int
    content_key: str
    likely_input: int
    worst_case: Decimal


def plan_calls(version: JudgeVersion, replicates: int) -> Iterator[Planned | None]:
    """Every call of a run; None stands for a comparison of two equal responses."""
    asking = Asking.of(version)
    comparisons = (
        Comparison.objects.filter(study=version.judge.study, kind=ComparisonKind.WORK)
        .select_related(*TEXTS)
        .order_by("pk")
    )
    for comparison in comparisons.iterator(chunk_size=BATCH):
        pair = asking.pair_of(comparison)
        if pair.response_a == pair.response_b:
            yield None
            continue
        messages = asking.messages(pair, Order.AB, LADDER[0])
        # Both orders are equally long.
        likely, worst = likely_tokens(messages), asking.worst_case(messages, LADDER[0])
        for order in ORDERS:
            for replicate in range(replicates):
                key = content_key(asking.version_hash, pair, order, replicate)
                yield Planned(
                    comparison.pk, comparison.item_id, order, replicate, key, likely, worst
                )


def check_replicates(replicates: int) -> None:
    if not 1 <= replicates <= MOST_REPLICATES:
        raise RunFault(f"Each pair can be asked 1 to {MOST_REPLICATES} times in each order.")


def quote(version: JudgeVersion, replicates: int = 1, *, fresh: bool = False) -> Quote:
    """What a run of the version would ask and cost. Nothing is written or sent."""
    check_replicates(replicates)
    asking = Asking.of(version)
    output = TOKENS_BESIDE + TOKENS_PER_CRITERION * len(asking.rubric.criteria)
    output = min(output, asking.max_tokens)
    known = {} if fresh else answered(version)
    identical = calls = reused = tokens = 0
    compared = set()
    worst = Decimal(0)
    for planned in plan_calls(version, replicates):
        if planned is None:
            identical += 1
            continue
        calls += 1
        compared.add(planned.comparison_id)
        if planned.content_key in known:
            reused += 1
            continue
        tokens += planned.likely_input
        worst += planned.worst_case
    sent = calls - reused
    return Quote(
        comparisons=len(compared),
        skipped_identical=identical,
        calls=calls,
        reused=reused,
        input_tokens=tokens,
        output_tokens=output * sent,
        cost=cost_of(asking.price, Usage(tokens, output * sent)),
        worst_case=None if asking.price is None else worst,
    )


def start_run(
    version: JudgeVersion,
    *,
    actor: User | None,
    budget: Decimal | None = None,
    replicates: int = 1,
    seed: int = 0,
    fresh: bool = False,
) -> JudgeRun:
    """Freeze what is asked, write a row for each call, and let it run.

    Parameters
    ----------
    budget : Decimal, optional
        US dollars that are never exceeded; None: no cap.
    replicates : int
        How often each pair is asked in each order.
    seed : int
        Of the order in which calls are sent.
    fresh : bool
        Ask again what an earlier run of the version has answered.

    Raises
    ------
    RunFault
    """
    check_replicates(replicates)
    check_start(version, budget)
    if live_run(version):
        raise RunFault(live_run_in_words(version))
    # Reading and hashing every pair takes a while: nothing is locked meanwhile.
    planned = list_calls(version, replicates)
    try:
        with transaction.atomic():
            run = write_run(
                version,
                planned,
                actor=actor,
                budget=budget,
                replicates=replicates,
                seed=seed,
                fresh=fresh,
            )
            note_start(run, len(planned[0]))
    except StudyBudgetFault as fault:
        raise RunFault(str(fault)) from None
    except IntegrityError as fault:
        if not live_run(version):
            raise
        raise RunFault(live_run_in_words(version)) from fault
    return run


def check_start(version: JudgeVersion, budget: Decimal | None) -> None:
    """Refuse what can never be run, or not under a budget, before anything is read for it.

    Raises
    ------
    RunFault
    """
    if version.imported:
        raise RunFault("This version holds labels from elsewhere; it cannot be asked.")
    if is_outdated(version):
        raise RunFault(outdated_in_words(version))
    if budget is not None:
        check_budget(budget)
        check_card(version)


def check_card(version: JudgeVersion) -> None:
    if version.config.get("price") is None:
        raise RunFault(
            f"{version.judge.judge_id} has no price card, so a budget could not be kept. Add "
            "[price] to its file, with zeros if it costs nothing, or start without a budget."
        )


def check_budget(budget: Decimal) -> None:
    if not budget.is_finite() or not SMALLEST <= budget < Decimal(10) ** 10:
        raise RunFault("The budget is a positive amount of US dollars.")


def write_run(
    version: JudgeVersion,
    planned: tuple[Sequence[Planned], int],
    *,
    actor: User | None,
    budget: Decimal | None,
    replicates: int = 1,
    seed: int = 0,
    fresh: bool = False,
) -> JudgeRun:
    """The rows of a run, in the caller's transaction; see `start_run` and `list_calls`.

    Raises
    ------
    money.StudyBudgetFault
    """
    calls, identical = planned
    run = JudgeRun.objects.create(
        study=version.judge.study,
        version=version,
        state=RunState.RUNNING,
        budget=budget,
        replicates=replicates,
        seed=seed,
        skipped_identical=identical,
        started_by=actor,
    )
    check_price(version)
    freeze(run, calls, seed)
    if not fresh:
        reuse(run, version)
    return run


def note_start(run: JudgeRun, calls: int) -> None:
    """Log that a run has started; the last thing in its transaction."""
    audit.record(
        run.study,
        run.started_by,
        "judge.run_started",
        {
            "judge": run.version.judge.judge_id,
            "version": run.version.number,
            "calls": calls,
            "budget": None if run.budget is None else str(run.budget),
        },
    )


def live_run_in_words(version: JudgeVersion) -> str:
    return f"{version.judge.judge_id} has a run that has not ended. Resume it, or cancel it first."


def live_run(version: JudgeVersion) -> JudgeRun | None:
    """The version's run that has not ended, if there is one."""
    return version.runs.filter(state__in=LIVE_RUN_STATES).first()


def list_calls(version: JudgeVersion, replicates: int) -> tuple[list[Planned], int]:
    """What a run asks, and the number of comparisons of two equal responses, which it leaves out.

    Raises
    ------
    RunFault
        There is nothing to ask.
    """
    planned, identical = [], 0
    for call in plan_calls(version, replicates):
        if call is None:
            identical += 1
        else:
            planned.append(call)
    if not planned:
        raise RunFault(
            "There is nothing to judge: the study has no comparisons of two different responses. "
            "Generate or import them first."
        )
    return planned, identical


def freeze(run: JudgeRun, planned: Sequence[Planned], seed: int) -> None:
    """Write every call, in a drawn order, so that neither order nor pair is always asked first."""
    order = shuffled(
        planned, seed, "judge calls", key=lambda c: f"{c.item_id}/{c.order}/{c.replicate}"
    )
    JudgeCall.objects.bulk_create(
        (
            JudgeCall(
                run=run,
                comparison_id=call.comparison_id,
                order=call.order,
                replicate=call.replicate,
                content_key=call.content_key,
            )
            for call in order
        ),
        batch_size=BATCH,
    )
