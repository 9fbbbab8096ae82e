"""The steps of setting a study up, and how far each of them is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Exists, OuterRef, Q
from django.urls import reverse

from annotation.models import (
    Annotator,
    AnnotatorState,
    Comparison,
    ComparisonKind,
    Criterion,
    Response,
    Study,
)


class StepState(StrEnum):
    """How far a step is; written out beside its name."""

    DONE = "done"
    TO_DO = "to do"
    AS_GIVEN = "as given"  # can be left so
    OPTIONAL = "optional"


TONES = {StepState.DONE: "status--ok"}


@dataclass(frozen=True, slots=True)
class Step:
    """A step and the page it is done on."""

    key: str
    label: str

    @property
    def route(self) -> str:
        return f"studio:{self.key}"


STEPS = (
    Step("basics", "Name and instructions"),
    Step("content", "Content"),
    Step("rubric", "Rubric"),
    Step("design", "Design"),
    Step("people", "People"),
    Step("dry_run", "Dry run"),
    Step("open", "Open"),
)
KEYS = tuple(step.key for step in STEPS)


@dataclass(frozen=True, slots=True)
class StepLink:
    """A step in the list beside the page."""

    label: str
    url: str
    state: StepState
    is_current: bool

    @property
    def tone(self) -> str:
        return TONES.get(self.state, "")


def states_of(study: Study) -> dict[str, StepState]:
    """How far each step is, by its key. One query, whatever the study's size."""
    of_study = {"study": OuterRef("pk")}
    asked = Criterion.objects.filter(**of_study)
    seen = (
        Study.objects.filter(pk=study.pk)
        .annotate(
            has_content=Exists(Response.objects.filter(prompt__study=OuterRef("pk"))),
            has_pairs=Exists(Comparison.objects.filter(kind=ComparisonKind.WORK, **of_study)),
            # Somebody wrote a question, or added one.
            has_rubric=Exists(
                asked.exclude(key=Criterion.OVERALL, question=Criterion.GIVEN_QUESTION)
            )
            | Exists(asked.filter(~Q(levels=[]))),
            has_people=Exists(
                Annotator.objects.filter(**of_study).exclude(state=AnnotatorState.REMOVED)
            ),
        )
        .values("has_content", "has_pairs", "has_rubric", "has_people")
        .get()
    )
    done = {
        "basics": bool(study.title and study.instructions.strip()),
        "content": seen["has_content"],
        "design": seen["has_pairs"],
        "people": seen["has_people"],
        "open": study.was_opened,
    }
    return {
        **{key: StepState.DONE if is_so else StepState.TO_DO for key, is_so in done.items()},
        "rubric": StepState.DONE if seen["has_rubric"] else StepState.AS_GIVEN,
        "dry_run": StepState.OPTIONAL,
    }


def list_steps(study: Study, current: str) -> list[StepLink]:
    """The steps in their order, with their addresses and states."""
    states = states_of(study)
    return [
        StepLink(
            step.label,
            reverse(step.route, kwargs={"slug": study.slug}),
            states[step.key],
            step.key == current,
        )
        for step in STEPS
    ]


def next_step(study: Study) -> str:
    """The route of the first step that is to be done; the last one where none is."""
    states = states_of(study)
    key = next((step.key for step in STEPS if states[step.key] == StepState.TO_DO), KEYS[-1])
    return f"studio:{key}"


def step_after(key: str) -> str:
    """The route of the step after another."""
    return f"studio:{KEYS[min(KEYS.index(key) + 1, len(KEYS) - 1)]}"
