"""The addresses of one's own keys."""

from django.urls import path

from . import pages

app_name = "keys"

urlpatterns = [
    path("account/keys/", pages.tokens, name="tokens"),
    path("account/keys/<int:token>/end", pages.revoke, name="revoke"),
]
