"""The pages on which annotators look at their own answers. Nobody else's are within reach."""

from __future__ import annotations

import re
import uuid
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from annotation import voting
from annotation.access import SignedInRequest, study_annotator
from annotation.models import Annotator, AnnotatorState, Criterion, Study, StudyState
from annotation.rules import rules_of

from . import wire
from .json_edge import NO_STORE
from .own_answers import OwnAnswer, Place, list_answers, summarise
from .visible_text import visible_text
from .wording import CONFIDENCE, answer_in_words, time_in_words

# Far below what the column holds.
REVISION = re.compile(r"[0-9]{1,4}")


@require_safe
@study_annotator
def answers(request: SignedInRequest, annotator: Annotator) -> HttpResponse:
    """The annotator's answers, the newest first, and their time."""
    study = annotator.study
    page = list_answers(annotator, place(request.GET.get("before", "")))
    overall = study.criteria.get(key=Criterion.OVERALL)
    summary = summarise(annotator)
    mean = summary.mean_seconds
    return shown(
        request,
        "annotation/rating/own_answers.html",
        study,
        {
            "lines": [line(entry, overall.scale, study) for entry in page.answers],
            "summary": summary,
            "mean": None if mean is None else time_in_words(mean),
            "total": time_in_words(summary.active_ms / 1000),
            "older_url": f"?before={page.before}" if page.before else "",
            "is_later": "before" in request.GET,
        },
    )


@require_safe
@study_annotator
def answer(request: SignedInRequest, annotator: Annotator, assignment: uuid.UUID) -> HttpResponse:
    """One own answer with its pair, as it was shown."""
    study = annotator.study
    earlier = voting.earlier_vote(annotator, assignment)
    if earlier is None and voting.is_out_of_sight(annotator, assignment):
        # The list says why it is not there.
        return redirect(answers_url(study))
    if earlier is None:
        raise Http404("There is no such answer.")
    given = [
        {
            "question": entry["question"],
            "lang": entry["lang"],
            "answer": answer_in_words(found.choice, found.margin, entry["scale"]),
        }
        for entry in wire.criteria_for_page(list(study.criteria.all()), language_of(study))
        for found in [earlier.answers.get(entry["key"])]
        if found is not None
    ]
    remarks = earlier.remarks
    may_change = (
        rules_of(study.rules).answering.revise_earlier
        and study.state == StudyState.OPEN
        and annotator.state == AnnotatorState.ACTIVE
    )
    return shown(
        request,
        "annotation/rating/own_answer.html",
        study,
        {
            "pair": wire.pair_for_page(earlier.pair),
            "given": given,
            "rationale": visible_text(remarks.rationale),
            "tags": [visible_text(tag) for tag in remarks.tags],
            "confidence": ""
            if remarks.confidence is None
            else str(CONFIDENCE.get(remarks.confidence) or f"{remarks.confidence:.0%}"),
            "revisions": earlier.revision,
            "change_url": f"{page_url(study)}#change={assignment}" if may_change else "",
        },
    )


def shown(
    request: SignedInRequest, template: str, study: Study, context: dict[str, Any]
) -> HttpResponse:
    """The page, which no cache keeps: it holds what people wrote."""
    urls = {"rate_url": page_url(study), "answers_url": answers_url(study)}
    title = study.title or study.slug
    given = {"study_title": title, "texts_language": language_of(study), **urls}
    response = render(request, template, given | context)
    response.headers["Cache-Control"] = NO_STORE
    return response


def language_of(study: Study) -> str:
    return rules_of(study.rules).texts.language


def page_url(study: Study) -> str:
    return reverse("rating:page", kwargs={"slug": study.slug})


def answers_url(study: Study) -> str:
    return reverse("rating:answers", kwargs={"slug": study.slug})


def line(entry: OwnAnswer, scale: str, study: Study) -> dict[str, Any]:
    return {
        "prompt": visible_text(entry.prompt),
        "answer": answer_in_words(entry.choice, entry.margin, scale),
        "answered_at": entry.answered_at,
        "revisions": entry.revisions,
        "time": "" if entry.active_ms is None else time_in_words(entry.active_ms / 1000),
        "url": reverse(
            "rating:answer", kwargs={"slug": study.slug, "assignment": entry.assignment}
        ),
    }


def place(raw: str) -> Place | None:
    """Where a page of the list begins; anything that is no place begins at the newest."""
    assignment, _, revision = raw.partition(".")
    if REVISION.fullmatch(revision) is None:
        return None
    try:
        return Place(uuid.UUID(assignment), int(revision))
    except ValueError:
        return None
