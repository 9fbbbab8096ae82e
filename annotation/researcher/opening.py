"""The checklist, and opening the study."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from annotation.access import SignedInRequest
from annotation.jobs import putting_off
from annotation.lifecycle.readiness import (
    faults_of_gold,
    faults_of_rubric,
    faults_of_work,
    list_components,
    list_warnings,
)
from annotation.lifecycle.refusals import LifecycleError
from annotation.lifecycle.rules_readiness import faults_of_reading, faults_of_rules
from annotation.models import (
    Annotator,
    Comparison,
    ComparisonKind,
    JobKind,
    Prompt,
    Study,
    StudyJob,
)

from .content import REPRESENTATIVE_PROMPTS, equal_pairs
from .frame import readers_only, render_step
from .jobs import job_on_page, ring_where_asked
from .patience import patient_database

OPENED = "The study is open. Version 1 holds what its votes are collected under."
FAULT, WARNING, FINE = "fault", "warning", "fine"
WORDS = {FAULT: "Blocks", WARNING: "Look at", FINE: "Ready"}
TONES = {FAULT: "status--error", WARNING: "status--warning", FINE: "status--ok"}


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the checklist, with the page on which it is mended."""

    kind: str
    text: str
    route: str
    label: str

    @property
    def word(self) -> str:
        return WORDS[self.kind]

    @property
    def tone(self) -> str:
        return TONES[self.kind]


NO_CONTENT = "There is nothing to rate yet: upload what the systems wrote."


def checklist_of(study: Study) -> list[Item]:
    """Every fault first, then what may not be meant, then what is ready."""
    if faults := faults_of_reading(study):
        return [Item(FAULT, fault, "studio:checks", "Rules") for fault in faults]
    has_work = Comparison.objects.filter(study=study, kind=ComparisonKind.WORK).exists()
    groups = list_components(study) if has_work else []
    empty = not has_work and not Prompt.objects.filter(study=study).exists()
    work = [] if empty else work_faults(study, has_work=has_work, groups=groups)
    parts = {
        ("studio:rubric", "Rubric"): faults_of_rubric(study),
        ("studio:content", "Content"): [NO_CONTENT] if empty else faults_of_gold(study),
        ("studio:design", "Design"): work,
        ("studio:checks", "Checks and limits"): faults_of_rules(study),
    }
    blocking = [
        Item(FAULT, fault, route, label)
        for (route, label), found in parts.items()
        for fault in found
    ]
    fine = [
        Item(FINE, f"{label}: nothing stands in the way.", route, label)
        for (route, label), found in parts.items()
        # Without content there is no design either.
        if not found and not (empty and route == "studio:design")
    ]
    return [*blocking, *warnings_of(study, groups), *fine]


def work_faults(study: Study, *, has_work: bool, groups: list[tuple[str, ...]]) -> list[str]:
    """As the study's own check has it, without the commands."""
    if not has_work:
        return ["There is nothing to rate yet: generate the pairs."]
    # What it says of groups that never meet can be overruled here, by a box.
    return faults_of_work(study, allow_disconnected=True) if len(groups) > 1 else []


def warnings_of(study: Study, groups: list[tuple[str, ...]]) -> list[Item]:
    found = []
    if len(groups) > 1:
        listed = "; ".join(", ".join(group) for group in groups)
        found.append(
            Item(
                WARNING,
                f"The systems fall into {len(groups)} groups that never meet: {listed}. Their "
                "strengths cannot be compared.",
                "studio:design",
                "Design",
            )
        )
    prompts = Prompt.objects.filter(study=study).count()
    if 0 < prompts < REPRESENTATIVE_PROMPTS:
        found.append(
            Item(
                WARNING,
                f"There are {prompts} prompts. Below {REPRESENTATIVE_PROMPTS} representative ones "
                "a result speaks of these prompts more than of the work.",
                "studio:content",
                "Content",
            )
        )
    if same := equal_pairs(study):
        found.append(
            Item(
                WARNING,
                f"{same:,} pairs have two equal responses; a tie is the only answer, and it costs "
                "votes.",
                "studio:design",
                "Design",
            )
        )
    if not Annotator.objects.filter(study=study, user__isnull=False).exists():
        found.append(Item(WARNING, "Nobody is there to rate yet.", "studio:people", "People"))
    for warning in list_warnings(study):
        if "no instructions" in warning:
            found.append(Item(WARNING, warning, "studio:basics", "Name and instructions"))
        elif "people" in warning or "annotator" in warning.split(":")[0]:
            found.append(Item(WARNING, warning, "studio:people", "People"))
        elif "in no comparison" in warning:
            found.append(Item(WARNING, warning, "studio:design", "Design"))
        else:
            found.append(Item(WARNING, warning, "studio:checks", "Rules and content"))
    return found


@require_http_methods(["GET", "HEAD", "POST"])
@readers_only
def open_page(request: SignedInRequest, study: Study) -> HttpResponse:
    """What stands in the way; and, where nothing does, the button."""
    if study.was_opened:
        return redirect("studio:running", slug=study.slug)
    fault = ""
    if request.method == "POST":
        try:
            with patient_database():
                asked = putting_off.ask_to_open(
                    study, request.user, allow_disconnected="allow_disconnected" in request.POST
                )
        except LifecycleError as refused:
            # The list below says the same, line by line.
            fault = str(refused).splitlines()[0]
            study.refresh_from_db()
        else:
            ring_where_asked(asked)
            if isinstance(asked, StudyJob):
                return redirect("studio:open", slug=study.slug)
            messages.success(request, OPENED)
            return redirect("studio:running", slug=study.slug)
    at_work = job_on_page(study, JobKind.OPENING)
    if at_work["job"] is not None:
        # The checklist was looked at when this was asked for.
        return render_step(
            request, study, "open", "open", {**at_work, "items": []}, status=422 if fault else 200
        )
    with patient_database():
        items = checklist_of(study)
    disconnected = any("never meet" in item.text for item in items)
    return render_step(
        request,
        study,
        "open",
        "open",
        {
            "items": [
                {"item": item, "url": reverse(item.route, kwargs={"slug": study.slug})}
                for item in items
            ],
            "blocked": any(item.kind == FAULT for item in items),
            "disconnected": disconnected,
            "fault": fault,
            **at_work,
        },
        status=422 if fault else 200,
    )
