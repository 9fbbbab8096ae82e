"""The page on which people make and end their own keys."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from annotation.access import SignedInRequest, list_studies_for, signed_in
from annotation.accounts.forms import PlainForm
from annotation.models import User

from .tokens import (
    DEFAULT_DAYS,
    LONGEST_NAME,
    MOST_DAYS,
    Scope,
    TokenRefusedError,
    issue_token,
    list_tokens,
    revoke_token,
    scopes_of,
)

WORDS = {
    Scope.READ: "read – look at what you may look at",
    Scope.WRITE: "write – change what you may change",
    Scope.ANNOTATE: "annotate – get pairs and vote where you are an annotator",
}


class TokenForm(PlainForm):
    name = forms.CharField(
        label="What it is for",
        max_length=LONGEST_NAME,
        help_text="Such as “nightly export”, so that you can tell it from others.",
    )
    scopes = forms.MultipleChoiceField(
        label="What it may do",
        choices=[(scope.value, words) for scope, words in WORDS.items()],
        widget=forms.CheckboxSelectMultiple,
        initial=[Scope.READ.value],
    )
    study = forms.ChoiceField(label="In which study", required=False)
    days = forms.IntegerField(
        label="For how many days", min_value=1, max_value=MOST_DAYS, initial=DEFAULT_DAYS
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.studies = {entry.study.slug: entry.study for entry in list_studies_for(user)}
        self.fields["study"] = forms.ChoiceField(
            label="In which study",
            required=False,
            choices=[
                ("", "All of mine, those to come as well"),
                *((slug, study.title or slug) for slug, study in self.studies.items()),
            ],
        )


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def tokens(request: SignedInRequest) -> HttpResponse:
    """GET lists one's keys; POST makes one, which is shown this once."""
    form = TokenForm(request.user, request.POST if request.method == "POST" else None)
    secret = ""
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            secret = issue_token(
                request.user,
                given["name"],
                [Scope(scope) for scope in given["scopes"]],
                study=form.studies.get(given["study"]),
                days=given["days"],
            ).secret
        except TokenRefusedError as refused:
            form.add_error(None, str(refused))
        else:
            form = TokenForm(request.user)
    response = render(
        request,
        "annotation/api/tokens.html",
        {
            "form": form,
            "secret": secret,
            "tokens": [
                (token, ", ".join(sorted(scopes_of(token)))) for token in list_tokens(request.user)
            ],
        },
        status=422 if form.errors else 200,
    )
    response.headers["Cache-Control"] = "no-store, private"
    return response


@require_POST
@signed_in
def revoke(request: SignedInRequest, token: int) -> HttpResponse:
    try:
        ended = revoke_token(request.user, token)
    except TokenRefusedError as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"The key {ended.prefix}… opens nothing any more.")
    return redirect("keys:tokens")
