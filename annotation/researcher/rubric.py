"""What annotators are asked: criteria with scale, levels and examples."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation.access import SignedInRequest
from annotation.lifecycle.rubric import (
    MOST_CRITERIA,
    CriterionDraft,
    RubricChange,
    criteria_of,
    set_rubric,
)
from annotation.models import Criterion, Scale, Study

from .criterion_form import (
    SCALE_WORDS,
    CriterionForm,
    difference_in,
    said_of,
    sent_back_of,
)
from .frame import readers_only, refuse_frozen, render_step, take_faults
from .meanwhile import (
    SHOWN,
    MovedMeanwhileError,
    as_field,
    digest_of,
    seen_in,
    sides,
    tell_moved,
)
from .question_levels import with_own_ids
from .rubric_templates import BY_KEY, TEMPLATES

GONE = (
    "This question is not there any more: somebody took it out, or gave it another short name, "
    "after you had opened the page. What you typed stands below; save to add it as a further "
    "question."
)
MOVED = (
    "Somebody else changed the questions after you had opened the page. They stand below as they "
    "are now; choose again."
)


class GoneMeanwhileError(Exception):
    """The question that was to be changed is not there any more."""


class RubricMovedError(Exception):
    """The rubric is no more the one that was shown."""


@require_safe
@readers_only
def rubric(request: SignedInRequest, study: Study) -> HttpResponse:
    """The criteria, in their order, and rubrics to begin with."""
    return rubric_page(request, study)


def rubric_page(request: SignedInRequest, study: Study, faults: Sequence[str] = ()) -> HttpResponse:
    drafts = criteria_of(study)
    return render_step(
        request,
        study,
        "rubric",
        "rubric",
        {
            "criteria": [
                {"draft": draft, "scale": SCALE_WORDS[Scale(draft.scale)]} for draft in drafts
            ],
            "templates": TEMPLATES,
            "may_add": len(drafts) < MOST_CRITERIA,
            "overall": Criterion.OVERALL,
            "faults": faults,
            "shown": digest_of([said_of(draft) for draft in drafts]),
        },
        status=422 if faults else 200,
    )


FOUND = 302


@require_POST
@readers_only
@refuse_frozen("rubric")
def take_template(request: SignedInRequest, study: Study) -> HttpResponse:
    """Replace the criteria by those of a template."""
    template = BY_KEY.get(request.POST.get("template", ""))
    if template is None:
        raise Http404("There is no such rubric to begin with.")

    def taken(stored: Sequence[CriterionDraft]) -> Sequence[CriterionDraft]:
        check_shown(request, stored)
        return template.criteria

    answer = stored_or_back(request, study, taken)
    if answer.status_code == FOUND:
        # The page looks the same where the rubric was this one before.
        messages.success(request, f"The rubric is now: {template.label}.")
    return answer


def check_shown(request: SignedInRequest, stored: Sequence[CriterionDraft]) -> None:
    """Raise RubricMovedError where a question that nobody saw would go."""
    shown = request.POST.get(SHOWN)
    if shown is not None and shown != digest_of([said_of(draft) for draft in stored]):
        raise RubricMovedError


def stored_or_back(request: SignedInRequest, study: Study, change: RubricChange) -> HttpResponse:
    """Store the criteria; where that must not be, say so on the page."""
    try:
        set_rubric(study, change, request.user)
    except RubricMovedError:
        return rubric_page(request, study, [MOVED])
    except ValidationError as fault:
        return rubric_page(request, study, fault.messages)
    return redirect("studio:rubric", slug=study.slug)


@require_http_methods(["GET", "HEAD", "POST"])
@readers_only
@refuse_frozen("rubric")
def new_criterion(request: SignedInRequest, study: Study) -> HttpResponse:
    """Add a question."""
    form = CriterionForm(
        request.POST if request.method == "POST" else None, drafts=criteria_of(study), own=None
    )
    if request.method == "POST" and form.is_valid():
        made = form.draft()
        try:
            set_rubric(study, lambda stored: [*stored, made], request.user)
        except ValidationError as fault:
            take_faults(form, fault)
        else:
            return redirect("studio:rubric", slug=study.slug)
    return render_step(request, study, "rubric", "criterion", {"form": form, "criterion": None})


@require_http_methods(["GET", "HEAD", "POST"])
@readers_only
@refuse_frozen("rubric")
def criterion(request: SignedInRequest, study: Study, key: str) -> HttpResponse:
    """Change a question."""
    drafts = criteria_of(study)
    own = next((draft for draft in drafts if draft.key == key), None)
    if request.method != "POST":
        if own is None:
            raise Http404("The rubric has no such criterion.")
        form = CriterionForm(drafts=drafts, own=own)
        shown = as_field(said_of(sent_back_of(own)))
        return criterion_page(request, study, form, {"criterion": own, "shown": shown})
    if own is None:
        return gone_page(request, study)
    form = CriterionForm(request.POST, drafts=drafts, own=own)
    context: dict[str, Any] = {"criterion": own, "shown": request.POST.get(SHOWN, "")}
    if form.is_valid():
        try:
            set_rubric(study, with_question(key, form, seen_in(request.POST)), request.user)
        except GoneMeanwhileError:
            return gone_page(request, study)
        except MovedMeanwhileError as moved:
            context |= tell_moved(form, request.POST, moved)
        except ValidationError as fault:
            take_faults(form, fault)
        else:
            return redirect("studio:rubric", slug=study.slug)
    return criterion_page(request, study, form, context)


def criterion_page(
    request: SignedInRequest, study: Study, form: CriterionForm, context: Mapping[str, Any]
) -> HttpResponse:
    return render_step(request, study, "rubric", "criterion", {"form": form, **context})


def gone_page(request: SignedInRequest, study: Study) -> HttpResponse:
    """What was typed of a question that is gone, as a further one."""
    form = CriterionForm(request.POST, drafts=criteria_of(study), own=None)
    form.add_error(None, GONE)
    return criterion_page(request, study, form, {"criterion": None, "is_gone": True})


def with_question(key: str, form: CriterionForm, seen: Mapping[str, str] | None) -> RubricChange:
    """The rubric with what was changed of one question on its page."""
    made, shown = form.draft(), form.ids_shown()

    def change(stored: Sequence[CriterionDraft]) -> list[CriterionDraft]:
        now = next((draft for draft in stored if draft.key == key), None)
        if now is None:
            raise GoneMeanwhileError
        mine, theirs = said_of(made), said_of(sent_back_of(now))
        kept, moved = sides(mine, theirs, seen)
        if moved:
            raise MovedMeanwhileError(
                [difference_in(name, theirs[name], mine[name]) for name in moved],
                {name: digest_of(theirs[name]) for name in moved},
            )
        settled = dataclasses.replace(made, levels=with_own_ids(made.levels, now.levels, shown))
        together = dataclasses.replace(settled, **{name: getattr(now, name) for name in kept})
        return [together if draft is now else draft for draft in stored]

    return change


@require_POST
@readers_only
@refuse_frozen("rubric")
def move_criterion(request: SignedInRequest, study: Study, key: str) -> HttpResponse:
    """Move a question up by one place, or take it out."""
    if key not in {draft.key for draft in criteria_of(study)}:
        raise Http404("The rubric has no such criterion.")
    is_removed = "remove" in request.POST and key != Criterion.OVERALL

    def moved(stored: Sequence[CriterionDraft]) -> list[CriterionDraft]:
        drafts = list(stored)
        place = next((number for number, draft in enumerate(drafts) if draft.key == key), None)
        if place is None:
            return drafts
        if is_removed:
            check_shown(request, stored)
            del drafts[place]
        elif place > 0:
            drafts[place - 1], drafts[place] = drafts[place], drafts[place - 1]
        return drafts

    return stored_or_back(request, study, moved)
