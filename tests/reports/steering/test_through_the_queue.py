"""Steered studies from opening to report, through the queue: pairs stop, pairs are drawn."""

from __future__ import annotations

import uuid
from collections import Counter
from itertools import combinations

import pytest

from annotation import queue
from annotation.blinding import choice_of
from annotation.lifecycle.opening import open_study
from annotation.lifecycle.states import close_study
from annotation.models import Annotator, Assignment, Cell, ResultsPolicy, Stopping, Study
from annotation.selectors import counted_votes
from reports import analysis
from reports.presentation.notes import settings_in_words
from reports.steering import steer
from tests.annotation.queue.world import current_id, row_of, vote
from tests.factories import (
    make_annotator,
    make_comparison,
    make_prompt,
    make_response,
    make_study,
    make_system,
)

pytestmark = pytest.mark.django_db

PROMPTS, OVERLAP, PEOPLE = 14, 2, 4


def opened(stopping: Stopping, policy: str = "uniform") -> Study:
    rules = {"priorities": {"policy": policy, "uniform_share": 0.2}}
    study = make_study(stopping=stopping, results=ResultsPolicy.OPEN, rules=rules)
    systems = [make_system(study, name) for name in ("alpha", "beta", "gamma")]
    for number in range(PROMPTS):
        prompt = make_prompt(study, f"p{number}")
        responses = [make_response(prompt, system) for system in systems]
        for first, second in combinations(responses, 2):
            make_comparison(
                study,
                prompt=prompt,
                response_a=first,
                response_b=second,
                overlap=OVERLAP,
                # Named by number, so that places and draws are the same in every run.
                item_id=f"{number}-{first.system.name}-{second.system.name}",
            )
    open_study(study, code_seed=1, queue_seed=1)
    study.refresh_from_db()
    return study


def make_people(study: Study) -> list[Annotator]:
    return [make_annotator(study, external_id=f"ann-{number}") for number in range(PEOPLE)]


def pair_of(held: Assignment) -> str:
    return f"{held.comparison.system_a.name}-{held.comparison.system_b.name}"


def answer(annotator: Annotator, public_id: uuid.UUID) -> str:
    """gamma loses always; between alpha and beta it is even."""
    held = row_of(public_id)
    pair = pair_of(held)
    even = int(held.comparison.prompt.prompt_id[1:]) % 2
    verdict = "b" if pair == "alpha-beta" and even else "a"
    vote(annotator, public_id, choice_of(verdict, held.swapped))
    return pair


def rate_until(study: Study, people: list[Annotator], votes: int) -> None:
    while counted_votes(study).count() < votes:
        for person in people:
            answer(person, current_id(person))


def stopped(study: Study) -> set[str]:
    cells = Cell.objects.filter(study=study, stopped_at__isnull=False)
    return {f"{cell.system_a.name}-{cell.system_b.name}" for cell in cells}


def test_a_decided_pair_gets_no_more_claims_and_the_others_go_on() -> None:
    study = opened(Stopping.SEQUENTIAL)
    people = make_people(study)
    holder = make_annotator(study, external_id="holder")
    # Somebody has a pair with gamma before them while the others decide it.
    while "gamma" not in pair_of(row_of(under_way := current_id(holder))):
        answer(holder, under_way)
    for votes in range(20, 3 * PROMPTS * OVERLAP, 4):
        rate_until(study, people, votes)
        steer(study)
        if len(stopped(study)) == 2:
            break
    assert stopped(study) == {"alpha-gamma", "beta-gamma"}

    # The vote under way counts.
    before = counted_votes(study).count()
    answer(holder, under_way)
    assert counted_votes(study).count() == before + 1

    # What was held in advance is answered; after it only the open pair is handed out.
    after: Counter[str] = Counter()
    for person in [*people, holder]:
        while (current := queue.claim(person, want=1).current) is not None:
            after[answer(person, current.pair.id)] += 1
        assert queue.claim(person).empty == queue.EmptyReason.FINISHED
    assert set(after) == {"alpha-beta"}
    per_pair = Counter(
        f"{vote.comparison.system_a.name}-{vote.comparison.system_b.name}"
        for vote in counted_votes(study)
    )
    assert per_pair["alpha-beta"] == PROMPTS * OVERLAP
    assert per_pair["alpha-gamma"] < PROMPTS * OVERLAP

    # The report says which, and what their intervals are.
    close_study(study)
    study.refresh_from_db()
    result = analysis.run(study).result
    rows = {f"{row['system_a']}-{row['system_b']}": row for row in result["head_to_head"]}
    for name in ("alpha-gamma", "beta-gamma"):
        assert "stopped_early" in rows[name]["warnings"]
        assert rows[name]["win_rate_a"]["method"] == "confidence_sequence"
        assert rows[name]["sequential"]["decided"]
        assert rows[name]["p_value"] is None
    assert "stopped_early" not in rows["alpha-beta"]["warnings"]
    assert rows["alpha-beta"]["p_value"] is not None
    said = dict(settings_in_words(result))["Stopping"]
    assert "Stopped early: alpha and gamma; beta and gamma. Their intervals are valid" in said


def test_a_fixed_study_fills_every_pair() -> None:
    study = opened(Stopping.FIXED)
    people = make_people(study)
    rate_until(study, people, 60)
    steer(study)
    assert stopped(study) == set()
    for person in people:
        while (current := queue.claim(person, want=1).current) is not None:
            answer(person, current.pair.id)
    assert counted_votes(study).count() == 3 * PROMPTS * OVERLAP


def test_an_adaptive_study_asks_more_about_the_open_order_and_the_report_undoes_it() -> None:
    study = opened(Stopping.FIXED, "adaptive")
    people = make_people(study)
    for votes in range(12, 61, 8):
        rate_until(study, people, votes)
        steer(study)
    drawn = Assignment.objects.filter(comparison__study=study)
    assert {held.policy for held in drawn} == {"adaptive"}
    assert all(0 < (held.selection_probability or 0) <= 1 for held in drawn)
    # With a fifth of the draws uniform, a cell of three never falls below a fifteenth.
    assert min(held.selection_probability or 0 for held in drawn) > 0.05
    per_pair = Counter(pair_of(held) for held in drawn.select_related("comparison"))
    assert per_pair["alpha-beta"] == max(per_pair.values()) > min(per_pair.values()) > 5

    result = analysis.run(study).result
    assert result["settings"]["policy"] == "adaptive"
    assert "adaptive_sampling" in result["warnings"]
    board = result["boards"]["by_design"]
    assert board["policies"] == {"adaptive": result["counts"]["votes"]}
    assert board["covered"] == 1.0
    # alpha won half against beta and all against gamma: three quarters of what is wanted of it.
    plain, by_design = (
        next(row["win_rate"]["estimate"] for row in rows if row["system"] == "alpha")
        for rows in (result["leaderboard"], board["rows"])
    )
    assert abs(by_design - 0.75) < abs(plain - 0.75)
