"""A study that is watched: opened, with votes of every kind, and who may look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.test import Client
from django.urls import reverse

from annotation.lifecycle.opening import open_study
from annotation.models import (
    Annotator,
    Assignment,
    AssignmentState,
    Choice,
    Comparison,
    ComparisonKind,
    Exclusion,
    Flag,
    Role,
    SkipReason,
    Study,
)
from tests.factories import (
    make_annotator,
    make_assignment,
    make_comparison,
    make_membership,
    make_prompt,
    make_response,
    make_study,
    make_system,
    make_user,
    make_vote,
)

NAMES = ("canary-north", "canary-south", "canary-west")
CATEGORIES = ("law", "poems")


@dataclass
class Watched:
    """The study, its comparisons of work, and its annotators."""

    study: Study
    work: list[Comparison]
    people: list[Annotator]

    def client(self, role: Role | None = Role.RESEARCHER) -> Client:
        """Somebody with the role; None for an outsider."""
        user = make_user()
        if role is not None:
            make_membership(self.study, role, user)
        client = Client()
        client.force_login(user)
        return client

    def url(self, name: str, **kwargs: Any) -> str:
        return reverse(name, kwargs={"slug": self.study.slug, **kwargs})


def make_watched(prompts: int = 4, people: int = 3, votes: int = 2, **fields: Any) -> Watched:
    """Three systems on some prompts of two categories; `votes` people answer every pair."""
    study = make_study(**fields)
    systems = [make_system(study, name) for name in NAMES]
    for number in range(prompts):
        prompt = make_prompt(study, category=CATEGORIES[number % len(CATEGORIES)])
        made = [make_response(prompt, system) for system in systems]
        for a, b in ((0, 1), (0, 2), (1, 2)):
            make_comparison(study, prompt=prompt, response_a=made[a], response_b=made[b])
    open_study(study)
    study.refresh_from_db()
    work = list(Comparison.objects.filter(study=study, kind=ComparisonKind.WORK).order_by("pk"))
    raters = [
        make_annotator(study, make_user(), external_id=f"rater-{number}")
        for number in range(people)
    ]
    for place, rater in enumerate(raters[:votes]):
        for number, comparison in enumerate(work):
            vote_on(comparison, rater, number + place)
    return Watched(study, work, raters)


CLICKS = (Choice.LEFT, Choice.RIGHT, Choice.LEFT, Choice.TIE)


def vote_on(comparison: Comparison, rater: Annotator, number: int) -> Assignment:
    assignment = make_assignment(
        comparison, rater, state=AssignmentState.SUBMITTED, swapped=bool(number % 2)
    )
    make_vote(comparison, CLICKS[number % 4], assignment=assignment, active_ms=9_000 + number)
    Comparison.objects.filter(pk=comparison.pk).update(
        taken=comparison.assignments.filter(slot_no__isnull=False).count(),
        open=comparison.assignments.filter(slot_no__isnull=False).count() < comparison.overlap,
    )
    rater.answered += 1
    rater.save(update_fields=["answered"])
    return assignment


def add_everything_else(world: Watched) -> None:
    """One row each of what is no counted vote."""
    study, last = world.study, world.people[-1]
    reserved, skipped, surplus = world.work[:3]
    make_assignment(reserved, last)
    Comparison.objects.filter(pk=reserved.pk).update(taken=3, open=False)
    make_assignment(
        skipped, last, state=AssignmentState.RELEASED, skip_reason=SkipReason.CANNOT_JUDGE
    )
    make_vote(
        surplus,
        assignment=make_assignment(surplus, last, state=AssignmentState.LATE_SURPLUS),
        late=True,
    )
    gold = make_comparison(study, *NAMES[:2], kind=ComparisonKind.GOLD, gold={"overall": ["a"]})
    make_vote(gold, Choice.RIGHT, annotator=last)
    held_out = world.work[5].assignments.order_by("pk")[0]
    Flag.objects.create(assignment=held_out, reason="harmful")
    Exclusion.objects.create(assignment=held_out, reason="Not tried.")
    Assignment.objects.filter(pk=held_out.pk).update(slot_no=None)
    Comparison.objects.filter(pk=world.work[5].pk).update(taken=1)
    again = make_assignment(
        world.work[1],
        world.people[0],
        state=AssignmentState.SUBMITTED,
        pass_no=1,
        swapped=True,
    )
    make_vote(world.work[1], Choice.TIE, assignment=again)
