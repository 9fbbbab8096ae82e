"""The page. It holds the study's instructions and questions; the pairs come by JSON."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from annotation.access import SignedInRequest, study_annotator
from annotation.answer_rules import OwnVotes
from annotation.models import Annotator, Criterion, SkipReason
from annotation.people import questions_for
from annotation.rules import rules_of

from . import wire
from .desk import load_desk
from .markdown import render_markdown
from .message_pages import letters_of
from .requests import milliseconds_of
from .whose_page import account_name

EDGES = (
    "next", "vote", "skip", "flag", "renew", "undo", "session", "draft", "keys", "summary",
)  # fmt: skip

SKIP_REASONS = {
    SkipReason.CANNOT_JUDGE: _("I cannot judge this"),
    SkipReason.BROKEN_DISPLAY: _("It is not displayed properly"),
    SkipReason.HARMFUL: _("It is harmful or upsetting"),
    SkipReason.LANGUAGE: _("I do not know the language well enough"),
    SkipReason.OTHER: _("Another reason"),
}


@require_safe
@study_annotator
def page(request: SignedInRequest, annotator: Annotator) -> HttpResponse:
    """The frame in which pairs are shown. Reading it changes nothing."""
    study = annotator.study
    if questions_for(annotator):
        return redirect("rating:about_you", slug=study.slug)
    criteria = list(study.criteria.all())
    rules = rules_of(study.rules)
    answering, language = rules.answering, rules.texts.language
    desk = load_desk(annotator)
    return render(
        request,
        "annotation/rating/page.html",
        {
            "study_title": study.title or study.slug,
            "slug": study.slug,
            "messages_url": reverse("rating:messages", kwargs={"slug": study.slug}),
            "own_votes_left_out": desk.own_votes == OwnVotes.EXCLUDE,
            "letters": letters_of(annotator) if desk.has_letters else (),
            "instructions": render_markdown(study.instructions, keep_breaks=False),
            "rubric": rubric_for_page(criteria, language),
            "texts_language": language,
            "answering": answering,
            "answers_url": reverse("rating:answers", kwargs={"slug": study.slug}),
            "skip_reasons": [(reason.value, text) for reason, text in SKIP_REASONS.items()],
            "settings": {
                "urls": {
                    name: reverse(f"rating:{name}", kwargs={"slug": study.slug}) for name in EDGES
                },
                "page": request.path,
                "sign_in": sign_in_again(request.path),
                "storage": storage_name(annotator),
                "account": account_name(request.user),
                "criteria": wire.criteria_for_page(criteria, language),
                "answering": wire.answering_for_page(answering, language),
                "has_reference": answering.show_reference,
                "draft": wire.begun_for_page(desk.begun),
                # Drafts are dated by this clock: that of a device may be wrong.
                "now": milliseconds_of(timezone.now()),
                "keys": dict(desk.keys),
                "version": wire.version_for_page(
                    study.versions.order_by("-number").values_list("pk", flat=True).first()
                ),
            },
        },
    )


def storage_name(annotator: Annotator) -> str:
    """Under which name the browser keeps this person's unsent answers; it says nothing else."""
    return salted_hmac("annotation.rating.outbox", str(annotator.pk)).hexdigest()[:20]


def sign_in_again(path: str) -> str:
    """The address at which one signs in in place of whoever is signed in, and comes back."""
    query = QueryDict(mutable=True)
    query.update({"another": "1", "next": path})
    return f"{reverse('sign_in')}?{query.urlencode()}"


def rubric_for_page(criteria: list[Criterion], language: str) -> list[dict[str, Any]]:
    questions = {entry["key"]: entry for entry in wire.criteria_for_page(criteria, language)}
    by_key = {criterion.key: criterion for criterion in criteria}
    return [
        {**entry, "levels": by_key[key].levels, "overall": key == Criterion.OVERALL}
        for key, entry in questions.items()
    ]
