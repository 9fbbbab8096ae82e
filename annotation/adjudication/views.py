"""An adjudicator's pages: the desk, a case, and what is done with it. Plain forms.

Reading changes nothing: a case is taken by a POST, and each POST leads on to a page to read. What
was typed comes back with every refusal.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from django.db.models.functions import Now
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from annotation.access import SignedInRequest, study_role
from annotation.models import AdjudicationCase, Role, Study
from annotation.rating.markdown import render_markdown
from annotation.rating.wire import pair_for_page
from annotation.voting import Answer, InvalidAnswers

from . import deciding
from . import desk as desks
from .faults import AdjudicationFault, CaseNotFound, RatedThemselves
from .questions import GRADES, ask, read_answers
from .routing import is_decidable, look_at_desk
from .showing import ShownCase, show
from .wording import broken_off, flag_in_words, nothing_to_decide, speak, waiting, why_here

# In the desk's address: at this second all of the study had been searched for a case, in vain. It
# is true for a while, and an address may be kept for longer.
SEARCHED = "searched"
SEARCHED_FOR_SECONDS = 60
# So long a page searches a large study before it says how far it came; a window more at most.
SEARCH_SECONDS = 5.0
# In the session, by study: where the search goes on.
SEARCHES = "adjudication_searches"

CaseView = Callable[[SignedInRequest, AdjudicationCase], HttpResponseBase]


@require_safe
@study_role(Role.ADJUDICATOR)
def desk(request: SignedInRequest, study: Study) -> HttpResponse:
    """How many cases wait, or why there are none.

    Only a part of a large study is looked through. Whoever comes from a search of all of it that
    found nothing is told so, and whoever comes from one that broke off, how far it came.
    """
    searched = SEARCHED in request.GET
    if searched and not is_just_now(request.GET[SEARCHED]):
        return redirect("adjudication:desk", slug=study.slug)
    found = look_at_desk(request.user, study, Now())
    search = search_of(request, study)
    has_cases = is_decidable(study) and (found.yours > 0 or not (found.whole or searched))
    if has_cases and not found.yours and search.gone:
        title, text = "The search goes on", broken_off(search.gone, search.length)
    elif has_cases:
        title, text = "Pairs that people disagreed on", waiting(found)
    else:
        title, text = nothing_to_decide(study, found)
    return render(
        request,
        "annotation/adjudication/desk.html",
        {
            **frame(request, study),
            "title": title,
            "text": text,
            "has_cases": has_cases,
            "may_look_again": is_decidable(study),
        },
    )


@require_POST
@study_role(Role.ADJUDICATOR)
def take_next(request: SignedInRequest, study: Study) -> HttpResponse:
    return to_next(request, study)


def own_case(view: CaseView) -> Callable[..., HttpResponseBase]:
    """For the adjudicator whose case the address names; others get "not found".

    Who was given the pair to rate is only told so.
    """

    def with_case(
        request: SignedInRequest, *, study: Study, case_id: uuid.UUID
    ) -> HttpResponseBase:
        try:
            return view(request, desks.find_case(request.user, study, case_id))
        except CaseNotFound as fault:
            raise Http404(str(fault)) from None
        except RatedThemselves as fault:
            return rated_page(request, study, fault)

    return study_role(Role.ADJUDICATOR)(with_case)


@require_safe
@own_case
def case(request: SignedInRequest, case: AdjudicationCase) -> HttpResponse:
    """The pair, why it is here, what the raters said, and the questions."""
    shown = show(case)
    return case_page(request, case, shown, shown.answers, shown.reason)


@require_POST
@own_case
def decide(request: SignedInRequest, case: AdjudicationCase) -> HttpResponse:
    """Store the decision and go on to the next case."""
    study = case.comparison.study
    answers = read_answers(request.POST, study.criteria.all())
    # Forms send line ends as CR LF.
    reason = request.POST.get("reason", "").replace("\r\n", "\n").strip()
    try:
        deciding.decide(case, answers, reason)
    except InvalidAnswers as fault:
        error = {"field": fault.field, "message": str(fault)}
        return case_page(request, case, show(case), answers, reason, error, fault.status)
    except AdjudicationFault as fault:
        error = {"refused": str(fault)}
        return case_page(request, case, show(case), answers, reason, error, fault.status)
    return to_next(request, study)


@require_POST
@own_case
def skip(request: SignedInRequest, case: AdjudicationCase) -> HttpResponse:
    """Leave the case to other reviewers and go on."""
    desks.skip_case(case)
    return to_next(request, case.comparison.study)


def to_next(request: SignedInRequest, study: Study) -> HttpResponse:
    """Lead to the next case, or to the desk, which says why there is none."""
    search = search_of(request, study)
    found = desks.next_case(request.user, study, search, SEARCH_SECONDS)
    keep_search(request, study, search)
    if found is not None:
        return redirect("adjudication:case", slug=study.slug, case_id=found.public_id)
    desk_url = reverse("adjudication:desk", kwargs={"slug": study.slug})
    return redirect(f"{desk_url}?{SEARCHED}={int(time.time())}" if search.over else desk_url)


def search_of(request: SignedInRequest, study: Study) -> desks.Search:
    """Where this person's search of the study is."""
    kept = request.session.get(SEARCHES, {}).get(study.slug)
    return desks.Search() if kept is None else desks.Search(*kept)


def keep_search(request: SignedInRequest, study: Study, search: desks.Search) -> None:
    """Keep it for as long as the session lasts; a study that fits a window needs none."""
    others = {
        slug: kept for slug, kept in request.session.get(SEARCHES, {}).items() if slug != study.slug
    }
    if not search.over and search.at:
        others[study.slug] = [search.at, search.gone, search.length]
    if others != request.session.get(SEARCHES, {}):
        request.session[SEARCHES] = others


def is_just_now(said: str) -> bool:
    """Whether a second that an address names is the present minute's."""
    if not (said.isascii() and said.isdigit() and len(said) <= 12):
        return False
    return 0 <= time.time() - int(said) < SEARCHED_FOR_SECONDS


def rated_page(request: SignedInRequest, study: Study, fault: RatedThemselves) -> HttpResponse:
    """Why there is nothing to see of a pair, with the way back to the others."""
    return render(
        request,
        "annotation/adjudication/desk.html",
        {
            **frame(request, study),
            "title": "This pair is not yours to decide",
            "text": str(fault),
            "has_cases": False,
            "may_look_again": is_decidable(study),
        },
        status=fault.status,
    )


def frame(
    request: SignedInRequest, study: Study, shown: AdjudicationCase | None = None
) -> dict[str, Any]:
    """What every page of adjudication has."""
    last = deciding.last_decided(request.user, study)
    return {
        "study_title": study.title or study.slug,
        "desk_url": reverse("adjudication:desk", kwargs={"slug": study.slug}),
        "next_url": reverse("adjudication:next", kwargs={"slug": study.slug}),
        "last_url": ""
        if last is None or last == shown
        else case_url("case", study, last.public_id),
    }


def case_url(name: str, study: Study, public_id: uuid.UUID) -> str:
    return reverse(f"adjudication:{name}", kwargs={"slug": study.slug, "case_id": public_id})


def case_page(
    request: HttpRequest,
    case: AdjudicationCase,
    shown: ShownCase,
    answers: Mapping[str, Answer],
    reason: str,
    error: Mapping[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page of a case with these answers in the form."""
    study = case.comparison.study
    texts = {row.key: row.question or "Which response is better?" for row in shown.questions}
    steps = {row.key: len(GRADES.get(row.scale, ())) for row in shown.questions}  # type: ignore[call-overload]
    disputed = [found.criterion for found in shown.disagreements if found.criterion]
    questions = ask(
        shown.questions,
        answers,
        disputed if len(texts) > 1 else (),
        was_sent=error is not None and "field" in error,
    )
    return render(
        request,
        "annotation/adjudication/case.html",
        {
            **frame(request, study, case),  # type: ignore[arg-type]
            "case_id": str(case.public_id),
            "decide_url": case_url("decide", study, case.public_id),
            "skip_url": case_url("skip", study, case.public_id),
            "pair": pair_for_page(shown.pair),
            "why": [why_here(found, texts) for found in shown.disagreements],
            "remarks": [
                *(speak(remark, texts, steps) for remark in shown.remarks),
                *(flag_in_words(flag) for flag in shown.flags),
            ],
            "questions": questions,
            "faulty": sum(bool(question.fault) for question in questions),
            "instructions": render_markdown(study.instructions, keep_breaks=False),
            "reason": reason,
            "most_characters": deciding.MAX_REASON,
            "is_decided": shown.is_decided,
            "error": error,
        },
        status=status,
    )
