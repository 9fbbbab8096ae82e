"""The questions of the study about the annotator, before the first pair. Plain form; asked once."""

from __future__ import annotations

from django import forms
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from annotation import people
from annotation.access import SignedInRequest, study_annotator
from annotation.models import Annotator
from annotation.profile_rules import Question

from .own_pages import page_url, shown

# Posted for "I do not want to say"; an option cannot have it, since none begins with a space.
UNSAID = " unsaid"


class AboutYouForm(forms.Form):
    """One set of radio buttons for each question."""

    def __init__(self, questions: tuple[Question, ...], data: QueryDict | None) -> None:
        super().__init__(data, label_suffix="")
        for question in questions:
            self.fields[question.key] = forms.ChoiceField(
                label=question.text,
                choices=[
                    *((option, option) for option in question.options),
                    (UNSAID, _("I do not want to say")),
                ],
                widget=forms.RadioSelect,
                error_messages={
                    "required": _("Choose an answer, or that you do not want to say."),
                    "invalid_choice": _("Choose one of these answers."),
                },
            )

    def answers(self) -> dict[str, str | None]:
        return {key: None if value == UNSAID else value for key, value in self.cleaned_data.items()}


@require_http_methods(["GET", "HEAD", "POST"])
@study_annotator
def about_you(request: SignedInRequest, annotator: Annotator) -> HttpResponse:
    """Ask what is open; on to the pairs where nothing is."""
    study = annotator.study
    questions = people.questions_for(annotator)
    if not questions:
        return redirect(page_url(study))
    form = AboutYouForm(questions, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        people.answer_questions(annotator, form.answers())
        return redirect(page_url(study))
    response = shown(
        request,
        "annotation/rating/about_you.html",
        study,
        {"form": form, "error": gettext("Error:") if form.errors else ""},
    )
    response.status_code = 422 if form.errors else 200
    return response
