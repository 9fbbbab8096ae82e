"""The addresses of signing in, of passwords and single-use links, and of home."""

from django.urls import path

from . import crowd_start, views

urlpatterns = [
    path("", views.home, name="home"),
    path("sign-in/", views.sign_in, name="sign_in"),
    path("sign-out/", views.sign_out, name="sign_out"),
    path("password/", views.change_password, name="change_password"),
    path("start/<str:token>/", crowd_start.start, name="crowd_start"),
    path("invitation/<str:token>/", views.invitation, name="invitation"),
]
