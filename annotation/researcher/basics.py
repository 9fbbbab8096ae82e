"""A new study, and its name and instructions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation.access import NOT_FOR_YOU, SignedInRequest, may_create_studies, signed_in
from annotation.lifecycle.drafts import LONGEST_SLUG, check_slug, create_draft, free_slug
from annotation.lifecycle.rule_changes import with_rule
from annotation.lifecycle.study_file import LONGEST_TITLE
from annotation.models import Study
from annotation.page_rules import LONGEST_LANGUAGE, read_language
from annotation.rating.markdown import render_markdown
from annotation.rules import rules_of

from .frame import (
    INVALID,
    StudioForm,
    go_on,
    readers_only,
    refuse_frozen,
    render_step,
)
from .meanwhile import StoredForm
from .saving import filled, save
from .steps import next_step

# Some thirty pages: nobody reads more before the first pair. A request takes a megabyte.
LONGEST_INSTRUCTIONS = 100_000
LONGEST_NOTICE = 2_000


class NewStudyForm(StudioForm):
    """The name of a study and, for those who wish one, its short name."""

    title = forms.CharField(
        label="Name of the study",
        max_length=LONGEST_TITLE,
        help_text="Annotators see it. Name the work, and no system: “Answers to support mails”.",
        error_messages={"required": "Enter a name for the study."},
    )
    slug = forms.CharField(
        label="Short name (optional)",
        required=False,
        max_length=LONGEST_SLUG,
        help_text="Stands in addresses and commands and stays for good. Without one it is made "
        "from the name.",
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"}),
    )

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"].lower()
        if slug:
            check_slug(slug)
        return slug


class TextsFields(StoredForm, StudioForm):
    """What stands on the report, and the language that the study's texts are in."""

    columns = ("title", "instructions", "notice")

    notice = forms.CharField(
        label="Notice on top of the report (optional)",
        required=False,
        max_length=LONGEST_NOTICE,
        help_text="What a reader must know first, such as that the votes are a rehearsal.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    language = forms.CharField(
        label="Language of the texts (optional)",
        required=False,
        max_length=LONGEST_LANGUAGE,
        help_text="As in HTML: en, de-AT, zh-Hant. For screen readers, hyphenation and fonts. "
        "Leave it empty where there are several.",
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"}),
    )

    def clean_language(self) -> str:
        language: str = self.cleaned_data["language"].strip()
        faults: list[str] = []
        read_language("This", language, faults)
        for fault in faults:
            self.add_error("language", fault)
        return language

    def changed_rules(self, before: Mapping[str, Any]) -> dict[str, Any]:
        """These rules with the language that was entered."""
        return with_rule(before, "texts", "language", self.cleaned_data["language"])

    def fields_at(self, place: str) -> list[str]:
        name = place.removeprefix("texts.")
        return [name] if name in self.fields else []


def texts_of(study: Study) -> dict[str, str]:
    """What the forms of a study's texts begin with."""
    return {
        "title": study.title,
        "instructions": study.instructions,
        "notice": study.notice,
        "language": rules_of(study.rules).texts.language,
    }


class BasicsForm(TextsFields):
    """What annotators read before the first pair."""

    title = NewStudyForm.base_fields["title"]
    instructions = forms.CharField(
        label="Instructions",
        required=False,
        max_length=LONGEST_INSTRUCTIONS,
        help_text="What shall people look at, and what shall they ignore? Markdown; they read it "
        "before the first pair and can open it again at any time.",
        widget=forms.Textarea(attrs={"rows": 16, "spellcheck": "true"}),
    )
    field_order = ("title", "instructions", "language", "notice")


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def new(request: SignedInRequest) -> HttpResponse:
    """Begin a study."""
    if not may_create_studies(request.user):
        raise PermissionDenied(NOT_FOR_YOU)
    form = NewStudyForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        title = form.cleaned_data["title"]
        try:
            study = create_draft(
                form.cleaned_data["slug"] or free_slug(title), request.user, title=title
            )
        except ValidationError as fault:
            form.add_error("slug", fault)
        else:
            return redirect("studio:basics", slug=study.slug)
    return render(
        request,
        "annotation/researcher/new.html",
        {"form": form},
        status=INVALID if form.errors else 200,
    )


@require_safe
@readers_only
def overview(request: SignedInRequest, study: Study) -> HttpResponse:
    """To the step that is to be done next; of an opened study to what may be done with it."""
    route = "studio:running" if study.was_opened else next_step(study)
    return redirect(route, slug=study.slug)


@require_http_methods(["GET", "HEAD", "POST"])
@readers_only
@refuse_frozen("basics")
def basics(request: SignedInRequest, study: Study) -> HttpResponse:
    """Name and instructions, with a preview of what annotators see."""
    page = (
        save(request, study, basics_form)
        if request.method == "POST"
        else filled(study, basics_form)
    )
    if page.is_saved:
        return go_on(study, "basics")
    text = page.form["instructions"].value() or ""
    preview = render_markdown(text[:LONGEST_INSTRUCTIONS], keep_breaks=False)
    return render_step(request, study, "basics", "basics", {**page.context(), "preview": preview})


def basics_form(study: Study, data: Mapping[str, Any] | None) -> BasicsForm:
    return BasicsForm(data, initial=texts_of(study))


@require_POST
@readers_only
def preview(request: SignedInRequest, study: Study) -> HttpResponse:
    """The instructions that are being written, as annotators will see them. Stores nothing."""
    text = request.POST.get("instructions", "")[:LONGEST_INSTRUCTIONS]
    return render(
        request,
        "annotation/researcher/preview.html",
        {"preview": render_markdown(text, keep_breaks=False)},
    )
