"""Changing a study that was opened, by a further version: texts, questions, rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from annotation.access import SignedInRequest
from annotation.lifecycle.generation import MAX_OVERLAP
from annotation.lifecycle.refusals import LifecycleError
from annotation.lifecycle.rubric import MOST_CRITERIA, CriterionDraft, criteria_of
from annotation.lifecycle.study_file import LONGEST_TITLE
from annotation.lifecycle.versions import change_study
from annotation.models import Scale, Study

from .basics import LONGEST_INSTRUCTIONS, TextsFields, texts_of
from .frame import readers_only, render_step, take_faults
from .patience import patient_database
from .quality_form import QualityForm
from .routing_form import RoutingForm
from .rubric import SCALE_WORDS, CriterionForm
from .rule_forms import AskingForm, ChecksForm, RulesForm
from .running import RUNNING, ReasonForm

QUESTIONS = "questions"
PAIRS = "pairs"


class TextsForm(TextsFields, ReasonForm):
    """What may change of an opened study beside its rules."""

    title = forms.CharField(label="Name of the study", max_length=LONGEST_TITLE)
    instructions = forms.CharField(
        label="Instructions",
        required=False,
        max_length=LONGEST_INSTRUCTIONS,
        widget=forms.Textarea(attrs={"rows": 12}),
    )
    overlap = forms.IntegerField(
        label="Votes on each pair",
        required=False,
        min_value=1,
        max_value=MAX_OVERLAP,
        help_text="Can only be raised. Empty: as it is.",
    )
    field_order = ("title", "instructions", "language", "notice", "overlap", "reason")


PARTS = (
    ("texts", "Texts and overlap"),
    (QUESTIONS, "Questions"),
    (PAIRS, "Further pairs"),
    ("checks", "Order, checks, limits"),
    ("asking", "Beside the questions"),
    ("quality", "Quality rules"),
    ("routing", "Who rates, who decides"),
)
RULE_FORMS: Mapping[str, type[RulesForm]] = {
    "checks": ChecksForm,
    "asking": AskingForm,
    "quality": QualityForm,
    "routing": RoutingForm,
}


@require_http_methods(["GET", "HEAD", "POST"])
@readers_only
def change(request: SignedInRequest, study: Study, part: str = "texts") -> HttpResponse:
    """Give the study a further version."""
    if study.state not in RUNNING:
        return redirect("studio:running", slug=study.slug)
    if part not in dict(PARTS):
        raise Http404("There is no such part.")
    if part == QUESTIONS:
        return questions_page(request, study)
    posted = request.POST if request.method == "POST" else None
    reason = ReasonForm(posted)
    rules: RulesForm | None = None
    if part == "texts":
        reason = TextsForm(posted, initial=texts_of(study))
    else:
        rules = RULE_FORMS[part](study, posted)
        for name in getattr(rules, "for_good", ()):
            # It was settled when the study opened.
            rules.fields[name].disabled = True
    valid = reason.is_valid() and (rules is None or rules.is_valid())
    if request.method == "POST" and valid:
        done = changed(request, study, reason, **wanted(study, reason, rules))
        if done is not None:
            return done
    has_errors = bool(reason.errors) or (rules is not None and bool(rules.errors))
    return render_step(
        request,
        study,
        "open",
        "change",
        {"reason": reason, "rules": rules, "part": part, "change_parts": PARTS},
        status=422 if request.method == "POST" and has_errors else 200,
    )


def wanted(study: Study, reason: ReasonForm, rules: RulesForm | None) -> dict[str, Any]:
    if rules is not None:
        return {"rules": rules.rules(), **rules.settings()}
    assert isinstance(reason, TextsForm)  # noqa: S101  # without rules it is this form
    data = reason.cleaned_data
    return {
        "notice": data["notice"],
        "rules": reason.changed_rules(study.rules),
        "title": data["title"],
        "instructions": data["instructions"],
        **({"overlap": data["overlap"]} if data["overlap"] is not None else {}),
    }


def changed(
    request: SignedInRequest, study: Study, reason: ReasonForm, **wishes: Any
) -> HttpResponse | None:
    """Make the version, and go back; what was refused stands above the form."""
    try:
        with patient_database():
            done = change_study(study, request.user, reason=reason.cleaned_data["reason"], **wishes)
    except (LifecycleError, ValidationError) as fault:
        take_faults(reason, fault)
        return None
    if done.version is None:
        messages.info(request, "The study is so already; nothing was changed.")
    else:
        lines = "; ".join(done.lines)
        messages.success(request, f"Version {done.version.number}: {lines}.")
    return redirect("studio:running", slug=study.slug)


def questions_page(request: SignedInRequest, study: Study) -> HttpResponse:
    """The questions of an opened study, each with the way to change it."""
    drafts = criteria_of(study)
    return render_step(
        request,
        study,
        "open",
        "change_questions",
        {
            "criteria": [
                {"draft": draft, "scale": SCALE_WORDS[Scale(draft.scale)]} for draft in drafts
            ],
            "may_add": len(drafts) < MOST_CRITERIA,
            "part": QUESTIONS,
            "change_parts": PARTS,
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
@readers_only
def change_question(request: SignedInRequest, study: Study, key: str = "") -> HttpResponse:
    """Change a question of an opened study, or add one, by a further version."""
    if study.state not in RUNNING:
        return redirect("studio:running", slug=study.slug)
    drafts = criteria_of(study)
    own = next((draft for draft in drafts if draft.key == key), None)
    if key and own is None:
        raise Http404("The rubric has no such criterion.")
    posted = request.POST if request.method == "POST" else None
    form = CriterionForm(posted, drafts=drafts, own=own)
    for name in settled(own):
        if name in form.fields:
            form.fields[name].disabled = True
    reason = ReasonForm(posted)
    # Both, so that all faults are told at once.
    if all([form.is_valid(), reason.is_valid()]):
        made = form.draft()
        criteria = [made if draft is own else draft for draft in drafts]
        done = changed(
            request, study, reason, criteria=criteria if own is not None else [*drafts, made]
        )
        if done is not None:
            return done
    return render_step(
        request,
        study,
        "open",
        "change_question",
        {"form": form, "reason": reason, "criterion": own, "part": QUESTIONS},
        status=422 if posted is not None else 200,
    )


def settled(own: CriterionDraft | None) -> tuple[str, ...]:
    """The fields of a question that its votes hold fast."""
    if own is None:
        return ()
    return (
        ("key", "scale", "both_bad") if own.required else ("key", "scale", "both_bad", "required")
    )
