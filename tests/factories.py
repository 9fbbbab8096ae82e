"""Rows for tests, with sensible defaults; every default can be overridden by keyword.

They write tables directly, so that a test can stand anywhere in a study's life. A test of the way
there calls the product's own functions instead. Names are numbered, since most are unique.
"""

from __future__ import annotations

import hashlib
import itertools
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.utils import timezone

from annotation.models import (
    Annotator,
    Assignment,
    AssignmentState,
    Choice,
    Comparison,
    ComparisonKind,
    Criterion,
    Membership,
    Prompt,
    Response,
    Role,
    Scale,
    Study,
    StudyState,
    StudyVersion,
    System,
    User,
    Verdict,
    Vote,
    VoteSource,
)
from judging.models import Judge, JudgeVersion, Judgment, Order

PASSWORD = "correct horse battery staple"

numbers = itertools.count(1)

UNSWAPPED = {
    (Choice.LEFT, False): Verdict.A,
    (Choice.RIGHT, False): Verdict.B,
    (Choice.LEFT, True): Verdict.B,
    (Choice.RIGHT, True): Verdict.A,
}


def make_user(username: str | None = None, **fields: Any) -> User:
    """An account whose password is `PASSWORD`."""
    user = User(username=username or f"user{next(numbers)}@example.org", **fields)
    user.set_password(PASSWORD)
    user.save()
    return user


def make_study(slug: str | None = None, **fields: Any) -> Study:
    """A draft with the criterion `overall`; another `state` also sets `opened_at`."""
    if fields.get("state", StudyState.DRAFT) != StudyState.DRAFT:
        fields.setdefault("opened_at", timezone.now())
    study = Study.objects.create(slug=slug or f"study-{next(numbers)}", **fields)
    make_criterion(study, Criterion.OVERALL, both_bad=True)
    return study


def make_open_study(slug: str | None = None, **fields: Any) -> Study:
    """An open study with its first version."""
    study = make_study(slug, state=StudyState.OPEN, **fields)
    make_study_version(study)
    return study


def make_study_version(study: Study, number: int | None = None, **fields: Any) -> StudyVersion:
    fields.setdefault("snapshot", {})
    fields.setdefault("content_hash", "0" * 64)
    return StudyVersion.objects.create(
        study=study, number=study.versions.count() + 1 if number is None else number, **fields
    )


def make_criterion(study: Study, key: str | None = None, **fields: Any) -> Criterion:
    fields.setdefault("scale", Scale.TERNARY)
    fields.setdefault("question", "Which response is better?")
    return Criterion.objects.create(study=study, key=key or f"criterion{next(numbers)}", **fields)


def make_membership(
    study: Study, role: Role = Role.RESEARCHER, user: User | None = None
) -> Membership:
    return Membership.objects.create(study=study, role=role, user=user or make_user())


def make_annotator(study: Study, user: User | None = None, **fields: Any) -> Annotator:
    """An annotator; with `user`, that account is also a member with the role annotator."""
    if user is not None:
        Membership.objects.get_or_create(study=study, user=user, role=Role.ANNOTATOR)
    return Annotator.objects.create(study=study, user=user, **fields)


def make_prompt(study: Study, prompt_id: str | None = None, **fields: Any) -> Prompt:
    number = next(numbers)
    fields.setdefault("text", "" if "messages" in fields else f"Question number {number}?")
    return Prompt.objects.create(study=study, prompt_id=prompt_id or f"p{number}", **fields)


def make_system(study: Study, name: str | None = None, **fields: Any) -> System:
    return System.objects.create(study=study, name=name or f"system-{next(numbers)}", **fields)


def make_response(prompt: Prompt, system: System, **fields: Any) -> Response:
    fields.setdefault("text", f"Answer number {next(numbers)}.")
    return Response.objects.create(prompt=prompt, system=system, **fields)


def find_or_make_system(study: Study, system: System | str) -> System:
    if isinstance(system, System):
        return system
    return System.objects.get_or_create(study=study, name=system)[0]


def make_comparison(
    study: Study,
    system_a: System | str = "alpha",
    system_b: System | str = "beta",
    *,
    prompt: Prompt | None = None,
    response_a: Response | None = None,
    response_b: Response | None = None,
    **fields: Any,
) -> Comparison:
    """A comparison of two systems (found or made by name) on a new or given prompt.

    It is not open to the queue: pass `open=True, open_seq=…` for that.
    """
    a, b = find_or_make_system(study, system_a), find_or_make_system(study, system_b)
    prompt = prompt or make_prompt(study)
    response_a = response_a or make_response(prompt, a)
    response_b = response_b or make_response(prompt, b)
    fields.setdefault("item_id", f"item{next(numbers)}")
    return Comparison.objects.create(
        study=study,
        prompt=prompt,
        response_a=response_a,
        response_b=response_b,
        system_a=response_a.system,
        system_b=response_b.system,
        **fields,
    )


def latest_version(study: Study) -> StudyVersion:
    return study.versions.order_by("-number").first() or make_study_version(study)


def make_assignment(
    comparison: Comparison, annotator: Annotator | None = None, **fields: Any
) -> Assignment:
    """A reservation of the comparison; one of kind work and pass 0 takes the next free slot.

    The queue's counters on the comparison are left alone.
    """
    holds_slot = (
        comparison.kind == ComparisonKind.WORK
        and fields.get("pass_no", 0) == 0
        and fields.get("state", AssignmentState.RESERVED)
        in (AssignmentState.RESERVED, AssignmentState.SUBMITTED)
    )
    if holds_slot and "slot_no" not in fields:
        held = set(
            comparison.assignments.filter(slot_no__isnull=False).values_list("slot_no", flat=True)
        )
        fields["slot_no"] = next(
            (slot for slot in range(1, comparison.overlap + 1) if slot not in held), None
        )
    fields.setdefault("study_version", latest_version(comparison.study))
    fields.setdefault("kind", comparison.kind)
    fields.setdefault("overlap", comparison.overlap)
    fields.setdefault("swapped", False)
    fields.setdefault("lease_expires_at", timezone.now() + timedelta(minutes=30))
    return Assignment.objects.create(
        comparison=comparison, annotator=annotator or make_annotator(comparison.study), **fields
    )


def verdict_of(choice: Choice, swapped: bool) -> Verdict:
    return UNSWAPPED.get((choice, swapped)) or Verdict(choice.value)


def make_vote(
    comparison: Comparison,
    choice: Choice = Choice.LEFT,
    *,
    annotator: Annotator | None = None,
    assignment: Assignment | None = None,
    **fields: Any,
) -> Vote:
    """A collected vote, with a submitted assignment of its own unless one is given."""
    if assignment is None:
        assignment = make_assignment(comparison, annotator, state=AssignmentState.SUBMITTED)
    fields.setdefault("swapped", assignment.swapped)
    fields.setdefault("verdict", verdict_of(choice, fields["swapped"]))
    fields.setdefault("idempotency_key", uuid.uuid4())
    fields.setdefault("request_hash", hashlib.sha256(choice.encode()).hexdigest())
    return Vote.objects.create(
        source=VoteSource.COLLECTED,
        comparison=comparison,
        annotator=assignment.annotator,
        assignment=assignment,
        study_version=assignment.study_version,
        choice=choice,
        **fields,
    )


def make_imported_vote(
    comparison: Comparison,
    verdict: Verdict | str = Verdict.A,
    *,
    annotator: Annotator | None = None,
    **fields: Any,
) -> Vote:
    fields.setdefault("occurrence", 0)
    return Vote.objects.create(
        source=VoteSource.IMPORTED,
        comparison=comparison,
        annotator=annotator or make_annotator(comparison.study),
        verdict=verdict,
        **fields,
    )


def make_judge_version(study: Study, judge_id: str | None = None, **fields: Any) -> JudgeVersion:
    """A version of a judge whose labels were collected elsewhere."""
    judge, _ = Judge.objects.get_or_create(
        study=study, judge_id=judge_id or f"judge{next(numbers)}"
    )
    fields.setdefault("imported", True)
    fields.setdefault("content_hash", "0" * 64)
    return JudgeVersion.objects.create(judge=judge, number=judge.versions.count() + 1, **fields)


def make_asked_judge_version(study: Study, judge_id: str | None = None) -> JudgeVersion:
    """A version of a judge of the built-in simulator, with its endpoint."""
    from judging.judge_files import Instruction, ModelDraft
    from judging.judges import config_of
    from judging.models import Endpoint

    endpoint, _ = Endpoint.objects.get_or_create(
        study=study, name="simulator", base_url="simulator://built-in/v1"
    )
    model = ModelDraft("fair:delay=0", price={"input": "1", "cached_input": "1", "output": "2"})
    config = config_of(study, endpoint, Instruction("own", "Judge."), model, "general")
    return make_judge_version(study, judge_id, imported=False, config=config)


def make_judgment(
    comparison: Comparison,
    verdict: Verdict | str | None = Verdict.A,
    *,
    version: JudgeVersion | None = None,
    **fields: Any,
) -> Judgment:
    """An imported judgment; `verdict=None` is an unparsed reply."""
    fields.setdefault("order", Order.BOTH)
    fields.setdefault("missing", "unparsed" if verdict is None else "")
    return Judgment.objects.create(
        comparison=comparison,
        version=version or make_judge_version(comparison.study),
        verdict=verdict,
        **fields,
    )


def make_many_comparisons(
    study: Study, systems: Sequence[System], number: int, **fields: Any
) -> list[Comparison]:
    """So many comparisons of two systems, on a prompt each, in three statements.

    In the queue each has a place of its own: give `first_swapped` and it is numbered.
    """
    prompts = Prompt.objects.bulk_create(
        Prompt(study=study, prompt_id=f"many{count}", text="Why?") for count in range(number)
    )
    responses = Response.objects.bulk_create(
        Response(prompt=prompt, system=system, text="So.")
        for prompt in prompts
        for system in systems
    )
    return Comparison.objects.bulk_create(
        Comparison(
            study=study,
            item_id=f"many{count}",
            prompt=prompt,
            response_a=responses[2 * count],
            response_b=responses[2 * count + 1],
            system_a=systems[0],
            system_b=systems[1],
            open_seq=count if "first_swapped" in fields else None,
            **fields,
        )
        for count, prompt in enumerate(prompts)
    )
