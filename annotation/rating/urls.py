"""The addresses of rating, under study/<slug>/rate/."""

from django.urls import include, path

from . import about_you, edges, message_pages, own_pages, views

app_name = "rating"

# Named after their common beginning, which is then looked at once for all of them.
of_a_study = [
    path("", views.page, name="page"),
    path("next", edges.next_pairs, name="next"),
    path("vote", edges.vote, name="vote"),
    path("renew", edges.renew, name="renew"),
    path("skip", edges.skip, name="skip"),
    path("flag", edges.flag, name="flag"),
    path("undo", edges.undo, name="undo"),
    path("draft", edges.draft, name="draft"),
    path("keys", edges.keys, name="keys"),
    path("summary", edges.summary, name="summary"),
    path("answers/", own_pages.answers, name="answers"),
    path("answers/<uuid:assignment>/", own_pages.answer, name="answer"),
    path("messages", message_pages.unread, name="messages"),
    path("messages/<uuid:message>", message_pages.read, name="read_message"),
    path("session", edges.session, name="session"),
    path("about-you/", about_you.about_you, name="about_you"),
]

urlpatterns = [path("study/<slug:slug>/rate/", include(of_a_study))]
