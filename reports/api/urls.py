"""The addresses of this room's API, under api/v1/."""

from django.urls import path

from . import views

app_name = "reports_api"

ONE = "studies/<slug:slug>"

urlpatterns = [
    path(f"{ONE}/progress", views.Progress.as_view(), name="progress"),
    path(f"{ONE}/analyses", views.Analyses.as_view(), name="analyses"),
    path(f"{ONE}/analyses/<int:analysis>", views.OneAnalysis.as_view(), name="analysis"),
    path(f"{ONE}/requests/<int:wish>", views.OneRequest.as_view(), name="request"),
    path(f"{ONE}/exports/<slug:name>.<slug:chosen>", views.Exports.as_view(), name="export"),
]
