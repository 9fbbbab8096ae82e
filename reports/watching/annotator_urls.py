"""The addresses of annotators, under study/<slug>/annotators/."""

from django.urls import path

from . import annotator_pages as pages

app_name = "annotators"

urlpatterns = [
    path("study/<slug:slug>/annotators/", pages.page, name="page"),
    path("study/<slug:slug>/annotators/live", pages.live, name="live"),
    path("study/<slug:slug>/annotators/<int:annotator>/", pages.one, name="one"),
    path("study/<slug:slug>/annotators/<int:annotator>/<slug:act>/", pages.decide, name="act"),
]
