"""The addresses of this room's API, under api/v1/."""

from django.urls import path

from . import views

app_name = "judging_api"

urlpatterns = [
    path(
        "studies/<slug:slug>/imports/judgments",
        views.ImportJudgments.as_view(),
        name="import_judgments",
    ),
]
