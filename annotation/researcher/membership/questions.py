"""What the study asks its annotators about themselves, and what they said, counted."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from annotation.access import SignedInRequest, study_role
from annotation.lifecycle.one_section import set_section
from annotation.lifecycle.refusals import LifecycleError
from annotation.models import Study
from annotation.people.roster import count_answers
from annotation.rules import rules_of

from .edges import MANAGERS, page
from .forms import QuestionsForm


@require_http_methods(["GET", "HEAD", "POST"])
@study_role(*MANAGERS)
def questions(request: SignedInRequest, study: Study) -> HttpResponse:
    form = QuestionsForm(
        request.POST if request.method == "POST" else None,
        initial=initial_of(study),
        needs_reason=study.was_opened,
    )
    if request.method == "POST" and form.is_valid():
        try:
            changed = set_section(
                study, request.user, "profile", form.section(), reason=form.reason
            )
        except ValidationError as invalid:
            form.add_error(None, [said.removeprefix("rules: ") for said in invalid.messages])
        except LifecycleError as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, "Saved." if changed else "Nothing was changed.")
            return redirect("people:questions", slug=study.slug)
    return page(
        request,
        "questions",
        study,
        {"form": form, "given": count_answers(study)},
        status=422 if form.errors else 200,
    )


def initial_of(study: Study) -> dict[str, str]:
    found = {}
    for number, question in enumerate(rules_of(study.rules).profile.questions, 1):
        found[f"text_{number}"] = question.text
        found[f"options_{number}"] = "\n".join(question.options)
        found[f"key_{number}"] = question.key
    return found
