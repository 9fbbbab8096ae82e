"""Nothing is locked or written after an entry of the audit log: its chain's head is the last lock.

Whoever has the head and then waits for a row can be waited for by somebody who has that row and now
wants to write an entry.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from annotation import people, quality
from annotation.adjudication import decide, next_case
from annotation.lifecycle.cloning import WantedCopy
from annotation.lifecycle.generation import generate_comparisons
from annotation.lifecycle.identical import generate_identical
from annotation.lifecycle.opening import open_study
from annotation.lifecycle.rubric import CriterionDraft, configure_draft, set_rubric
from annotation.lifecycle.sliced_copies import SlicedCopy
from annotation.lifecycle.states import close_study, pause_study, resume_study, unblind_study
from annotation.models import (
    Annotator,
    AuditEntry,
    Invitation,
    ReviewOutcome,
    Role,
    Study,
)
from annotation.people.owners import create_owner
from annotation.voting import Answer, UnknownAssignment
from judging.judges import replace_key
from judging.management.commands.run_judges import Command as RunJudges
from judging.models import CallState, JudgeRun, RunState
from judging.runs.conducting import pause, resume, retry
from judging.runs.starting import start_run
from judging.runs.study_budget import set_study_budget
from reports import analysis
from reports.steering import rounds
from tests.annotation.adjudication.world import complete_with, make_adjudicator, version_with_rubric
from tests.annotation.quality.world import (
    attempt,
    make_school,
    make_trainee,
    make_training,
    one_sided,
)
from tests.annotation.queue.world import current_id, make_queue, vote
from tests.factories import (
    make_annotator,
    make_membership,
    make_open_study,
    make_prompt,
    make_response,
    make_study,
    make_study_version,
    make_system,
    make_user,
)
from tests.judging.asked import SIMULATED, add, make_judged_study

pytestmark = pytest.mark.django_db

ENTRY = {"annotation_auditchain", "annotation_auditentry"}
CHANGES = re.compile(r'^(?:INSERT INTO|UPDATE|DELETE FROM) "?(\w+)')
LOCKS = re.compile(r'FROM "?(\w+).* FOR (?:NO KEY )?UPDATE')


def touched(sql: str) -> str | None:
    """The table of which a statement locks rows or changes some, if any."""
    found = CHANGES.match(sql) or LOCKS.search(sql)
    return found and found[1]


def after_an_entry(statements: Iterable[str]) -> list[str]:
    """What was locked or changed after an entry, within the same transaction."""
    depth, written = 0, False
    found = []
    for sql in statements:
        if sql.startswith("SAVEPOINT"):
            depth += 1
        elif sql.startswith(("RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT")):
            # The outermost is the product's transaction: the test's own is around it.
            depth -= sql.startswith("RELEASE")
            written = written and depth > 0
        elif (table := touched(sql)) is not None:
            if table in ENTRY:
                written = True
            elif written:
                found.append(sql)
    return found


def a_draft() -> Study:
    study = make_study()
    systems = [make_system(study, name) for name in ("alpha", "beta")]
    for _ in range(3):
        prompt = make_prompt(study)
        for system in systems:
            make_response(prompt, system)
    return study


def an_opened_study() -> Study:
    study = a_draft()
    generate_comparisons(study)
    open_study(study)
    return Study.objects.get(pk=study.pk)


def a_rater(study: Study, votes: int = 2) -> Annotator:
    rater = make_annotator(study, make_user())
    for _ in range(votes):
        vote(rater, current_id(rater))
    return rater


Act = Callable[[], object]


def generating() -> Act:
    study = a_draft()
    return lambda: generate_comparisons(study)


def generating_identical() -> Act:
    study = a_draft()
    return lambda: generate_identical(study, 2)


def configuring() -> Act:
    study = a_draft()
    return lambda: configure_draft(study, title="A title")


def setting_the_rubric() -> Act:
    study = a_draft()
    draft = CriterionDraft("overall", "Which response is better?", both_bad=True)
    return lambda: set_rubric(study, [draft])


def opening() -> Act:
    study = a_draft()
    generate_comparisons(study)
    make_training(study)
    make_annotator(study, make_user())
    return lambda: open_study(study)


def pausing() -> Act:
    study = an_opened_study()
    return lambda: resume_study(pause_study(study))


def closing() -> Act:
    study = an_opened_study()
    return lambda: unblind_study(close_study(study))


def analysing() -> Act:
    study = an_opened_study()
    a_rater(study)
    closed = unblind_study(close_study(study))
    return lambda: analysis.run(closed)


def importing_votes() -> Act:
    study = an_opened_study()
    return lambda: import_rows(
        "import_votes",
        study,
        f'{{"item_id": "{item_of(study)}", "annotator_id": "x", "verdict": "a"}}',
    )


def adding_comparisons() -> Act:
    study = an_opened_study()
    row = (
        '{"item_id": "new", "prompt_id": "new", "prompt": "Why?", "system_a": "alpha", '
        '"system_b": "beta", "response_a": "Because.", "response_b": "So."}'
    )
    return lambda: import_rows("change_study", study, row)


def inviting() -> Act:
    study = an_opened_study()
    return lambda: people.invite(study, Role.ANNOTATOR, 2)


def revoking_a_link() -> Act:
    people.invite(an_opened_study(), Role.ANNOTATOR)
    return lambda: people.revoke_invitation(Invitation.objects.get(), make_user())


def issuing_a_sign_in_link() -> Act:
    user = make_user()
    return lambda: people.issue_sign_in_link(user)


def issuing_a_link_for_a_password() -> Act:
    user = make_user()
    return lambda: people.issue_set_password_link(user)


def issuing_a_crowd_link() -> Act:
    study = an_opened_study()
    return lambda: people.issue_crowd_link(study, 5)


def a_crowd_arriving() -> Act:
    issued = people.issue_crowd_link(an_opened_study(), 5)
    return lambda: people.arrive(issued.token, people.Arrival("p1", "s", "x"))


def listing_payments() -> Act:
    study = an_opened_study()
    issued = people.issue_crowd_link(study, 5)
    people.arrive(issued.token, people.Arrival("p1"))
    return lambda: call_command("list_payments", study.slug)


def sending_what_somebody_else_was_lent() -> Act:
    study = an_opened_study()
    other, own = (make_annotator(study, make_user()) for _ in range(2))
    pair = current_id(other)

    def send() -> None:
        with pytest.raises(UnknownAssignment):
            vote(own, pair)

    return send


def importing_first() -> Act:
    row = '{"prompt_id": "p", "prompt": "Why?", "system": "alpha", "response": "So."}'
    Path("first.jsonl").write_text(row + "\n")
    return lambda: call_command("import_responses", "new-study", "first.jsonl")


def joining() -> Act:
    study = an_opened_study()
    (issued,) = people.invite(study, Role.ANNOTATOR)
    return lambda: people.accept_invitation(issued.token, "someone", "correct horse battery staple")


def coming_back() -> Act:
    """To training pairs under a rubric that changed."""
    study = an_opened_study()
    user = a_rater(study).user
    people.remove_role(study, user, Role.ANNOTATOR, None)
    (issued,) = people.invite(study, Role.ANNOTATOR)
    return lambda: people.accept_invitation_as(issued.token, user)


def leaving() -> Act:
    study = an_opened_study()
    rater = a_rater(study)
    return lambda: people.remove_role(study, rater.user, Role.ANNOTATOR, None)


def making_an_owner() -> Act:
    an_opened_study(), a_draft()
    return lambda: create_owner("ada@example.org")


def an_owner_once_more() -> Act:
    create_owner("ada@example.org")
    a_draft(), a_draft()
    return lambda: create_owner("ada@example.org")


def signing_in() -> Act:
    issued = people.issue_sign_in_link(make_user())
    return lambda: people.sign_in(issued.token)


def setting_a_password() -> Act:
    issued = people.issue_set_password_link(make_user())
    return lambda: people.set_password(issued.token, "correct horse battery staple")


def revising() -> Act:
    study = an_opened_study()
    rater = make_annotator(study, make_user())
    pair = current_id(rater)
    vote(rater, pair)
    return lambda: vote(rater, pair, "right", revises=True)


def finishing_the_training() -> Act:
    study = make_queue(1)
    make_training(study)
    rater = make_annotator(study, make_user(), state="qualifying")
    pair = current_id(rater)
    return lambda: vote(rater, pair)


def settling_a_version() -> Act:
    """Somebody passes by the new mark, and somebody has no attempt left."""
    study = make_school(2, pass_mark=0.9, attempts=2)
    for right in (0, 1):
        attempt(make_trainee(study), right)
    rules = {"qualification": {"pass_mark": 0.5, "attempts": 1}}
    Study.objects.filter(pk=study.pk).update(rules=rules)
    make_study_version(study)
    study.refresh_from_db()
    return lambda: quality.settle_training(study)


def pausing_somebody() -> Act:
    rules = {"quality": {"side_share": {"alpha": 0.01, "min_n": 10, "action": "pause"}}}
    study = make_open_study(rules=rules)
    one_sided(make_annotator(study, make_user()))
    return lambda: quality.run_rules(study)


def rejecting() -> Act:
    rater = a_rater(an_opened_study())
    return lambda: quality.review(rater, ReviewOutcome.REJECT, "Careless.")


def reinstating() -> Act:
    rater = a_rater(an_opened_study())
    quality.review(rater, ReviewOutcome.REJECT, "Careless.")
    return lambda: quality.review(rater, ReviewOutcome.REINSTATE, "Careful.")


def an_owner_who_voted() -> Annotator:
    rater = a_rater(an_opened_study())
    make_membership(rater.study, Role.OWNER, rater.user)
    return rater


def leaving_out_own_votes() -> Act:
    study = an_owner_who_voted().study
    return lambda: close_study(study)


def counting_own_votes() -> Act:
    rater = an_owner_who_voted()
    quality.exclude_own_votes(rater.study)
    return lambda: quality.review(rater, ReviewOutcome.COUNT_OWN, "We are three.")


def copying_in_slices() -> Act:
    wanted = WantedCopy(slug="copy", title="A copy", with_content=True)
    copy = SlicedCopy(a_draft(), wanted, "1")
    copy.fill(lambda: None)
    owner = make_user()

    def finish() -> None:
        with transaction.atomic():
            copy.finish(owner)

    return finish


def adjudicating() -> Act:
    study = make_open_study()
    version_with_rubric(study)
    complete_with(study, ["a", "b"])
    case = next_case(make_adjudicator(study), study)
    assert case is not None
    return lambda: decide(case, {"overall": Answer("tie")})


def stopping_a_pair() -> Act:
    study = an_opened_study()
    stop = rounds.Stop("alpha", "beta", votes=40, e_value=90.0, needed=20.0, pairs=1)
    return lambda: rounds.stop_pair(study, stop)


def a_paused_run() -> JudgeRun:
    study = make_judged_study(2, slug="judged")
    run = start_run(add(study, SIMULATED, name="first"), actor=None)
    return pause(run, None)


def starting_a_judge_beside_one_that_goes_on() -> Act:
    """Two that go on, one of them with nothing left to ask, and two new ones without a price."""
    done = a_paused_run()
    done.calls.update(state=CallState.CANCELLED)
    running = start_run(add(done.study, SIMULATED, name="second"), actor=None)
    pause(running, None)
    for name in ("third", "fourth"):
        add(done.study, SIMULATED, name=name, with_model={"price": None})
    return lambda: call_command("run_judges", "judged")


def going_on_with_another_budget() -> Act:
    run = resume(a_paused_run(), None)
    add(run.study, SIMULATED, name="second")
    return lambda: call_command("run_judges", "judged", budget="1")


def going_on_alone() -> Act:
    a_paused_run()
    return lambda: call_command("run_judges", "judged")


def resuming_a_judge() -> Act:
    run = a_paused_run()
    run.calls.update(state=CallState.CANCELLED)
    return lambda: resume(run, None)


def asking_again() -> Act:
    run = a_paused_run()
    run.calls.update(state=CallState.REFUSED)
    type(run).objects.update(state=RunState.FINISHED)
    return lambda: retry(run, None)


def capping_all_judges() -> Act:
    run = a_paused_run()
    return lambda: set_study_budget(run.study, None, Decimal(1))


def adding_judges() -> Act:
    study = make_judged_study(2)
    return lambda: add(study, SIMULATED, instructions=["assessor", "reader"])


def replacing_a_key() -> Act:
    version = add(make_judged_study(2), SIMULATED)
    return lambda: replace_key(version, key="sk-another-0123456789", actor=make_user())


@pytest.fixture(autouse=True)
def judges_that_ask_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """To ask is for threads of their own, which see nothing of a test's transaction."""
    monkeypatch.setattr(RunJudges, "follow", lambda self, runs: None)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def item_of(study: Study) -> str:
    return study.comparisons.order_by("pk").values_list("item_id", flat=True)[0]


def import_rows(command: str, study: Study, row: str) -> None:
    file = Path("rows.jsonl")
    file.write_text(row + "\n")
    if command == "change_study":
        call_command(command, study.slug, reason="More.", add_comparisons=file, overlap=4)
    else:
        call_command(command, study.slug, str(file))


@pytest.mark.parametrize(
    "prepare",
    [
        generating,
        generating_identical,
        configuring,
        setting_the_rubric,
        opening,
        pausing,
        closing,
        analysing,
        importing_votes,
        adding_comparisons,
        importing_first,
        inviting,
        issuing_a_sign_in_link,
        issuing_a_link_for_a_password,
        issuing_a_crowd_link,
        revoking_a_link,
        a_crowd_arriving,
        listing_payments,
        sending_what_somebody_else_was_lent,
        joining,
        coming_back,
        leaving,
        making_an_owner,
        an_owner_once_more,
        signing_in,
        setting_a_password,
        revising,
        finishing_the_training,
        settling_a_version,
        pausing_somebody,
        rejecting,
        reinstating,
        leaving_out_own_votes,
        counting_own_votes,
        copying_in_slices,
        adjudicating,
        stopping_a_pair,
        starting_a_judge_beside_one_that_goes_on,
        going_on_with_another_budget,
        going_on_alone,
        resuming_a_judge,
        asking_again,
        capping_all_judges,
        adding_judges,
        replacing_a_key,
    ],
)
def test_an_entry_is_the_last_that_a_transaction_writes(prepare: Callable[[], Act]) -> None:
    act = prepare()
    before = AuditEntry.objects.count()
    with CaptureQueriesContext(connection) as captured:
        act()
    assert AuditEntry.objects.count() > before
    assert after_an_entry(query["sql"] for query in captured) == []
