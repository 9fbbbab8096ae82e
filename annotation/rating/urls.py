"""The addresses of rating, under study/<slug>/rate/."""

from django.urls import path

from . import edges, own_pages, views

app_name = "rating"

urlpatterns = [
    path("study/<slug:slug>/rate/", views.page, name="page"),
    path("study/<slug:slug>/rate/next", edges.next_pairs, name="next"),
    path("study/<slug:slug>/rate/vote", edges.vote, name="vote"),
    path("study/<slug:slug>/rate/skip", edges.skip, name="skip"),
    path("study/<slug:slug>/rate/flag", edges.flag, name="flag"),
    path("study/<slug:slug>/rate/renew", edges.renew, name="renew"),
    path("study/<slug:slug>/rate/undo", edges.undo, name="undo"),
    path("study/<slug:slug>/rate/draft", edges.draft, name="draft"),
    path("study/<slug:slug>/rate/keys", edges.keys, name="keys"),
    path("study/<slug:slug>/rate/summary", edges.summary, name="summary"),
    path("study/<slug:slug>/rate/answers/", own_pages.answers, name="answers"),
    path("study/<slug:slug>/rate/answers/<uuid:assignment>/", own_pages.answer, name="answer"),
    path("study/<slug:slug>/rate/session", edges.session, name="session"),
]
