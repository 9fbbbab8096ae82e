"""Signing in and out, and what a single-use link leads to."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout, update_session_auth_hash
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation import people
from annotation.access import SignedInRequest, may_create_studies, public, signed_in
from annotation.models import Invitation, InvitationPurpose, Role, User

from .forms import ChangePasswordForm, JoinForm, NewPasswordForm, SignInForm
from .home import list_cards

MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"

WELCOMES = {
    Role.OWNER: gettext_lazy("You have joined %(study)s as owner."),
    Role.RESEARCHER: gettext_lazy("You have joined %(study)s as researcher."),
    Role.MONITOR: gettext_lazy("You have joined %(study)s as monitor."),
    Role.ADJUDICATOR: gettext_lazy("You have joined %(study)s as adjudicator."),
    Role.ANNOTATOR: gettext_lazy("You have joined %(study)s as annotator."),
}

# Seconds after which a locked-out person may try again, for the header.
LOCKOUT_SECONDS = int(settings.AXES_COOLOFF_TIME.total_seconds())


@require_safe
@signed_in
def home(request: SignedInRequest) -> HttpResponse:
    """One's studies, and what to do next in each."""
    return render(
        request,
        "annotation/accounts/home.html",
        {"cards": list_cards(request.user), "may_create": may_create_studies(request.user)},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("password")
@public
def sign_in(request: HttpRequest) -> HttpResponse:
    target = safe_target(request)
    # On a shared machine one signs in in place of somebody else, without looking for their page.
    replaces = request.user.is_authenticated and "another" in request.GET
    if request.user.is_authenticated and request.method != "POST" and not replaces:
        return redirect(target)
    form = SignInForm(request, posted(request))
    if request.method == "POST" and form.is_valid() and form.user is not None:
        login(request, form.user)
        return redirect(target)
    return render(
        request,
        "annotation/accounts/sign_in.html",
        {
            "form": form,
            "next": request.POST.get("next", request.GET.get("next", "")),
            "replaces": replaces,
        },
        status=422 if form.errors else 200,
    )


def posted(request: HttpRequest) -> QueryDict | None:
    """What was sent, for a form: an empty one was sent, too, and is told what it lacks."""
    return request.POST if request.method == "POST" else None


def safe_target(request: HttpRequest) -> str:
    """Where to go after signing in: the page that was asked for, if it is one of this site."""
    wanted = request.POST.get("next", request.GET.get("next", ""))
    if url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        return wanted
    return reverse(settings.LOGIN_REDIRECT_URL)


def locked_out(request: HttpRequest, _response: object, _credentials: object) -> HttpResponse:
    """Instead of the sign-in page after too many wrong passwords; the same for unknown names."""
    response = render(
        request,
        "annotation/accounts/locked_out.html",
        {"minutes": LOCKOUT_SECONDS // 60},
        status=429,
    )
    response.headers["Retry-After"] = str(LOCKOUT_SECONDS)
    return response


@require_POST
@public
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    messages.info(request, gettext("You are signed out."))
    return redirect("sign_in")


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("present", "password", "repeated")
@signed_in
def change_password(request: SignedInRequest) -> HttpResponse:
    form = ChangePasswordForm(request.user, posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            people.change_password(request.user, form.cleaned_data["password"])
        except ValidationError as invalid:
            form.add_error("password", invalid)
        else:
            # This session goes on; all others have ended with the old password.
            update_session_auth_hash(request, request.user)
            messages.success(request, gettext("Your password is changed."))
            return redirect("home")
    return render(
        request,
        "annotation/accounts/change_password.html",
        {"form": form},
        status=422 if form.errors else 200,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("password", "repeated")
@public
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """GET says what the link is for; POST uses it. Programs that fetch links use up nothing."""
    try:
        found = people.get_invitation(token)
        people.refuse_dead(found)
        view = VIEWS.get(InvitationPurpose(found.purpose))
        if view is None:
            # A platform's link has an address of its own.
            raise people.NoSuchInvitationError("There is no such invitation.")
        return view(request, token, found)
    except people.NoSuchInvitationError:
        raise Http404("There is no such page.") from None
    except people.InvitationRefusedError as refused:
        return explain_refusal(request, refused.status)


def explain_refusal(request: HttpRequest, status: people.InvitationStatus) -> HttpResponse:
    return render(
        request,
        "annotation/accounts/invitation_ended.html",
        {"status": status.value},
        status=410,
    )


def join(request: HttpRequest, token: str, found: Invitation) -> HttpResponse:
    context: dict[str, Any] = {"invitation": found, "role": Role(found.role), "study": found.study}
    if request.user.is_authenticated:
        return join_with_account(request, token, found, context)
    form = JoinForm(posted(request))
    if request.method == "POST" and form.is_valid():
        user = create_account(token, form)
        if user is not None:
            login(request, user, backend=MODEL_BACKEND)
            return welcome(request, found)
    return render(
        request,
        "annotation/accounts/join.html",
        {**context, "form": form},
        status=422 if form.errors else 200,
    )


def create_account(token: str, form: JoinForm) -> User | None:
    """The new account; None after the form has been told what is wrong."""
    try:
        return people.accept_invitation(
            token, form.cleaned_data["username"], form.cleaned_data["password"]
        )
    except people.UsernameTakenError as taken:
        form.add_error("username", str(taken))
    except ValidationError as invalid:
        form.add_error("password", invalid)
    return None


def join_with_account(
    request: HttpRequest, token: str, found: Invitation, context: dict[str, Any]
) -> HttpResponse:
    if request.method == "POST" and isinstance(request.user, User):
        try:
            people.accept_invitation_as(token, request.user)
        except people.AlreadyMemberError as already:
            said = gettext("The link is still good for someone else.")
            messages.info(request, f"{already} {said}")
            return redirect("home")
        except people.AccountGoneError:
            # Erased or blocked a moment ago; the link is good for a new account.
            logout(request)
            return redirect(request.path)
        return welcome(request, found)
    return render(request, "annotation/accounts/join_with_account.html", context)


def welcome(request: HttpRequest, found: Invitation) -> HttpResponse:
    title = found.study.title or found.study.slug if found.study else ""
    messages.success(request, WELCOMES[Role(found.role)] % {"study": title})
    return redirect(target_of(found))


def set_password(request: HttpRequest, token: str, found: Invitation) -> HttpResponse:
    form = NewPasswordForm(posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            user = people.set_password(token, form.cleaned_data["password"])
        except ValidationError as invalid:
            form.add_error("password", invalid)
        else:
            login(request, user, backend=MODEL_BACKEND)
            messages.success(request, gettext("Your password is set. Sign in with it from now on."))
            return redirect(target_of(found))
    return render(
        request,
        "annotation/accounts/set_password.html",
        {"invitation": found, "form": form},
        status=422 if form.errors else 200,
    )


def sign_in_by_link(request: HttpRequest, token: str, found: Invitation) -> HttpResponse:
    if request.method == "POST":
        used = people.sign_in(token)
        if used.user is not None:
            login(request, used.user, backend=MODEL_BACKEND)
        return redirect(target_of(found))
    return render(request, "annotation/accounts/sign_in_by_link.html", {"invitation": found})


def target_of(found: Invitation) -> str:
    """The invitation's own place, if it is a path of this site, or home."""
    if found.next_path and url_has_allowed_host_and_scheme(found.next_path, allowed_hosts=None):
        return found.next_path
    return reverse("home")


VIEWS = {
    InvitationPurpose.JOIN: join,
    InvitationPurpose.SET_PASSWORD: set_password,
    InvitationPurpose.SIGN_IN: sign_in_by_link,
}
