"""A study with a judge, a simulator beside it, and runs that are worked on in the test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from annotation.models import Study
from judging.judge_files import read_draft
from judging.judges import add_judges
from judging.models import JudgeRun, JudgeVersion
from judging.runs.sweeping import sweep
from judging.runs.working import work
from judging.simulator import Simulator
from tests import factories

KEY = "sk-canary-0123456789-abcdef"
SIMULATED = "simulator://built-in/v1"
# Only what hangs takes so long.
PATIENCE_S = 60.0
PRICE = {"input": 2, "cached_input": 1, "output": 8}


@contextmanager
def simulating(**options: Any) -> Iterator[Simulator]:
    """A simulator in a thread of its own."""
    simulator, loop = Simulator(**options), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(simulator.start(), loop).result(PATIENCE_S)
    try:
        yield simulator
    finally:
        asyncio.run_coroutine_threadsafe(finish(simulator), loop).result(PATIENCE_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE_S)
        loop.close()


def let_pass(seconds: float, loop: asyncio.AbstractEventLoop) -> None:
    """Set the clock of a loop forward, in its thread: whatever is due by then is due now.

    What a deadline does is seen so without waiting for it, and a machine that is busy for longer
    than a short one allows does not bring it on too early.
    """
    time = loop.time
    loop.time = lambda: time() + seconds  # type: ignore[method-assign]


async def finish(simulator: Simulator) -> None:
    await simulator.stop()
    await asyncio.sleep(0.05)
    rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


def make_judged_study(pairs: int = 4, **fields: Any) -> Study:
    """A study whose `overall` has levels; response a is better in every second pair."""
    study = factories.make_study(**fields)
    overall = study.criteria.get()
    overall.levels = [
        {"id": "bad", "description": "Bad.", "example": "x", "reason": "x"},
        {"id": "good", "description": "Good.", "example": "y", "reason": "y"},
    ]
    overall.save()
    alpha, beta = factories.make_system(study, "alpha"), factories.make_system(study, "beta")
    for number in range(pairs):
        prompt = factories.make_prompt(study, text=f"Question {number}?")
        good, bad = ("0.9", "0.1") if number % 2 == 0 else ("0.1", "0.9")
        factories.make_comparison(
            study,
            prompt=prompt,
            item_id=f"pair{number}",
            response_a=factories.make_response(prompt, alpha, text=f"A{number}\nquality: {good}"),
            response_b=factories.make_response(prompt, beta, text=f"B{number}\nquality: {bad}"),
        )
    return study


def add(study: Study, url: str, model: str = "fair", **more: Any) -> JudgeVersion:
    """A judge of one model at this address; `more` belongs to the file's parts."""
    endpoint = {"name": "sim", "base_url": url, **more.pop("endpoint", {})}
    stated = {"name": model, "max_tokens": 300, "price": PRICE, **more.pop("with_model", {})}
    stated = {key: value for key, value in stated.items() if value is not None}
    draft = read_draft(
        {"name": more.pop("name", "judge"), "endpoint": endpoint, "models": [stated], **more},
        "test",
    )
    return add_judges(study, draft, actor=None)[0].version


def work_off(*runs: JudgeRun, at_once: int = 8, shifts: int = 40) -> None:
    """Work until every run is over."""
    for _ in range(shifts):
        sweep()
        for run in runs:
            asyncio.run(work(run.pk, at_once=at_once, seconds=10))
        if not JudgeRun.objects.filter(pk__in=[r.pk for r in runs], state="running").exists():
            return
    raise AssertionError("The runs do not end.")
