"""Changing a study that was opened, by a further version: texts, questions, rules.

Only what somebody changed on a page is set. What others changed since the page was shown stays: the
form says which version it was shown with, and what it differs in from that one is what was wished.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from annotation.access import SignedInRequest
from annotation.frozen_rules import as_frozen
from annotation.jobs import putting_off
from annotation.jobs.steps import Problems
from annotation.lifecycle.generation import MAX_OVERLAP
from annotation.lifecycle.refusals import LifecycleError, MovedSinceError
from annotation.lifecycle.rubric import MOST_CRITERIA, CriterionDraft, criteria_of
from annotation.lifecycle.rule_changes import rules_between
from annotation.lifecycle.study_file import LONGEST_TITLE
from annotation.models import Scale, Study, StudyJob, StudyVersion

from .basics import LONGEST_INSTRUCTIONS, TextsFields, texts_of
from .criterion_form import SCALE_WORDS, CriterionForm
from .frame import readers_only, render_step, take_faults
from .jobs import ring_where_asked, told
from .meanwhile import (
    Difference,
    between,
    places_of,
    untouched,
)
from .patience import patient_database
from .quality_form import QualityForm
from .routing_form import RoutingForm
from .rule_forms import AskingForm, ChecksForm, RulesForm
from .running import ReasonForm
from .since_shown import (
    as_shown,
    changed_question,
    newest_version,
    question_in,
    question_moved_since,
    shown_version,
    tell,
    was_told,
    with_levels_of_its_own,
)

# Each but the last ends because somebody else changed the same within these milliseconds.
MOST_ATTEMPTS = 3
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
    if not study.is_running:
        return redirect("studio:running", slug=study.slug)
    if part not in dict(PARTS):
        raise Http404("There is no such part.")
    if part == QUESTIONS:
        return questions_page(request, study)
    reason, rules = forms_of(study, part, request.POST if request.method == "POST" else None)
    shown = shown_version(request, study)
    valid = reason.is_valid() and (rules is None or rules.is_valid())
    context: dict[str, Any] = {}
    if request.method == "POST" and valid:
        wishes = wanted(study, shown.snapshot, part, reason, rules)
        done = changed_or_told(
            request,
            study,
            reason,
            lambda newest: moved_since(study, shown, newest, part, reason, rules, wishes),
            lambda newest: wishes,
        )
        if isinstance(done, HttpResponse):
            return done
        context = done
    has_errors = bool(reason.errors) or (rules is not None and bool(rules.errors))
    return render_step(
        request,
        study,
        "open",
        "change",
        {
            "reason": reason,
            "rules": rules,
            "part": part,
            "change_parts": PARTS,
            "shown_version": shown.number,
            **context,
        },
        status=422 if request.method == "POST" and has_errors else 200,
    )


def forms_of(
    study: Study, part: str, posted: Mapping[str, Any] | None
) -> tuple[ReasonForm, RulesForm | None]:
    """The reason, with the texts where the part has them, and the rules of the part."""
    if part == "texts":
        return TextsForm(posted, initial=texts_of(study)), None
    rules = RULE_FORMS[part](study, posted)
    for name in getattr(rules, "for_good", ()):
        # It was settled when the study opened.
        rules.fields[name].disabled = True
    return ReasonForm(posted), rules


def wanted(
    study: Study,
    shown: Mapping[str, Any],
    part: str,
    reason: ReasonForm,
    rules: RulesForm | None,
) -> dict[str, Any]:
    """What was entered differently than it was shown, by the snapshot that the page began with."""
    sent = rules or reason
    assert isinstance(sent, RulesForm | TextsForm)  # noqa: S101  # without rules it is the texts
    _, settings, before = said_by(study, shown, part, reason)
    changes = rules_between(before, sent.changed_rules(as_frozen(shown["rules"])))
    overlap = reason.cleaned_data.get("overlap")
    return {
        **{name: value for name, value in sent.settings().items() if settings[name] != value},
        **({"change_rules": changes} if changes else {}),
        **({} if overlap is None else {"overlap": overlap}),
    }


def said_by(
    study: Study, snapshot: Mapping[str, Any], part: str, reason: ReasonForm
) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """The part's form as a version fills it, sent back as it is; what columns and rules it says."""

    def make(then: Study, posted: Mapping[str, Any] | None) -> RulesForm | ReasonForm:
        if posted is not None:
            posted = {**posted, "reason": reason.cleaned_data["reason"]}
        texts, rules = forms_of(then, part, posted)
        return rules or texts

    return untouched(make, as_shown(study, snapshot))


def moved_since(
    study: Study,
    shown: StudyVersion,
    newest: StudyVersion,
    part: str,
    reason: ReasonForm,
    rules: RulesForm | None,
    wishes: Mapping[str, Any],
) -> list[Difference]:
    """What is wished otherwise than somebody else has set it since the page was shown."""
    if newest.number == shown.number:
        return []
    sent: Any = rules or reason
    then = places_of(*said_by(study, shown.snapshot, part, reason)[1:])
    theirs, *said = said_by(study, newest.snapshot, part, reason)
    now = places_of(*said)
    mine = places_of(sent.settings(), sent.changed_rules(as_frozen(shown.snapshot["rules"])))
    touched = [
        *(name for name in wishes if name in mine),
        *(
            f"{section}.{name}"
            for section, values in wishes.get("change_rules", {}).items()
            for name in values
        ),
    ]
    return [
        difference
        for place in touched
        if now.get(place) not in (then.get(place), mine.get(place))
        for difference in between(theirs, sent, place)
    ]


def changed_or_told(
    request: SignedInRequest,
    study: Study,
    reason: ReasonForm,
    moved_in: Callable[[StudyVersion], list[Difference]],
    wished: Callable[[StudyVersion], Mapping[str, Any]],
) -> HttpResponse | dict[str, Any]:
    """Make the version, or say what the page is to tell.

    Nothing is held while it is compared. Where somebody else changes the same before the version
    is made, that is refused under the study's lock, and compared with theirs once more.

    Parameters
    ----------
    moved_in
        What is wished otherwise than somebody else has set it, by the newest version.
    wished
        The wishes beside that version.
    """
    for attempt in range(1, MOST_ATTEMPTS + 1):
        newest = newest_version(study)
        moved = [] if was_told(request, newest) else moved_in(newest)
        if moved:
            return tell(reason, moved, newest)
        try:
            done = changed(request, study, reason, compared=newest.number, **wished(newest))
        except MovedSinceError as fault:
            if attempt == MOST_ATTEMPTS:
                take_faults(reason, fault)
        else:
            return {} if done is None else done
    return {}


def changed(
    request: SignedInRequest,
    study: Study,
    reason: ReasonForm,
    *,
    file: Path | None = None,
    problems: Problems | None = None,
    **wishes: Any,
) -> HttpResponse | None:
    """Make the version, now or in the background, and go back; faults stand above the form.

    Raises
    ------
    MovedSinceError
        Somebody else changed the same after it was compared.
    """
    try:
        with patient_database():
            done = putting_off.ask_to_change(
                study,
                request.user,
                reason=reason.cleaned_data["reason"],
                file=file,
                problems=problems,
                **wishes,
            )
    except MovedSinceError:
        raise
    except (LifecycleError, ValidationError) as fault:
        take_faults(reason, fault)
        return None
    ring_where_asked(done)
    if not isinstance(done, StudyJob):
        messages.success(request, told(done))
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
    if not study.is_running:
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
    shown = shown_version(request, study)
    # Both, so that all faults are told at once.
    context: dict[str, Any] = {}
    if all([form.is_valid(), reason.is_valid()]):
        before = question_in(shown.snapshot["rubric"], own)
        levels = None if before is None else before["levels"]
        made = form.draft(levels)
        wishes = changed_question(before, made)
        ids = form.ids_shown(levels)

        def moved_in(newest: StudyVersion) -> list[Difference]:
            now = question_in(newest.snapshot["rubric"], own)
            return question_moved_since(before, now, made, wishes)

        def wished(newest: StudyVersion) -> dict[str, Any]:
            now = question_in(newest.snapshot["rubric"], own)
            what = "add_criterion" if own is None else "change_criterion"
            return {what: with_levels_of_its_own(wishes, before, now, ids)}

        done = changed_or_told(request, study, reason, moved_in, wished)
        if isinstance(done, HttpResponse):
            return done
        context = done
    return render_step(
        request,
        study,
        "open",
        "change_question",
        {
            "form": form,
            "reason": reason,
            "criterion": own,
            "part": QUESTIONS,
            "shown_version": shown.number,
            **context,
        },
        status=422 if posted is not None else 200,
    )


def settled(own: CriterionDraft | None) -> tuple[str, ...]:
    """The fields of a question that its votes hold fast."""
    if own is None:
        return ()
    return (
        ("key", "scale", "both_bad") if own.required else ("key", "scale", "both_bad", "required")
    )
