"""What a result means for its call, without a table or a clock."""

from __future__ import annotations

from decimal import Decimal

import pytest

from judging.budget import PriceError, charge, cost_of, read_price, worst_case
from judging.families import family_of, shares_family
from judging.outcomes import MOST_WAIT_SECONDS, PAUSING, Outcome
from judging.parsing import Usage
from judging.runs.next_step import (
    MAX_ATTEMPTS,
    MOST_BACKOFF_SECONDS,
    Step,
    backoff,
    step_for_failure,
    step_for_reply,
)


def fail(outcome: Outcome, **more) -> Step:
    given = {
        "attempts_made": 1,
        "failure_before": "",
        "wait": None,
        "waited": 0.0,
        "limits_seen": 1,
        "chance": 0.5,
        **more,
    }
    return step_for_failure(outcome, **given)


def test_an_answer_is_done_and_a_refusal_is_not_asked_again() -> None:
    assert step_for_reply("", "", 1, "") == Step("succeeded")
    assert step_for_reply("refused", "refusal", 1, "") == Step("refused", "refusal")


def test_one_reask_on_what_cannot_be_read_and_then_it_is_missing() -> None:
    first = step_for_reply("unparsed", "no_verdict", 1, "")
    assert first == Step("pending", "unparsed:no_verdict")
    assert step_for_reply("truncated", "output_limit", 2, first.failure).state == "unparsed"
    assert step_for_reply("unparsed", "schema", MAX_ATTEMPTS, "").state == "unparsed"


@pytest.mark.parametrize("outcome", sorted(PAUSING))
def test_what_is_true_of_every_call_pauses_and_counts_nothing(outcome) -> None:
    step = fail(outcome)
    assert (step.state, step.counts, step.pause) == ("pending", False, outcome.value)


@pytest.mark.parametrize(
    "outcome", [Outcome.SERVER_ERROR, Outcome.TIMEOUT, Outcome.CONNECTION, Outcome.TRY_AGAIN]
)
def test_a_passing_error_fails_only_when_its_tries_are_spent(outcome) -> None:
    for made in range(1, MAX_ATTEMPTS):
        step = fail(outcome, attempts_made=made, failure_before="unparsed:x")
        assert (step.state, step.failure) == ("pending", "unparsed:x")
        assert 0 < step.delay <= MOST_BACKOFF_SECONDS
    assert fail(outcome, attempts_made=MAX_ATTEMPTS) == Step("failed_permanent", outcome.value)


def test_a_rate_limit_waits_as_told_and_is_no_attempt_for_a_day() -> None:
    step = fail(Outcome.RATE_LIMITED, wait=60.0, attempts_made=MAX_ATTEMPTS)
    assert (step.state, step.counts) == ("pending", False)
    assert 60 <= step.delay <= 66
    assert fail(Outcome.RATE_LIMITED, wait=1e9).delay == MOST_WAIT_SECONDS
    over = fail(Outcome.RATE_LIMITED, waited=MOST_WAIT_SECONDS)
    assert (over.state, over.counts) == ("failed_permanent", False)


def test_the_wait_a_server_asks_for_is_never_cut_short() -> None:
    assert fail(Outcome.SERVER_ERROR, wait=300.0).delay == 300


def test_what_the_server_rejects_is_not_sent_again() -> None:
    assert fail(Outcome.REJECTED) == Step("failed_permanent", "rejected")
    assert fail(Outcome.CONTENT_FILTER) == Step("refused", "content_filter")


def test_backoff_doubles_up_to_its_cap() -> None:
    assert [backoff(made, 1.0) for made in (1, 2, 3, 10)] == [4, 8, 16, MOST_BACKOFF_SECONDS]
    assert backoff(5, 0.0) == 0
    assert backoff(100_000, 1.0) == MOST_BACKOFF_SECONDS


def test_rate_limits_that_name_no_wait_are_asked_less_and_less_often() -> None:
    delays = [fail(Outcome.RATE_LIMITED, limits_seen=seen).delay for seen in (1, 2, 3, 99)]
    assert delays == sorted(set(delays))
    assert delays[0] > 0


PRICE = read_price({"input": 2.5, "cached_input": "1.25", "output": 10})


def test_a_cost_is_exact_and_cached_tokens_are_cheaper() -> None:
    assert cost_of(PRICE, Usage(1_000_000, 100_000)) == Decimal("3.5")
    assert cost_of(PRICE, Usage(1_000_000, 0, 1_000_000)) == Decimal("1.25")
    assert cost_of(PRICE, Usage(1, 0)) == Decimal("0.0000025")
    assert cost_of(None, Usage(1, 1)) is None
    assert worst_case(None, 10, 10) == 0


def test_what_is_charged_is_never_above_the_reservation() -> None:
    reserved = worst_case(PRICE, 1000, 100)
    assert charge(PRICE, Usage(500, 50), reserved) == (Decimal("0.00175"), "")
    assert charge(PRICE, None, reserved) == (reserved, "usage_missing")
    assert charge(PRICE, Usage(10**9, 0), reserved) == (reserved, "usage_above_worst_case")
    assert charge(None, Usage(1, 1), Decimal(0)) == (Decimal(0), "")


@pytest.mark.parametrize("bad", [{}, {"input": 1}, {"input": -1, "output": 1}, {"input": "x"}])
def test_a_price_card_that_is_none_is_refused(bad) -> None:
    with pytest.raises(PriceError):
        read_price(bad)


def test_cached_input_costs_as_input_where_nothing_else_is_said() -> None:
    assert read_price({"input": 3, "output": 1}).cached_input == 3


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("openai/gpt-4o-mini", "GPT"),
        ("o3-mini", "GPT"),
        ("claude-sonnet-4", "Claude"),
        ("meta-llama/Llama-3.1-8B", "Llama"),
        ("qwen2.5-72b", "Qwen"),
        ("gemma3:27b", "Gemini"),
        ("our-assistant", None),
        ("yield-curve", None),
        ("command-r-plus", "Command"),
        ("c4ai-command-r7b-12-2024", "Command"),
        ("cohere/command", "Command"),
        ("command-line-helper", None),
        ("us.amazon.nova-lite-v1:0", "Nova"),
        ("bossa-nova", None),
        ("phi-4", "Phi"),
        ("system-3", None),
        ("alpha", None),
    ],
)
def test_a_family_is_told_by_the_name(name, family) -> None:
    assert family_of(name) == family


def test_a_shared_family_is_found_among_systems() -> None:
    assert shares_family("gpt-5", ["a", "chatgpt"]) == "GPT"
    assert shares_family("gpt-5", ["claude-3"]) is None
    assert shares_family("mine", ["mine"]) is None


def test_no_message_goes_to_two_queues(settings) -> None:
    """Queues with one exchange and key would each be sent every task, and do it twice."""
    keys = [(queue.exchange.name, queue.routing_key) for queue in settings.CELERY_TASK_QUEUES]
    assert keys == [("celery", "celery"), ("judge", "judge")]
    assert settings.CELERY_TASK_ROUTES["judging.work_on_run"]["queue"] == "judge"
