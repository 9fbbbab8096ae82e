"""A round of steering: what it sets, what it stops, what it writes down and what it keeps quiet."""

from __future__ import annotations

from typing import Any

import pytest

from annotation import audit
from annotation.models import (
    AuditEntry,
    Cell,
    Comparison,
    Exclusion,
    Stopping,
    Study,
    StudyState,
    Vote,
)
from annotation.rules import Policy
from reports.stats.information_gain import information_gain
from reports.steering import Steered, needs_steering, steer
from reports.steering.reading import read_cells, read_evidence, read_votes
from tests.factories import make_study_version
from tests.reports.steered import Draw, codes_of, make_drawn_study

pytestmark = pytest.mark.django_db

EVEN: dict[str, Draw] = {
    "alpha-beta": ("uniform", None, 1),
    "alpha-gamma": ("uniform", None, 1),
    "beta-gamma": ("uniform", None, 1),
}


def study_of(policy: str = "uniform", stopping: Stopping = Stopping.FIXED, **fields: Any) -> Study:
    """Twelve prompts a pair with one vote each: alpha and beta even, both above gamma."""
    draws = fields.pop("draws", EVEN)
    study = make_drawn_study(draws, rules={"priorities": {"policy": policy}}, **fields)
    make_study_version(study, stopping=stopping)
    codes_of(study)
    for comparison in Comparison.objects.filter(study=study):
        comparison.taken = comparison.assignments.filter(slot_no__isnull=False).count()
        comparison.save()
    return study


def weights_of(study: Study) -> dict[str, float]:
    return {
        f"{cell.system_a.name}-{cell.system_b.name}": cell.weight
        for cell in Cell.objects.filter(study=study)
        .order_by("pk")
        .select_related("system_a", "system_b")
    }


def stopped_of(study: Study) -> set[str]:
    cells = Cell.objects.filter(study=study, stopped_at__isnull=False)
    return {f"{cell.system_a.name}-{cell.system_b.name}" for cell in cells}


def entries_of(study: Study) -> list[dict[str, Any]]:
    return [
        entry.detail
        for entry in AuditEntry.objects.filter(study=study, action="pair.stopped").order_by("seq")
    ]


def test_an_adaptive_study_gets_the_weight_of_what_a_vote_would_tell() -> None:
    study = study_of("adaptive")
    assert steer(study) == Steered(Policy.ADAPTIVE, 3, 0)
    weight = weights_of(study)
    cells = read_cells(study)
    evidence = read_evidence(study, cells.systems)
    gain = information_gain(evidence.score, evidence.total)[
        cells.counts.system_a, cells.counts.system_b
    ]
    assert sum(weight.values()) == pytest.approx(1.0)
    told = dict(zip(cells.keys, (gain / gain.sum()).tolist(), strict=True))
    assert list(weight.values()) == pytest.approx([told[key] for key in sorted(told)])
    assert weight["alpha-beta"] > 10 * weight["alpha-gamma"]
    assert not Cell.objects.filter(study=study, weighed_at=None).exists()


def test_the_emptiest_cell_gets_most() -> None:
    study = study_of("emptiest", draws={**EVEN, "beta-gamma": ("uniform", None, 2)})
    assert steer(study) == Steered(Policy.EMPTIEST, 3, 0)
    assert weights_of(study) == pytest.approx(
        {"alpha-beta": 0.4, "alpha-gamma": 0.4, "beta-gamma": 0.2}
    )


def test_a_uniform_fixed_study_is_left_alone() -> None:
    study = study_of()
    assert not needs_steering(study)
    assert steer(study) == Steered(Policy.UNIFORM, 0, 0)
    assert set(weights_of(study).values()) == {1.0}
    assert not Cell.objects.filter(study=study, weighed_at__isnull=False).exists()


@pytest.mark.parametrize("state", [StudyState.PAUSED, StudyState.CLOSED, StudyState.ARCHIVED])
def test_only_an_open_study_is_steered(state: StudyState) -> None:
    study = study_of("adaptive", Stopping.SEQUENTIAL)
    study.state = state
    study.save()
    assert not needs_steering(study)
    assert steer(study) == Steered(Policy.ADAPTIVE, 0, 0)
    assert stopped_of(study) == set()


def test_a_sequential_study_stops_what_is_decided_and_says_so_under_codes() -> None:
    study = study_of("uniform", Stopping.SEQUENTIAL)
    assert steer(study) == Steered(Policy.UNIFORM, 0, 2)
    assert stopped_of(study) == {"alpha-gamma", "beta-gamma"}
    # alpha is A3, beta A2, gamma A1; twelve unanimous prompts are worth 660.
    first, second = sorted(entries_of(study), key=lambda detail: detail["systems"])
    assert first == {
        "systems": ["A1", "A2"],
        "votes": 12,
        "e_value": 660.2,
        "needed": 30.0,
        "pairs": 3,
        "level": 0.95,
    }
    assert second["systems"] == ["A1", "A3"]
    assert not list(audit.verify(study))


def test_what_is_written_down_names_no_system() -> None:
    study = study_of("uniform", Stopping.SEQUENTIAL)
    steer(study)
    written = str(list(AuditEntry.objects.filter(study=study).values_list("detail", flat=True)))
    assert "pairs" in written
    assert not any(name in written for name in ("alpha", "beta", "gamma"))


def test_steering_is_no_look() -> None:
    study = study_of("adaptive", Stopping.SEQUENTIAL)
    steer(study)
    assert not AuditEntry.objects.filter(study=study, action="look").exists()


def test_a_fixed_study_never_stops_a_pair() -> None:
    study = study_of("adaptive")
    assert steer(study) == Steered(Policy.ADAPTIVE, 3, 0)
    assert stopped_of(study) == set()
    assert entries_of(study) == []


def test_a_stopped_pair_gets_no_weight() -> None:
    study = study_of("adaptive", Stopping.SEQUENTIAL)
    assert steer(study) == Steered(Policy.ADAPTIVE, 3, 2)
    assert weights_of(study) == {"alpha-beta": 1.0, "alpha-gamma": 0.0, "beta-gamma": 0.0}


def test_a_second_round_changes_and_writes_nothing() -> None:
    study = study_of("adaptive", Stopping.SEQUENTIAL)
    steer(study)
    before = weights_of(study)
    assert steer(study) == Steered(Policy.ADAPTIVE, 3, 0)
    assert len(entries_of(study)) == 2
    assert weights_of(study) == before


def test_the_rule_is_that_of_the_version_not_of_the_row() -> None:
    study = study_of("uniform")
    study.stopping = Stopping.SEQUENTIAL
    study.save()
    steer(study)
    assert stopped_of(study) == set()


def test_before_ten_prompts_have_votes_nothing_stops() -> None:
    study = study_of("uniform", Stopping.SEQUENTIAL, comparisons=9)
    assert steer(study) == Steered(Policy.UNIFORM, 0, 0)


def test_excluded_votes_do_not_decide() -> None:
    study = study_of("uniform", Stopping.SEQUENTIAL)
    for vote in Vote.objects.filter(comparison__cell__system_b__name="gamma")[:16]:
        Exclusion.objects.create(assignment=vote.assignment, reason="a test")
    assert steer(study) == Steered(Policy.UNIFORM, 0, 0)


def test_a_stopped_pair_that_lost_its_votes_stays_stopped_and_helps_to_stop_no_other() -> None:
    # Twelve unanimous prompts are worth 660, ten 180 and nine nothing; three pairs need 60 for one
    # stop and 30 for each of two.
    study = study_of("uniform", Stopping.SEQUENTIAL)
    assert steer(study) == Steered(Policy.UNIFORM, 0, 2)
    Cell.objects.filter(study=study, system_a__name="beta").update(stopped_at=None)
    gone = Vote.objects.filter(
        comparison__system_a__name="alpha", comparison__system_b__name="gamma"
    )
    for vote in gone:
        Exclusion.objects.create(assignment=vote.assignment, reason="a test")
    assert steer(study) == Steered(Policy.UNIFORM, 0, 1)
    assert stopped_of(study) == {"alpha-gamma", "beta-gamma"}
    assert entries_of(study)[-1]["needed"] == 60.0


def test_grouped_counts_and_single_votes_tell_the_same() -> None:
    study = study_of("adaptive", draws={**EVEN, "alpha-beta": ("uniform", None, 3)})
    cells = read_cells(study)
    grouped = read_evidence(study, cells.systems)
    votes = read_votes(study, cells.systems)
    assert votes.n == 60
    assert cells.systems == ("alpha", "beta", "gamma")
    assert grouped.total.tolist() == [[0, 36, 12], [36, 0, 12], [12, 12, 0]]
    assert grouped.score[0].tolist() == [0, 18, 12]
    assert len(set(votes.prompt.tolist())) == 36


def test_the_queries_do_not_grow_with_the_votes(django_assert_max_num_queries: Any) -> None:
    few, many = study_of("adaptive"), study_of("adaptive", comparisons=30)
    for study in (few, many):
        with django_assert_max_num_queries(20):
            steer(study)
