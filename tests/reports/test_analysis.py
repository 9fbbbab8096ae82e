"""An analysis is kept once, logged each time, and never made of a sealed study."""

from __future__ import annotations

import io
import json
import re
import tomllib

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction
from django.utils import timezone

from annotation.lifecycle.states import close_study, unblind_study
from annotation.models import AuditEntry, Choice, ResultsPolicy, Study, StudyState, Verdict
from reports import analysis
from reports.models import AnalysisRun
from reports.wording.headline import headline
from tests.factories import (
    make_annotator,
    make_comparison,
    make_imported_vote,
    make_open_study,
    make_prompt,
    make_study,
    make_user,
    make_vote,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def study() -> Study:
    study = make_study("votes", target_votes=5)
    annotators = [make_annotator(study) for _ in range(3)]
    for number in range(4):
        comparison = make_comparison(study, "alpha", "beta")
        for annotator in annotators:
            verdict = Verdict.TIE if number == 3 else Verdict.A
            make_imported_vote(comparison, verdict, annotator=annotator)
    return study


def test_the_same_input_gives_the_run_that_exists(study: Study) -> None:
    first, second = analysis.run(study), analysis.run(study)
    assert first.pk == second.pk
    assert AnalysisRun.objects.count() == 1


@pytest.mark.parametrize("change", ["seed", "target", "vote"])
def test_another_input_gives_another_run(study: Study, change: str) -> None:
    first = analysis.run(study)
    if change == "target":
        study.target_votes = 7
    if change == "vote":
        make_imported_vote(make_comparison(study, "alpha", "beta"))
    second = analysis.run(study, seed=99 if change == "seed" else None)
    assert second.pk != first.pk
    assert AnalysisRun.objects.count() == 2


def test_each_analysis_is_logged_as_a_look(study: Study) -> None:
    user = make_user()
    kept = analysis.run(study, actor=user)
    analysis.run(study, actor=user)
    looks = AuditEntry.objects.filter(study=study, action="look")
    others = ("judgments", "exclusions", "flags", "adjudications", "imports", "changes")
    rows = {"votes": 12, **dict.fromkeys(others, 0)}
    assert [look.detail for look in looks] == 2 * [
        {"how": "analysis", "analysis_run": kept.pk, "votes": 12, "rows": rows}
    ]
    assert {look.actor for look in looks} == {user}


def test_a_run_is_never_changed_or_deleted(study: Study) -> None:
    kept = analysis.run(study)
    for change in (
        lambda: AnalysisRun.objects.filter(pk=kept.pk).update(seed=1),
        lambda: AnalysisRun.objects.filter(pk=kept.pk).delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    kept.refresh_from_db()


def test_figures_of_a_small_study(study: Study) -> None:
    result = analysis.run(study).result
    alpha, beta = result["leaderboard"]
    assert (alpha["system"], alpha["rank"], beta["rank"]) == ("alpha", 1, 2)
    # 9 wins and 3 ties of 12.
    assert alpha["win_rate"]["estimate"] == pytest.approx(10.5 / 12)
    (pair,) = result["head_to_head"]
    assert (pair["n"], pair["wins_a"], pair["ties"]) == (12, 9, 3)
    assert (pair["target"], pair["target_reached"], pair["enough"]) == (5, True, False)
    # Four prompts can never say more than 1 in 8, however the votes fall.
    assert pair["p_value"] == pytest.approx(2 * 0.5**3)
    assert "too_few_prompts" in pair["warnings"]
    assert result["verdicts"] == {"a": 9, "b": 0, "tie": 3, "both_bad": 0}


@pytest.mark.parametrize(("wanted", "target"), [(200, 3), (3, 3), (2, 2)])
def test_the_target_of_a_pair_is_no_more_than_the_design_collects(wanted: int, target: int) -> None:
    """One comparison with an overlap of three: a target above three could never be reached."""
    study = make_open_study(results=ResultsPolicy.OPEN, target_votes=wanted)
    comparison = make_comparison(study)
    reached = []
    for _ in range(3):
        make_vote(comparison, Choice.LEFT)
        result = analysis.run(study).result
        (pair,) = result["head_to_head"]
        assert (result["settings"]["target"], pair["target"]) == (wanted, target)
        reached.append(pair["target_reached"])
    assert reached == [number >= target for number in (1, 2, 3)]


def test_the_object_holds_no_number_that_json_has_not(study: Study) -> None:
    json.dumps(analysis.run(study).result, allow_nan=False)
    json.dumps(analysis.run(make_study()).result, allow_nan=False)


def open_study(**fields: object) -> Study:
    study = make_open_study(**fields)
    make_vote(make_comparison(study), Choice.LEFT)
    return study


def test_a_sealed_study_is_not_analysed() -> None:
    study = open_study()
    with pytest.raises(analysis.SealedError):
        analysis.run(study)
    assert not AnalysisRun.objects.exists()
    assert not AuditEntry.objects.filter(action="look").exists()


@pytest.mark.parametrize(
    "fields",
    [
        {"results": ResultsPolicy.OPEN},
        {"state": StudyState.CLOSED, "unblinded_at": timezone.now()},
    ],
)
def test_open_results_and_unblinded_studies_are(fields: dict[str, object]) -> None:
    study = open_study()
    Study.objects.filter(pk=study.pk).update(**fields)
    study.refresh_from_db()
    assert analysis.run(study).result["counts"]["votes"] == 1


def test_results_that_were_open_while_votes_came_in_say_so_for_good() -> None:
    study = open_study(results=ResultsPolicy.OPEN)
    running = analysis.run(study)
    assert "sequential_look" in running.result["warnings"]
    study = close_study(study)
    closed = analysis.run(study)
    assert closed.pk != running.pk, "closing changes what may be said"
    assert "sequential_look" in closed.result["warnings"]
    assert "Not decided: the study was closed 2 votes short" in headline(closed.result)[0]


def test_results_that_were_sealed_to_the_end_do_not() -> None:
    study = close_study(open_study())
    study = unblind_study(study, reason="all votes are in")
    assert "sequential_look" not in analysis.run(study).result["warnings"]


def test_unblinding_early_is_looking_early() -> None:
    study = open_study()
    Study.objects.filter(pk=study.pk).update(unblinded_at=timezone.now())
    study = close_study(study)
    assert "sequential_look" in analysis.run(study).result["warnings"]


def test_the_command_prints_the_object_alone(study: Study) -> None:
    out = io.StringIO()
    call_command("analyze", study.slug, format="json", stdout=out)
    assert json.loads(out.getvalue()) == AnalysisRun.objects.get().result


def test_the_command_refuses_a_sealed_study_with_its_own_exit() -> None:
    study = open_study()
    with pytest.raises(CommandError, match="sealed") as caught:
        call_command("analyze", study.slug)
    assert caught.value.returncode == 3


def test_the_command_says_that_there_is_no_such_study() -> None:
    with pytest.raises(CommandError, match="no study 'nowhere'"):
        call_command("analyze", "nowhere")


def test_prompts_on_which_a_pair_never_meets_do_not_help_it() -> None:
    study = make_study()
    annotators = [make_annotator(study) for _ in range(50)]
    for _ in range(4):
        comparison = make_comparison(study, "alpha", "beta")
        for annotator in annotators:
            make_imported_vote(comparison, annotator=annotator)
    for _ in range(20):
        # Another pair's prompts, and one that nothing is compared on.
        make_comparison(study, "gamma", "delta")
        make_prompt(study)
    pair = analysis.run(study).result["head_to_head"][0]
    assert (pair["system_a"], pair["system_b"], pair["n"]) == ("alpha", "beta", 200)
    assert "too_few_prompts" in pair["warnings"]
    assert pair["votes_needed"] is None


def test_a_report_names_the_software_that_its_figures_depend_on_and_no_tool() -> None:
    versions = analysis.versions_in_use()
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["project"]
    needed = {re.split(r"[\[<>=]", name)[0] for name in project["dependencies"]}
    named = versions.keys() - {"evalsite", "report_format", "python"}
    assert named == {"numpy", "scipy"}
    assert named <= needed
    assert "statsmodels" not in needed
