"""The addresses of adjudication, under study/<slug>/adjudicate/."""

from django.urls import path

from . import views

app_name = "adjudication"

urlpatterns = [
    path("study/<slug:slug>/adjudicate/", views.desk, name="desk"),
    path("study/<slug:slug>/adjudicate/next", views.take_next, name="next"),
    path("study/<slug:slug>/adjudicate/<uuid:case_id>/", views.case, name="case"),
    path("study/<slug:slug>/adjudicate/<uuid:case_id>/decide", views.decide, name="decide"),
    path("study/<slug:slug>/adjudicate/<uuid:case_id>/skip", views.skip, name="skip"),
]
