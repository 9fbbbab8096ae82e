"""What stands around each step: its place in the list, whether it may still be changed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from annotation.access import study_role
from annotation.lifecycle.refusals import LifecycleError, StudyFrozenError
from annotation.models import Role, Study
from annotation.storable import is_storable

from .steps import KEYS, STEPS, list_steps, step_after

View = Callable[..., HttpResponseBase]

# A form that could not be taken is shown again with this.
INVALID = 422

readers_only = study_role(Role.OWNER, Role.RESEARCHER)


class StudioForm(forms.Form):
    """Labels without a colon; line ends as files have them; no text that a database cannot keep."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        for name, value in list(self.cleaned_data.items()):
            if not isinstance(value, str):
                continue
            self.cleaned_data[name] = value.replace("\r\n", "\n")
            if not is_storable(value):
                self.add_error(name, "This holds a character that cannot be stored, such as NUL.")
        return self.cleaned_data


def render_step(
    request: HttpRequest,
    study: Study,
    key: str,
    template: str,
    context: dict[str, Any] | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    """A step's page in its frame."""
    given = context or {}
    form = given.get("form")
    if status == 200 and isinstance(form, forms.BaseForm) and form.errors:
        status = INVALID
    return render(
        request,
        f"annotation/researcher/{template}.html",
        {
            "study": study,
            "steps": list_steps(study, key),
            "step_number": KEYS.index(key) + 1,
            "step_count": len(STEPS),
            "step_label": STEPS[KEYS.index(key)].label,
            "is_frozen": study.was_opened,
            "next_url": reverse(step_after(key), kwargs={"slug": study.slug}),
            **given,
        },
        status=status,
    )


def go_on(study: Study, key: str) -> HttpResponse:
    """To the step after this one."""
    return redirect(step_after(key), slug=study.slug)


def refuse_frozen(key: str) -> Callable[[View], View]:
    """Of a view that changes a draft: an opened study sends back to the page, with the reason."""

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def for_drafts(
            request: HttpRequest, *args: object, study: Study, **kwargs: object
        ) -> HttpResponseBase:
            if request.method != "POST":
                return view(request, *args, study=study, **kwargs)
            try:
                if study.was_opened:
                    raise StudyFrozenError(
                        "The study was opened meanwhile, and this is frozen since. Nothing was "
                        "changed."
                    )
                return view(request, *args, study=study, **kwargs)
            except StudyFrozenError as fault:
                messages.error(request, str(fault))
                return redirect(f"studio:{key}", slug=study.slug)

        return for_drafts

    return decorate


def take_faults(form: forms.BaseForm, fault: ValidationError | LifecycleError) -> None:
    """Put what was refused by the study's own functions above the form."""
    sentences = fault.messages if isinstance(fault, ValidationError) else [str(fault)]
    for sentence in sentences:
        form.add_error(None, sentence)
