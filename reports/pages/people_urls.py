"""The addresses below a study's people that this room has."""

from django.urls import path

from . import people_work

app_name = "people_work"

BASE = "study/<slug:slug>/people/"

urlpatterns = [
    path(BASE + "payments/", people_work.payments, name="payments"),
    path(BASE + "payments/payments.csv", people_work.payments_file, name="payments_file"),
    path(BASE + "annotators.csv", people_work.annotators_file, name="file"),
]
