"""The addresses of progress, under study/<slug>/progress/."""

from django.urls import path

from . import progress_pages as pages

app_name = "progress"

urlpatterns = [
    path("study/<slug:slug>/progress/", pages.page, name="page"),
    path("study/<slug:slug>/progress/live", pages.live, name="live"),
    path("study/<slug:slug>/progress/pace", pages.pace, name="pace"),
    path("study/<slug:slug>/progress/evidence", pages.evidence, name="evidence"),
    path("study/<slug:slug>/progress/votes/", pages.votes, name="votes"),
    path("study/<slug:slug>/progress/comparisons/", pages.comparisons, name="comparisons"),
    path("study/<slug:slug>/progress/comparisons/<int:comparison>/", pages.pair, name="pair"),
    path(
        "study/<slug:slug>/progress/comparisons/<int:comparison>/answers",
        pages.answers,
        name="answers",
    ),
    path("study/<slug:slug>/progress/log/", pages.log, name="log"),
]
