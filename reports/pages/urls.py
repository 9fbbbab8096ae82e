"""The addresses of a study's report, under study/<slug>/report/."""

from django.urls import path

from . import views

app_name = "reports"

urlpatterns = [
    path("study/<slug:slug>/report/", views.report, name="report"),
    path("study/<slug:slug>/report/compute", views.compute, name="compute"),
    path(
        "study/<slug:slug>/report/files/<slug:name>.<slug:chosen>",
        views.download,
        name="download",
    ),
]
