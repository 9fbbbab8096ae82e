"""The addresses of signing in, of passwords and single-use links, and of home."""

from django.urls import path

from . import views

urlpatterns = [
    path("", views.home, name="home"),
    path("sign-in/", views.sign_in, name="sign_in"),
    path("sign-out/", views.sign_out, name="sign_out"),
    path("password/", views.change_password, name="change_password"),
    path("invitation/<str:token>/", views.invitation, name="invitation"),
]
