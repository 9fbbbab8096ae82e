"""The addresses of a study's judges beside people, under study/<slug>/alignment/."""

from django.urls import path

from . import acts, pair, views

app_name = "alignment"

urlpatterns = [
    path("study/<slug:slug>/alignment/", views.judges, name="judges"),
    path("study/<slug:slug>/alignment/validity", acts.set_validity, name="set_validity"),
    path("study/<slug:slug>/alignment/<int:version>/", views.judge, name="judge"),
    path("study/<slug:slug>/alignment/<int:version>/validate", acts.validate, name="validate"),
    path(
        "study/<slug:slug>/alignment/<int:version>/revalidate", acts.revalidate, name="revalidate"
    ),
    path("study/<slug:slug>/alignment/<int:version>/withdraw", acts.withdraw, name="withdraw"),
    path(
        "study/<slug:slug>/alignment/<int:version>/pair/<int:comparison>/",
        pair.pair,
        name="pair",
    ),
]
