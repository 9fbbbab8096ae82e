"""The addresses of a study's judges, under study/<slug>/judges/."""

from django.urls import path

from . import acts, views

app_name = "judges"

urlpatterns = [
    path("study/<slug:slug>/judges/", views.overview, name="overview"),
    path("study/<slug:slug>/judges/runs", views.runs, name="runs"),
    path("study/<slug:slug>/judges/budget", acts.study_budget, name="study_budget"),
    path("study/<slug:slug>/judges/quote", acts.quote_all, name="quote_all"),
    path("study/<slug:slug>/judges/start", acts.start_all, name="start_all"),
    path("study/<slug:slug>/judges/add", views.add, name="add"),
    path("study/<slug:slug>/judges/<int:version>/", views.judge, name="judge"),
    path("study/<slug:slug>/judges/<int:version>/new", views.new_version, name="new_version"),
    path("study/<slug:slug>/judges/<int:version>/key", acts.key, name="key"),
    path("study/<slug:slug>/judges/<int:version>/connect", acts.connect, name="connect"),
    path("study/<slug:slug>/judges/<int:version>/try", views.try_one, name="try"),
    path("study/<slug:slug>/judges/<int:version>/start", acts.start, name="start"),
    path("study/<slug:slug>/judges/runs/<int:run>/<slug:act>", acts.act, name="act"),
]
