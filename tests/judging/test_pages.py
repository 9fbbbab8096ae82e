"""Pages about judges: what they show, what they never show, and what their buttons do."""

from __future__ import annotations

import re
from decimal import Decimal
from html import unescape
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from annotation.models import AuditEntry, Role
from judging.endpoints.saving import save_endpoint, target_of
from judging.models import Endpoint, JudgeAttempt, JudgeRun, JudgeVersion
from judging.parsing import PARSER_VERSION
from judging.runs.conducting import cancel, pause, resume
from judging.runs.money import standing_of
from judging.runs.opening import open_run
from judging.runs.panels import quote_first_runs
from judging.runs.starting import start_run
from judging.runs.study_budget import set_study_budget
from tests import factories
from tests.judging.asked import KEY, SIMULATED, add, make_judged_study, simulating, work_off


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch, resolved: None) -> None:
    monkeypatch.setattr("judging.pages.acts.ring", lambda run: None)


@pytest.fixture
def researcher(study, client):
    user = factories.make_user()
    factories.make_membership(study, Role.RESEARCHER, user)
    client.force_login(user)
    return client


def url(name: str, study, **kwargs: object) -> str:
    return reverse(f"judges:{name}", kwargs={"slug": study.slug, **kwargs})


def stated(**more: object) -> dict[str, object]:
    return {
        "name": "careful",
        "base_url": SIMULATED,
        "endpoint": "main",
        "model": "fair:delay=0",
        "instruction": "assessor",
        "rubric": "study",
        "max_tokens": 500,
        "price_input": 1,
        "price_output": 2,
        **more,
    }


def text(response) -> str:
    return unescape(response.content.decode())


@pytest.mark.django_db
def test_an_empty_page_offers_the_next_step(researcher, study) -> None:
    page = text(researcher.get(url("overview", study)))
    assert "There is no judge yet" in page
    assert url("add", study) in page


@pytest.mark.django_db
def test_a_judge_is_added_and_its_key_is_never_shown(researcher, study) -> None:
    posted = researcher.post(
        url("add", study), stated(base_url="https://api.example.com/v1", key=KEY), follow=True
    )
    version = JudgeVersion.objects.get()
    assert version.config["price"] == {"input": "1", "cached_input": "1", "output": "2"}
    assert Endpoint.objects.get().has_key
    pages = [posted, researcher.get(url("overview", study))]
    pages += [
        researcher.get(url(name, study, version=version.pk)) for name in ("judge", "new_version")
    ]
    for page in pages:
        assert page.status_code == 200
        assert KEY not in text(page)
    assert "ends in cdef" in text(pages[0])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"base_url": "http://api.example.com"}, "Only https is called"),
        ({"base_url": "https://u:p@api.example.com"}, "no user or password"),
        ({"name": ""}, "This field is required"),
        ({"instruction": "own"}, "Write the instruction"),
        ({"price_output": ""}, "Give both prices"),
        ({"key": "two words"}, "visible ASCII"),
        ({"endpoint": "A B"}, "small letters"),
        ({"max_tokens": 0}, "greater than or equal to 1"),
    ],
)
def test_a_form_that_cannot_be_taken_says_why_and_stores_nothing(
    researcher, study, wrong, said
) -> None:
    response = researcher.post(url("add", study), stated(key=KEY) | wrong)
    assert response.status_code == 422
    assert said in text(response)
    assert KEY not in text(response)
    assert not JudgeVersion.objects.exists()


@pytest.mark.django_db
def test_a_further_version_begins_with_the_one_before(researcher, study) -> None:
    researcher.post(url("add", study), stated())
    first = JudgeVersion.objects.get()
    form = text(researcher.get(url("new_version", study, version=first.pk)))
    assert 'value="fair:delay=0"' in form
    researcher.post(
        url("new_version", study, version=first.pk), stated(name="other", temperature=1)
    )
    second = JudgeVersion.objects.order_by("pk").last()
    assert (second.judge, second.number) == (first.judge, 2)


@pytest.mark.django_db
def test_a_further_version_keeps_what_the_form_does_not_show(researcher, study) -> None:
    more = {"top_p": 0.5, "seed": 7, "tokens_field": "max_completion_tokens", "temperature": 1}
    price = {"input": "1", "cached_input": "0.25", "output": "2"}
    first = add(study, SIMULATED, "fair:delay=0", with_model={**more, "price": price})
    form = stated(name="judge", endpoint="sim", max_tokens=400)
    page = url("new_version", study, version=first.pk)
    assert researcher.post(page, form).status_code == 302
    config = JudgeVersion.objects.order_by("pk").last().config
    assert config["parameters"] == {"top_p": 0.5, "seed": 7}
    assert config["tokens_field"] == "max_completion_tokens"
    assert config["price"] == price
    researcher.post(page, form | {"price_input": 3})
    config = JudgeVersion.objects.order_by("pk").last().config
    assert config["price"] == {"input": "3", "cached_input": "3", "output": "2"}


@pytest.mark.django_db(transaction=True)
def test_a_connection_is_tested_and_a_pair_tried_out(researcher, study) -> None:
    version = add(study, SIMULATED, "fair:delay=0")
    page = text(researcher.post(url("connect", study, version=version.pk), follow=True))
    assert "The endpoint answers, and its replies can be read." in page
    assert Endpoint.objects.get().rungs == {"fair:delay=0": "strict_schema"}

    tried = text(researcher.post(url("try", study, version=version.pk), {"pair": 1, "order": "ba"}))
    assert "2>>1, that is a, clearly better" in tried
    assert "quality: 0.9" in tried, "the prompt as it was sent"
    assert "This judge is simulated." in tried
    assert not JudgeRun.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_try_out_in_a_sealed_study_is_a_look_and_names_no_side(researcher, study) -> None:
    study.opened_at = timezone.now()
    study.save()
    version = add(study, SIMULATED, "fair:delay=0")
    page = url("try", study, version=version.pk)
    assert "written down as a look" in text(researcher.get(page))
    assert not AuditEntry.objects.filter(action="look").exists()
    tried = text(researcher.post(page, {"pair": 1, "order": "ba"}))
    assert "2>>1" in tried
    assert "that is a" not in tried
    assert AuditEntry.objects.get(action="look").detail["how"] == "judge try-out"


@pytest.mark.django_db(transaction=True)
def test_a_try_out_is_a_look_once_it_was_sent_and_before_it_is_shown(
    researcher, study, monkeypatch
) -> None:
    study.opened_at = timezone.now()
    study.save()
    version = add(study, SIMULATED, "fair:delay=0")
    page = url("try", study, version=version.pk)
    set_study_budget(study, None, Decimal("0.0001"))
    assert "To ask could cost" in text(researcher.post(page, {"pair": 1}))
    assert not AuditEntry.objects.filter(action="look").exists()
    set_study_budget(study, None, None)

    def fail(*given) -> None:
        raise OSError("The log cannot be written.")

    monkeypatch.setattr("judging.trying.audit.record", fail)
    with pytest.raises(OSError, match="log cannot be written"):
        researcher.post(page, {"pair": 1})


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fault", ["502_html", "html", "400", "401", "redirect", "prose"])
def test_nothing_of_an_errors_body_is_on_a_page(fault, researcher, study, settings) -> None:
    with simulating() as simulator:
        settings.JUDGE_LOCAL_ENDPOINTS = {f"127.0.0.1:{simulator.port}"}
        version = add(study, simulator.url, fault)
        for page in (
            researcher.post(url("connect", study, version=version.pk), follow=True),
            researcher.post(url("try", study, version=version.pk), {"pair": 1}),
            researcher.get(url("judge", study, version=version.pk)),
        ):
            assert page.status_code == 200
            assert "canary" not in text(page)
        assert simulator.log


@pytest.mark.django_db
def test_a_page_quotes_before_it_starts_and_starts_once(researcher, study) -> None:
    version = add(study, SIMULATED, "fair:delay=0")
    page = text(researcher.post(url("judge", study, version=version.pk)))
    assert "3, each in both orders" in page
    assert "US dollars, at most" in page
    start = url("start", study, version=version.pk)
    assert researcher.post(start, {"budget": "0.5", "replicates": 1}).status_code == 302
    again = researcher.post(start, {"budget": "0.5", "replicates": 1})
    assert again.status_code == 422
    assert "has not ended" in text(again)
    assert JudgeRun.objects.count() == 1
    assert "0 of 6 done" in text(researcher.get(url("runs", study)))


@pytest.fixture
def site_key(monkeypatch, resolved, study) -> None:
    """The operator has set a key for one address and given it to the study."""
    monkeypatch.setenv("EVALSITE_JUDGE_STUDIES_MAIN", f"another, {study.slug}")
    monkeypatch.setenv("EVALSITE_JUDGE_KEY_MAIN", KEY)
    monkeypatch.setenv("EVALSITE_JUDGE_ORIGIN_MAIN", "https://api.example.com")


@pytest.mark.django_db
def test_a_key_of_the_site_is_taken_by_its_name_for_its_address_alone(
    researcher, study, site_key, monkeypatch
) -> None:
    at = {"base_url": "https://api.example.com/v1", "endpoint": "main", "key": ""}
    both = researcher.post(url("add", study), stated(**at | {"key": KEY}, key_variable="MAIN"))
    assert both.status_code == 422
    assert "one of the two" in text(both)
    elsewhere = at | {"base_url": "https://other.example/v1", "key_variable": "MAIN"}
    refused = researcher.post(url("add", study), stated(**elsewhere))
    assert refused.status_code == 422
    assert "names another address than this endpoint" in text(refused)
    monkeypatch.setenv("EVALSITE_JUDGE_KEY_MINE", KEY)
    monkeypatch.setenv("EVALSITE_JUDGE_ORIGIN_MINE", "https://api.example.com")
    for given in (None, "", "another", study.slug[:-1], f"{study.slug}0"):
        if given is not None:
            monkeypatch.setenv("EVALSITE_JUDGE_STUDIES_MINE", given)
        # One that there is and one that there is not are told of alike.
        for other in ("MINE", "SECRET_KEY", "NOBODY", "../PATH"):
            refused = researcher.post(url("add", study), stated(**at, key_variable=other))
            assert refused.status_code == 422
            assert "given no key of this name to this study" in text(refused)
    assert not Endpoint.objects.exists()
    researcher.post(url("add", study), stated(**at, key_variable="MAIN"))
    endpoint = Endpoint.objects.get()
    assert (endpoint.key_variable, endpoint.key_ciphertext) == ("MAIN", "")
    assert target_of(endpoint).key == KEY
    page = text(researcher.get(url("judge", study, version=JudgeVersion.objects.get().pk)))
    assert "the operator's MAIN" in page
    assert KEY not in page
    said = AuditEntry.objects.filter(action="judge.endpoint_saved").latest("seq")
    assert said.detail["key_variable"] == "MAIN"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("given", [None, "", "another"])
def test_a_key_of_the_site_that_is_taken_back_is_used_no_more(
    researcher, study, site_key, monkeypatch, given
) -> None:
    at = {"base_url": "https://api.example.com/v1", "endpoint": "main", "key": ""}
    researcher.post(url("add", study), stated(**at, key_variable="MAIN"))
    version = JudgeVersion.objects.get()
    page = url("judge", study, version=version.pk)
    run = start_run(version, actor=None)
    assert open_run(run.pk).target.key == KEY
    assert "may not use any more" not in text(researcher.get(page))
    if given is None:
        monkeypatch.delenv("EVALSITE_JUDGE_STUDIES_MAIN")
    else:
        monkeypatch.setenv("EVALSITE_JUDGE_STUDIES_MAIN", given)
    assert open_run(run.pk) is None
    run.refresh_from_db()
    assert (run.state, run.pause_cause) == ("paused", "endpoint")
    shown = text(researcher.get(page))
    assert "the operator's MAIN, which this study may not use any more" in shown
    assert "look at its key on the judge's page" in shown
    tested = researcher.post(url("connect", study, version=version.pk), follow=True)
    assert "given no key of this name to this study" in text(tested)
    # What the operator names by a command is asked for no list.
    save_endpoint(study, "main", at["base_url"], actor=None, key_variable="MAIN")
    assert "may not use any more" not in text(researcher.get(page))
    resume(run, None)
    assert open_run(run.pk).target.key == KEY
    # Limits that people change name no key.
    save_endpoint(study, "main", at["base_url"], actor=factories.make_user(), requests_per_minute=5)
    assert target_of(Endpoint.objects.get()).key == KEY


@pytest.mark.django_db
def test_who_named_a_key_before_is_read_from_the_log(researcher, study, site_key) -> None:
    note_people = import_module("judging.migrations.0006_who_named_the_key").note_people

    def noted(**changed: bool) -> bool:
        Endpoint.objects.update(**changed)
        note_people(apps, None)
        return Endpoint.objects.get().key_named_by_people

    at = {"name": "main", "base_url": "https://api.example.com/v1"}
    save_endpoint(study, **at, actor=None, key_variable="MAIN")
    assert not noted(key_named_by_people=True)
    save_endpoint(study, **at, actor=factories.make_user(), requests_per_minute=5)
    save_endpoint(study, **at | {"name": "other"}, actor=factories.make_user(), key=KEY)
    Endpoint.objects.filter(name="other").delete()
    assert not noted(key_named_by_people=True)
    save_endpoint(study, **at, actor=factories.make_user(), key_variable="MAIN")
    assert noted(key_named_by_people=False)


@pytest.mark.django_db
def test_a_stored_key_is_replaced_by_the_name_of_one_and_back(researcher, study, site_key) -> None:
    at = {"base_url": "https://api.example.com/v1", "endpoint": "main"}
    researcher.post(url("add", study), stated(**at, key="sk-of-somebody-0123456789"))
    version = JudgeVersion.objects.get()
    address = url("key", study, version=version.pk)
    for wrong in ({}, {"key": KEY, "key_variable": "MAIN"}):
        page = researcher.post(address, wrong)
        assert page.status_code == 422
        assert "one of the two" in text(page)
    refused = researcher.post(address, {"key_variable": "NOBODY"})
    assert "given no key of this name" in text(refused)
    assert target_of(Endpoint.objects.get()).key == "sk-of-somebody-0123456789"
    researcher.post(address, {"key_variable": "MAIN"})
    assert target_of(Endpoint.objects.get()).key == KEY
    researcher.post(address, {"key": "sk-of-another-0123456789"})
    endpoint = Endpoint.objects.get()
    assert (endpoint.key_variable, target_of(endpoint).key) == ("", "sk-of-another-0123456789")


@pytest.mark.django_db
def test_no_pair_is_read_to_look_at_a_judge(researcher, study, monkeypatch) -> None:
    version = add(study, SIMULATED, "fair:delay=0")

    def planned(*given: object) -> None:
        raise AssertionError("A page computes nothing on GET.")

    monkeypatch.setattr("judging.runs.planning.read_questions", planned)
    page = text(researcher.get(url("judge", study, version=version.pk)))
    assert "3 pairs to judge" in page
    assert "Quote a run" in page
    assert "Start the run" in page


@pytest.mark.django_db
@pytest.mark.parametrize("budget", ["0", "0.0", "0.00001", "-1"])
def test_a_budget_of_nothing_is_no_missing_cap(researcher, study, budget) -> None:
    version = add(study, SIMULATED, "fair:delay=0")
    page = researcher.post(
        url("start", study, version=version.pk), {"budget": budget, "replicates": 1}
    )
    assert page.status_code == 422
    assert not JudgeRun.objects.exists()


@pytest.mark.django_db
def test_a_run_is_paused_resumed_and_cancelled_from_the_page(researcher, study) -> None:
    run = start_run(add(study, SIMULATED), actor=None)
    for act, state in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        researcher.post(url("act", study, run=run.pk, act=act))
        run.refresh_from_db()
        assert run.state == state
    page = text(researcher.post(url("act", study, run=run.pk, act="resume"), follow=True))
    assert "Only a paused run can be resumed" in page
    assert researcher.post(url("act", study, run=run.pk, act="delete")).status_code == 404


@pytest.mark.django_db
def test_a_run_that_used_up_its_budget_goes_on_with_more(researcher, study) -> None:
    run = start_run(add(study, SIMULATED), actor=None, budget=Decimal("0.001"))
    pause(run, None, "budget")
    assert "New budget" in text(researcher.get(url("overview", study)))
    resume = url("act", study, run=run.pk, act="resume")
    assert "must be more" in text(researcher.post(resume, {"budget": "0"}, follow=True))
    assert "no amount" in text(researcher.post(resume, {"budget": "x"}, follow=True))
    researcher.post(resume, {"budget": "0.5"})
    run.refresh_from_db()
    assert (run.state, run.budget) == ("running", Decimal("0.5"))


@pytest.mark.django_db
def test_what_all_judges_may_cost_is_set_and_shown_on_the_page(researcher, study) -> None:
    run = start_run(add(study, SIMULATED, "fair:delay=0"), actor=None)
    pause(run, None, "study_budget")
    store = url("study_budget", study)
    page = text(researcher.post(store, {"amount": "2.50"}, follow=True))
    assert "A run that it had paused goes on." in page
    assert "0.0000 US dollars spent of 2.5000, 2.5000 left." in page.replace(
        "<strong>", ""
    ).replace("</strong>", "")
    assert 'value="2.5"' in page
    run.refresh_from_db()
    assert run.state == "running"
    assert "All judges together" in text(researcher.get(url("runs", study)))

    refused = researcher.post(store, {"amount": "-1"})
    assert refused.status_code == 422
    assert standing_of(study.pk).amount == Decimal("2.5")
    researcher.post(store, {"amount": ""})
    assert standing_of(study.pk).amount is None


@pytest.mark.django_db
def test_a_quote_says_where_all_judges_together_have_less_left(researcher, study) -> None:
    version = add(study, SIMULATED, "fair:delay=0")
    page = url("judge", study, version=version.pk)
    assert "would pause there" not in text(researcher.post(page))
    set_study_budget(study, None, Decimal("0.0001"))
    assert "would pause there" in text(researcher.post(page))


@pytest.mark.django_db
def test_the_simulated_judge_is_one_click_away(researcher, study) -> None:
    page = text(researcher.get(url("add", study) + "?simulated"))
    assert f'value="{SIMULATED}"' in page


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["", "?simulated"])
def test_a_study_whose_criteria_have_no_levels_begins_with_a_ready_made_rubric(
    researcher, study, query
) -> None:
    page = url("add", study) + query
    assert '<option value="general" selected>' not in text(researcher.get(page))
    study.criteria.update(levels=[])
    assert '<option value="general" selected>' in text(researcher.get(page))


@pytest.mark.django_db(transaction=True)
def test_what_is_missing_stands_by_cause_and_can_be_asked_again(
    researcher, study, settings
) -> None:
    with simulating() as simulator:
        settings.JUDGE_LOCAL_ENDPOINTS = {f"127.0.0.1:{simulator.port}"}
        run = start_run(add(study, simulator.url, "refusal"), actor=None)
        endpoint = Endpoint.objects.get()
        endpoint.rungs = {"refusal": "text"}
        endpoint.save()
        work_off(run)
    page = text(researcher.get(url("overview", study)))
    assert "6: 6 refused by the model" in page
    assert "More than 2 % of the answers are missing" in page
    researcher.post(url("act", study, run=run.pk, act="retry"))
    run.refresh_from_db()
    assert run.state == "running"


@pytest.mark.django_db
def test_another_studys_judge_and_run_are_not_found(researcher, study) -> None:
    other = make_judged_study(1)
    version = add(other, SIMULATED)
    run = start_run(version, actor=None)
    for name in ("judge", "try", "new_version"):
        assert researcher.get(url(name, study, version=version.pk)).status_code == 404
    assert researcher.post(url("act", study, run=run.pk, act="cancel")).status_code == 404
    assert researcher.get(url("judge", other, version=version.pk)).status_code == 404


@pytest.mark.django_db
def test_no_system_is_named_on_any_page(researcher, study) -> None:
    study.systems.filter(name="alpha").update(name="canary-system")
    version = add(study, SIMULATED, "fair:delay=0")
    start_run(version, actor=None)
    for page in (
        url("overview", study),
        url("judge", study, version=version.pk),
        url("try", study, version=version.pk),
    ):
        assert "canary-system" not in text(researcher.get(page))


@pytest.mark.django_db
def test_a_limit_is_taken_away_by_an_empty_field_of_a_form_that_showed_it(
    researcher, study
) -> None:
    limits = {"requests_per_minute": 60, "tokens_per_minute": 9000}
    researcher.post(url("add", study), stated(**limits))
    version = JudgeVersion.objects.get()
    form = text(researcher.get(url("new_version", study, version=version.pk)))
    assert 'value="9000"' in form
    # Another judge of the endpoint, whose form does not show its limits, leaves them.
    researcher.post(url("add", study), stated(name="other"))
    endpoint = Endpoint.objects.get()
    assert (endpoint.requests_per_minute, endpoint.tokens_per_minute) == (60, 9000)
    kept = stated(requests_per_minute=60, tokens_per_minute="")
    page = researcher.post(url("new_version", study, version=version.pk), kept, follow=True)
    assert "limits of its endpoint are stored" in text(page)
    endpoint.refresh_from_db()
    assert (endpoint.requests_per_minute, endpoint.tokens_per_minute) == (60, None)
    researcher.post(url("add", study), stated(name="third", requests_per_minute=0))
    endpoint.refresh_from_db()
    assert endpoint.requests_per_minute is None


@pytest.mark.django_db
def test_a_version_with_nothing_but_failures_is_shown_as_that(researcher, study) -> None:
    failed = add(study, SIMULATED, "fair:delay=0", name="broken")
    run = start_run(failed, actor=None)
    assert "6 waiting" in text(researcher.get(url("overview", study)))
    run.calls.update(state="failed_permanent", failure="timeout")
    JudgeRun.objects.update(state="finished")
    add(study, SIMULATED, "fair:delay=0", name="idle")
    page = text(researcher.get(url("overview", study)))
    assert "No answer: 6 calls failed" in page
    assert "Not asked yet" in page
    watched = text(researcher.get(url("runs", study)))
    place = f'<span id="tally-{failed.pk}"'
    assert place in page
    assert f'{place} hx-swap-oob="true" class="status status--error">No answer' in watched
    assert "status--ok" not in watched, "a run that brought nothing is no good news"
    add(study, SIMULATED, "fair:delay=0", name="broken", with_model={"temperature": 1})
    newest = JudgeVersion.objects.order_by("pk").last()
    page = text(researcher.get(url("judge", study, version=newest.pk)))
    assert "No answer: 6 calls failed" in page, "though a later version was not asked"


@pytest.mark.django_db
def test_a_usage_that_cannot_be_true_is_shown_beside_the_run(researcher, study) -> None:
    run = start_run(add(study, SIMULATED, "fair:delay=0"), actor=None)
    above, missing, fine = run.calls.order_by("pk")[:3]
    told = {"input_tokens": 0, "cached_tokens": 0, "output_tokens": 1_000_000}
    flagged = {**told, "flag": "usage_above_worst_case"}
    for call, usage in ((above, flagged), (missing, {"flag": "usage_missing"}), (fine, told)):
        JudgeAttempt.objects.create(call=call, number=1, usage=usage, reserved=1, cost=1)
    page = text(researcher.get(url("runs", study)))
    # A million tokens at 8 dollars a million, of which 1 is charged.
    assert "1 reply told more tokens than the request can have had" in page
    assert "that is 7.0000 US dollars more" in page
    assert "1 request came back without a usage" in page


@pytest.mark.django_db
def test_older_runs_are_a_page_away(researcher, study, monkeypatch) -> None:
    monkeypatch.setattr("judging.pages.shown_runs.MOST_RUNS_SHOWN", 2)
    version = add(study, SIMULATED, "fair:delay=0")
    runs = []
    for _ in range(3):
        runs.append(start_run(version, actor=None))
        cancel(runs[-1], None)
    page = text(researcher.get(url("overview", study)))
    assert [f'id="run-{run.pk}"' in page for run in runs] == [False, True, True]
    older = f"{url('overview', study)}?before={runs[1].pk}"
    assert older in page
    page = text(researcher.get(older))
    assert [f'id="run-{run.pk}"' in page for run in runs] == [True, False, False]
    assert "Newest runs" in page


@pytest.mark.django_db
def test_a_version_of_an_earlier_parser_is_not_asked_and_says_so(
    researcher, study, monkeypatch
) -> None:
    version = add(study, SIMULATED, "fair:delay=0")
    monkeypatch.setattr("judging.judges.PARSER_VERSION", PARSER_VERSION + 1)
    page = text(researcher.get(url("judge", study, version=version.pk)))
    assert "made by an earlier evalsite" in page
    assert "Start the run" not in page
    refused = researcher.post(url("start", study, version=version.pk), {"replicates": 1})
    assert refused.status_code == 422
    assert not JudgeRun.objects.exists()
    researcher.post(
        url("new_version", study, version=version.pk), stated(name="judge", endpoint="sim")
    )
    newer = JudgeVersion.objects.order_by("pk").last()
    assert newer.number == 2
    assert "Start the run" in text(researcher.get(url("judge", study, version=newer.pk)))


@pytest.mark.django_db
def test_a_panel_is_added_in_one_form(researcher, study) -> None:
    page = text(researcher.get(url("add", study)))
    assert "Models, one a line" in page
    assert 'type="checkbox" name="instruction" value="reader"' in page
    posted = researcher.post(
        url("add", study),
        stated(
            model="fair:delay=0\r\n\r\n  sharp, 3, 12.5 \r\n",
            instruction=["assessor", "own"],
            own_instruction="Say which of them is shorter.",
            temperature=0,
        ),
        follow=True,
    )
    assert "4 judges of the panel careful are added." in text(posted)
    versions = {
        (config["model"], config["instruction"]["name"]): config
        for config in JudgeVersion.objects.values_list("config", flat=True)
    }
    assert {judge.judge_id for judge in study.judges.all()} == {
        f"careful/{model}/{name}"
        for model in ("fair:delay=0", "sharp")
        for name in ("assessor", "own")
    }
    own = versions["sharp", "own"]
    assert own["instruction"]["text"] == "Say which of them is shorter."
    assert own["price"] == {"input": "3", "cached_input": "3", "output": "12.5"}
    assert versions["fair:delay=0", "assessor"]["price"]["output"] == "2"
    assert {config["parameters"]["temperature"] for config in versions.values()} == {0}
    assert Endpoint.objects.count() == 1
    page = text(posted)
    for judge in study.judges.all():
        assert judge.judge_id in page
    again = researcher.post(
        url("add", study),
        stated(
            model="fair:delay=0\nsharp, 3, 12.5",
            instruction=["assessor", "reader"],
            temperature=0,
        ),
        follow=True,
    )
    assert "2 judges of the panel careful are added. 2 were there already." in text(again)
    once = researcher.post(
        url("add", study),
        stated(model="sharp, 3, 12.5", instruction=["reader", "sceptic"], temperature=0),
        follow=True,
    )
    assert "1 judge of the panel careful is added. 1 was there already." in text(once)


@pytest.mark.django_db
def test_one_configuration_under_two_names_is_pointed_out(researcher, study) -> None:
    panel = stated(name="panel", model="fair:delay=0\nsharp", instruction=["assessor"])
    assert "one configuration" not in text(researcher.post(url("add", study), panel, follow=True))
    said = "alone and panel/sharp/assessor are one configuration under 2 names."
    posted = researcher.post(url("add", study), stated(name="alone", model="sharp"), follow=True)
    assert text(posted).count(said) == 1
    versions = {one.judge.judge_id: one for one in JudgeVersion.objects.all()}
    for name, pointed_out in (("panel/sharp/assessor", 1), ("panel/fair:delay=0/assessor", 0)):
        page = researcher.get(url("judge", study, version=versions[name].pk))
        assert text(page).count(said) == pointed_out
    again = researcher.post(url("add", study), panel, follow=True)
    assert text(again).count(said) == 1, "where a panel was added, above the list"
    # A further version of one of them is another configuration.
    page = url("new_version", study, version=versions["alone"].pk)
    assert said not in text(
        researcher.post(page, stated(model="sharp", temperature=1), follow=True)
    )
    for name in ("panel/sharp/assessor", "alone"):
        page = researcher.get(url("judge", study, version=versions[name].pk))
        assert "one configuration" not in text(page)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"model": "one\none"}, "Line 2: one is named twice."),
        ({"model": "one, 2"}, "Line 1: write the model alone"),
        ({"model": "one\ntwo, x, 3"}, "Line 2: write the model alone"),
        ({"model": "one, 1, -3"}, "Line 1: write the model alone"),
        ({"model": "one, NaN, 3"}, "Line 1: write the model alone"),
        ({"model": "model-one, 2,5, 10"}, "Line 1: write the model alone"),
        ({"model": "model-one, 2.5, 1.25, 10"}, "Prices have a decimal point, and a model whose"),
        ({"model": "one\n, 1, 2"}, "Line 2: a name has 1 to 120 characters."),
        ({"model": " \n "}, "This field is required"),
        ({"instruction": []}, "This field is required"),
        ({"instruction": ["reader", "own"]}, "Write the instruction"),
        (
            {
                "model": "\n".join(f"m{k}" for k in range(7)),
                "instruction": ["assessor", "reader", "sceptic"],
            },
            "These are 21 judges, and 20 at most are added at once.",
        ),
    ],
)
def test_a_panel_that_cannot_be_taken_says_why_and_stores_nothing(
    researcher, study, wrong, said
) -> None:
    response = researcher.post(url("add", study), stated() | wrong)
    assert response.status_code == 422
    assert said in text(response)
    assert not JudgeVersion.objects.exists()


def cells(page: str, table: str) -> list[list[str]]:
    """The numbers of a table's rows, from the body on."""
    inside = page.split(f'id="{table}"')[1].split("</table>")[0].split("</thead>")[1]
    return [re.findall(r'<td class="number">(.*?)</td>', row) for row in inside.split("<tr>")[1:]]


@pytest.mark.django_db
def test_judges_are_started_together_with_one_budget(researcher, study) -> None:
    assert "Start together" not in text(researcher.get(url("overview", study)))
    researcher.post(url("add", study), stated(model="fair:delay=0"))
    assert "Start together" not in text(researcher.get(url("overview", study)))
    researcher.post(
        url("add", study),
        stated(name="panel", model="fair:delay=0\nsharp, 3, 6", instruction=["assessor", "reader"]),
    )
    page = text(researcher.get(url("overview", study)))
    assert "5 judges have had no run yet" in page
    assert "Quote a run of each" in page
    refused = researcher.post(url("start_all", study), {"budget": "0"})
    assert refused.status_code == 422
    assert "greater than or equal to 0.01" in text(refused)
    assert not JudgeRun.objects.exists()
    posted = researcher.post(url("start_all", study), {"budget": "2"}, follow=True)
    assert "5 runs have started." in text(posted)
    budgets = dict(JudgeRun.objects.values_list("version__judge__judge_id", "budget"))
    assert len(budgets) == 5
    assert Decimal("1.999") < sum(budgets.values()) <= 2
    # Three times the price, three times the part.
    assert budgets["panel/sharp/reader"] == pytest.approx(
        3 * budgets["panel/fair:delay=0/reader"], rel=Decimal("0.01")
    )
    assert "Start together" not in text(posted)
    again = researcher.post(url("start_all", study))
    assert again.status_code == 422
    assert "No run was started." in text(again)
    assert "Every judge has had a run, or needs a new version." in text(again)
    assert "Budget:" in text(researcher.post(url("start_all", study), {"budget": "0"}))
    assert JudgeRun.objects.count() == 5


@pytest.mark.django_db
def test_a_panel_is_quoted_before_it_is_started(researcher, study) -> None:
    """Calls, tokens and money of each judge and in all, with the room in both budgets."""
    researcher.post(
        url("add", study),
        stated(name="panel", model="fair:delay=0\nsharp, 3, 6", instruction=["assessor"]),
    )
    set_study_budget(study, None, Decimal("0.05"))
    page = researcher.post(url("quote_all", study), {"budget": "0.02"})
    assert page.status_code == 200
    assert not JudgeRun.objects.exists()
    found = quote_first_runs(study, Decimal("0.02"))
    table = cells(text(page), "first-runs")
    expected = [
        *((one.calls, one.input_tokens, one.output_tokens) for _, one in found.quotes.each),
        (12, found.quotes.together.input_tokens, found.quotes.together.output_tokens),
    ]
    assert [row[:3] for row in table] == [[f"{n:,}" for n in row] for row in expected]
    money = [*(one for _, one in found.quotes.each), found.quotes.together]
    assert [row[3:5] for row in table] == [
        [f"{one.cost:.4f}", f"{one.worst_case:.4f}"] for one in money
    ]
    assert [row[5] for row in table] == ["0.0050", "0.0150", "0.0200"]
    whole = found.quotes.together
    said = f"about {whole.cost:.4f} US dollars, at most {whole.worst_case:.4f}."
    assert f"<strong>12 calls</strong>, {said}" in text(page)
    assert "0.0500 US dollars are left" in text(page)
    assert "Together they could cost more than this budget." in text(page)
    assert "could cost more than is left of the study" in text(page)
    # What was entered stands in the form still, to be started with.
    assert 'value="0.02"' in text(page)
    plenty = text(researcher.post(url("quote_all", study), {"budget": ""}))
    assert "Of the budget" not in plenty
    set_study_budget(study, None, None)
    plenty = text(researcher.post(url("quote_all", study), {"budget": "50"}))
    assert "could cost more" not in plenty
    assert "no budget for all judges" in plenty


@pytest.mark.django_db
def test_what_could_not_be_started_is_not_quoted_and_says_why(researcher, study) -> None:
    assert "no judge that can be asked" in text(researcher.post(url("quote_all", study)))
    for name in ("one", "two"):
        researcher.post(url("add", study), stated(name=name, price_input="", price_output=""))
    refused = researcher.post(url("quote_all", study), {"budget": "2"})
    assert refused.status_code == 422
    assert text(refused).count("has no price card") == 2
    page = text(researcher.post(url("quote_all", study), {"budget": ""}))
    assert cells(page, "first-runs")[-1][3:] == ["unknown", "unknown"]
    assert "costs what nobody knows here" in page


@pytest.mark.django_db
def test_the_page_asks_the_tables_as_often_for_many_runs_as_for_one(researcher, study) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert researcher.get(url("overview", study)).status_code == 200
        return len(queries)

    start_run(add(study, SIMULATED, "fair:delay=0", name="a"), actor=None)
    one = asked()
    for name in ("b", "c", "d", "e"):
        start_run(add(study, SIMULATED, "fair:delay=0", name=name), actor=None)
    assert asked() == one


@pytest.mark.django_db
def test_a_run_that_is_being_prepared_shows_as_that(researcher, study) -> None:
    run = start_run(add(study, SIMULATED, "fair:delay=0"), actor=None)
    JudgeRun.objects.update(state="draft", prepared_until=timezone.now())
    page = text(researcher.get(url("overview", study)))
    assert "Being prepared" in page
    assert "It starts when all of its calls are written." in page
    assert 'hx-trigger="every 5s"' in page
    for act in ("pause", "cancel"):
        assert url("act", study, run=run.pk, act=act) not in page


@pytest.mark.django_db
def test_starting_together_without_a_judge_says_so(researcher, study) -> None:
    posted = researcher.post(url("start_all", study))
    assert posted.status_code == 422
    assert "The study has no judge that can be asked." in text(posted)


@pytest.mark.django_db
def test_a_judge_without_prices_starts_nothing_under_a_shared_budget(researcher, study) -> None:
    researcher.post(url("add", study), stated(name="one"))
    for name in ("three", "two"):
        researcher.post(url("add", study), stated(name=name, price_input="", price_output=""))
    posted = researcher.post(url("start_all", study), {"budget": "2"})
    assert posted.status_code == 422
    for name in ("three", "two"):
        assert f"<p>{name} has no price card" in text(posted)
    assert text(posted).count("No run was started.") == 1
    assert not JudgeRun.objects.exists()
    assert "3 runs have started." in text(
        researcher.post(url("start_all", study), {"budget": ""}, follow=True)
    )
