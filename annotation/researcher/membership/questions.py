"""What the study asks its annotators about themselves, and what they said, counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from annotation.access import SignedInRequest, study_role
from annotation.models import Study
from annotation.people.roster import count_answers
from annotation.researcher.meanwhile import shown_of
from annotation.rules import rules_of

from .edges import MANAGERS, page
from .forms import QuestionsForm
from .saving import saved


@require_http_methods(["GET", "HEAD", "POST"])
@study_role(*MANAGERS)
def questions(request: SignedInRequest, study: Study) -> HttpResponse:
    if request.method == "POST":
        form = QuestionsForm(request.POST, needs_reason=study.was_opened)
        changed, context = saved(request, study, form, questions_form)
        if changed is not None:
            messages.success(request, "Saved." if changed else "Nothing was changed.")
            return redirect("people:questions", slug=study.slug)
    else:
        form = QuestionsForm(initial=initial_of(study), needs_reason=study.was_opened)
        context = {"shown": shown_of(questions_form, study)}
    return page(
        request,
        "questions",
        study,
        {"form": form, "given": count_answers(study), **context},
        status=422 if form.errors else 200,
    )


def questions_form(study: Study, data: Mapping[str, Any] | None) -> QuestionsForm:
    return QuestionsForm(data, initial=initial_of(study), needs_reason=False)


def initial_of(study: Study) -> dict[str, str]:
    found = {}
    for number, question in enumerate(rules_of(study.rules).profile.questions, 1):
        found[f"text_{number}"] = question.text
        found[f"options_{number}"] = "\n".join(question.options)
        found[f"key_{number}"] = question.key
    return found
