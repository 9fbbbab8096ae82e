"""What annotators are asked: criteria with scale, levels and examples."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from itertools import count
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation.access import SignedInRequest
from annotation.lifecycle.rubric import MOST_CRITERIA, CriterionDraft, criteria_of, set_rubric
from annotation.lifecycle.study_file import LONGEST_KEY, LONGEST_QUESTION
from annotation.models import Criterion, Scale, Study

from .frame import StudioForm, readers_only, refuse_frozen, render_step, take_faults
from .rubric_templates import BY_KEY, TEMPLATES

MOST_LEVELS = 7
LONGEST_LEVEL = 2_000
SCALES = (
    (Scale.TERNARY, "Left, tie, right"),
    (Scale.BINARY, "Left or right, no tie"),
    (Scale.FIVE, "Five steps, the middle one is a tie"),
    (Scale.SEVEN, "Seven steps, the middle one is a tie"),
)
SCALE_WORDS = dict(SCALES)


class CriterionForm(StudioForm):
    """One question, with up to seven levels of what a response can be like."""

    question = forms.CharField(
        label="Question",
        max_length=LONGEST_QUESTION,
        help_text="Asked of the pair: “Which answer would you rather send?”",
        error_messages={"required": "Say what annotators shall decide."},
    )
    key = forms.CharField(
        label="Short name (optional)",
        required=False,
        max_length=LONGEST_KEY,
        help_text="Stands in files and the report. Without one it is made from the question.",
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"}),
    )
    scale = forms.ChoiceField(label="Scale", choices=SCALES, widget=forms.RadioSelect)
    both_bad = forms.BooleanField(
        label="Offer “both are bad” as an answer of its own",
        required=False,
        help_text="Two bad responses are no tie: the report tells them apart.",
    )
    required = forms.BooleanField(label="An answer is required", required=False)

    def __init__(
        self, *args: Any, drafts: Sequence[CriterionDraft], own: CriterionDraft | None, **kw: Any
    ) -> None:
        if own is not None:
            kw.setdefault("initial", initial_of(own))
        else:
            kw.setdefault("initial", {"scale": Scale.TERNARY, "required": False})
        super().__init__(*args, **kw)
        self.drafts, self.own = drafts, own
        self.is_overall = own is not None and own.key == Criterion.OVERALL
        if self.is_overall:
            # Every study has it, and always asks it.
            del self.fields["key"], self.fields["required"]
        for number in range(1, MOST_LEVELS + 1):
            self.fields[f"level_{number}"] = forms.CharField(
                label=f"Level {number}", required=False, max_length=LONGEST_LEVEL
            )
            self.fields[f"example_{number}"] = forms.CharField(
                label=f"Example of level {number}",
                required=False,
                max_length=LONGEST_LEVEL,
                widget=forms.Textarea(attrs={"rows": 2}),
            )
            self.fields[f"reason_{number}"] = forms.CharField(
                label=f"Why the example is of level {number}",
                required=False,
                max_length=LONGEST_LEVEL,
            )

    def main_fields(self) -> list[forms.BoundField]:
        return [
            self[name]
            for name in ("question", "key", "scale", "both_bad", "required")
            if name in self.fields
        ]

    def level_rows(self) -> list[dict[str, Any]]:
        return [
            {
                "number": number,
                "level": self[f"level_{number}"],
                "example": self[f"example_{number}"],
                "reason": self[f"reason_{number}"],
            }
            for number in range(1, MOST_LEVELS + 1)
        ]

    def clean(self) -> dict[str, Any]:
        super().clean()
        for number in range(1, MOST_LEVELS + 1):
            level, example, reason = (
                self.cleaned_data.get(f"{name}_{number}") for name in ("level", "example", "reason")
            )
            if example and not level:
                self.add_error(f"level_{number}", "An example needs the level that it is of.")
            if reason and not example:
                self.add_error(f"example_{number}", "A reason needs the example that it is of.")
        if not self.is_overall:
            key = self.cleaned_data.get("key") or ""
            if self.own is not None and (self.fields["key"].disabled or key == self.own.key):
                # Keys that came from a file or the API may be written otherwise, and stay.
                key = self.own.key
            else:
                key = slugify(key).replace("-", "_") or self.free_key()
            others = {draft.key for draft in self.drafts if draft is not self.own}
            if key in others:
                self.add_error("key", f"There is a criterion “{key}” already.")
            self.cleaned_data["key"] = key
        return self.cleaned_data

    def free_key(self) -> str:
        words = slugify(self.cleaned_data.get("question") or "").replace("-", "_")
        stem = words[: LONGEST_KEY - 4].strip("_") or "criterion"
        taken = {draft.key for draft in self.drafts if draft is not self.own}
        number, key = 1, stem
        while key in taken:
            number += 1
            key = f"{stem}_{number}"
        return key

    def draft(self) -> CriterionDraft:
        """The criterion as it was typed; levels keep their identifiers by their place."""
        data = self.cleaned_data
        before = () if self.own is None else self.own.levels
        levels: list[dict[str, Any]] = []
        taken = {str(entry.get("id")) for entry in before}
        for number in range(1, MOST_LEVELS + 1):
            if not data[f"level_{number}"]:
                continue
            known = dict(before[number - 1]) if number <= len(before) else {}
            identifier = known.get("id")
            if not identifier:
                # Not the place: after a level was taken out, another may have that number.
                identifier = next(free for n in count(1) if (free := str(n)) not in taken)
                taken.add(identifier)
            entry = {
                **known,
                "id": identifier,
                "description": data[f"level_{number}"],
            }
            for name in ("example", "reason"):
                entry.pop(name, None)
                if data[f"{name}_{number}"]:
                    entry[name] = data[f"{name}_{number}"]
            levels.append(entry)
        # The form has no room for more of them: those of files and the API stay as they are.
        levels.extend(dict(entry) for entry in before[MOST_LEVELS:])
        return CriterionDraft(
            key=Criterion.OVERALL if self.is_overall else data["key"],
            question=data["question"],
            scale=data["scale"],
            both_bad=data["both_bad"],
            required=True if self.is_overall else data["required"],
            levels=tuple(levels),
        )


def initial_of(draft: CriterionDraft) -> dict[str, Any]:
    found: dict[str, Any] = {
        "question": draft.question,
        "key": draft.key,
        "scale": draft.scale,
        "both_bad": draft.both_bad,
        "required": draft.required,
    }
    for number, entry in enumerate(draft.levels[:MOST_LEVELS], start=1):
        found[f"level_{number}"] = entry.get("description", "")
        found[f"example_{number}"] = entry.get("example", "")
        found[f"reason_{number}"] = entry.get("reason", "")
    return found


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
    answer = stored_or_back(request, study, template.criteria)
    if answer.status_code == FOUND:
        # The page looks the same where the rubric was this one before.
        messages.success(request, f"The rubric is now: {template.label}.")
    return answer


def stored_or_back(
    request: SignedInRequest, study: Study, drafts: Sequence[CriterionDraft]
) -> HttpResponse:
    """Store the criteria; where votes forbid it, say so on the page."""
    try:
        set_rubric(study, drafts, request.user)
    except ValidationError as fault:
        return rubric_page(request, study, fault.messages)
    return redirect("studio:rubric", slug=study.slug)


def criterion_page(
    request: SignedInRequest, study: Study, own: CriterionDraft | None
) -> HttpResponse:
    drafts = criteria_of(study)
    own = None if own is None else next(draft for draft in drafts if draft.key == own.key)
    form = CriterionForm(request.POST if request.method == "POST" else None, drafts=drafts, own=own)
    if request.method == "POST" and form.is_valid():
        made = form.draft()
        changed = (
            [*drafts, made]
            if own is None
            else [made if draft is own else draft for draft in drafts]
        )
        try:
            set_rubric(study, changed, request.user)
        except ValidationError as fault:
            take_faults(form, fault)
        else:
            return redirect("studio:rubric", slug=study.slug)
    return render_step(request, study, "rubric", "criterion", {"form": form, "criterion": own})


@require_http_methods(["GET", "HEAD", "POST"])
@readers_only
@refuse_frozen("rubric")
def new_criterion(request: SignedInRequest, study: Study) -> HttpResponse:
    """Add a question."""
    return criterion_page(request, study, None)


@require_http_methods(["GET", "HEAD", "POST"])
@readers_only
@refuse_frozen("rubric")
def criterion(request: SignedInRequest, study: Study, key: str) -> HttpResponse:
    """Change a question."""
    return criterion_page(request, study, find(study, key))


def find(study: Study, key: str) -> CriterionDraft:
    for draft in criteria_of(study):
        if draft.key == key:
            return draft
    raise Http404("The rubric has no such criterion.")


@require_POST
@readers_only
@refuse_frozen("rubric")
def move_criterion(request: SignedInRequest, study: Study, key: str) -> HttpResponse:
    """Move a question up by one place, or take it out."""
    drafts = criteria_of(study)
    place = next((number for number, draft in enumerate(drafts) if draft.key == key), None)
    if place is None:
        raise Http404("The rubric has no such criterion.")
    if "remove" in request.POST and key != Criterion.OVERALL:
        del drafts[place]
    elif place > 0:
        drafts[place - 1], drafts[place] = drafts[place], drafts[place - 1]
    return stored_or_back(request, study, [dataclasses.replace(draft) for draft in drafts])
