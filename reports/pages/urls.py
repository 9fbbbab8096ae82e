"""The addresses of a study's report, under study/<slug>/report/, of its guide and the planner."""

from django.urls import path

from . import anchor, guide, planner, views

app_name = "reports"

urlpatterns = [
    path("guide/statistics/", guide.statistics, name="statistics_guide"),
    path("study/<slug:slug>/set-up/plan", planner.planner, name="planner"),
    path("study/<slug:slug>/report/", views.report, name="report"),
    path("study/<slug:slug>/report/compute", views.compute, name="compute"),
    path("study/<slug:slug>/report/anchor", anchor.set_anchor, name="set_anchor"),
    path("study/<slug:slug>/report/progress", views.progress, name="progress"),
    path(
        "study/<slug:slug>/report/files/<slug:name>.<slug:chosen>",
        views.download,
        name="download",
    ),
]
