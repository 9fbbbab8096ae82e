"""Where people of a recruitment platform come in, by the names that the platform gives them."""

from __future__ import annotations

from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from annotation import people
from annotation.access import public
from annotation.models import Invitation
from annotation.page_rules import Crowd
from annotation.rules import rules_of

from .views import MODEL_BACKEND, explain_refusal


@require_http_methods(["GET", "HEAD", "POST"])
@public
def start(request: HttpRequest, token: str) -> HttpResponse:
    """GET says what one comes to; POST lets in. Programs that fetch links make nobody.

    A reload, or the same link a day later, finds the same person.
    """
    try:
        found = people.get_crowd_link(token)
        arrival = arrival_of(request.GET, crowd_of(found))
        arrival.check()
        if request.method == "POST":
            user = people.arrive(token, arrival)
            login(request, user, backend=MODEL_BACKEND)
            return redirect(reverse("rating:page", kwargs={"slug": study_slug(found)}))
    except people.NoSuchInvitationError:
        raise Http404("There is no such page.") from None
    except people.InvitationRefusedError as refused:
        return explain_refusal(request, refused.status)
    except people.CrowdFullError:
        return page(request, found, "full", 410)
    except people.CrowdEndedError:
        return page(request, found, "ended", 403)
    except people.CrowdRefusedError as refused:
        return page(request, found, "refused", 422, str(refused))
    return page(request, found, "start", 200)


def arrival_of(given: QueryDict, crowd: Crowd) -> people.Arrival:
    """Who comes, by the parameters that the study names; of several values the last."""
    return people.Arrival(
        given.get(crowd.participant, ""),
        given.get(crowd.study, ""),
        given.get(crowd.session, ""),
    )


def crowd_of(found: Invitation) -> Crowd:
    return rules_of({} if found.study is None else found.study.rules).crowd


def study_slug(found: Invitation) -> str:
    return "" if found.study is None else found.study.slug


def page(
    request: HttpRequest, found: Invitation, what: str, status: int, why: str = ""
) -> HttpResponse:
    crowd = crowd_of(found)
    context = {
        "what": what,
        "why": why,
        "study": found.study,
        "no_work_code": crowd.no_work_code if what == "full" else "",
    }
    response = render(request, "annotation/accounts/crowd_start.html", context, status=status)
    # The address holds who came: no other site is told. Not "no-referrer": browsers would send the
    # form from the origin "null" then, which the check of its token refuses.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "no-store, private"
    return response
