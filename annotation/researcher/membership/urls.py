"""The addresses of a study's people, under study/<slug>/people/."""

from django.urls import path

from . import crowd, invitations, members, questions

app_name = "people"

BASE = "study/<slug:slug>/people/"

urlpatterns = [
    path(BASE, members.members, name="members"),
    path(BASE + "<int:account>/", members.member, name="member"),
    path(BASE + "<int:account>/roles", members.set_roles, name="roles"),
    path(BASE + "<int:account>/team", members.set_team, name="team"),
    path(BASE + "<int:account>/end", members.end_part, name="end"),
    path(BASE + "<int:account>/erase", members.erase, name="erase"),
    path(BASE + "invitations/", invitations.invitations, name="invitations"),
    path(BASE + "invitations/list", invitations.rows, name="invitation_rows"),
    path(BASE + "invitations/invite", invitations.invite, name="invite"),
    path(BASE + "invitations/links", invitations.links, name="links"),
    path(BASE + "invitations/remind", invitations.remind_all, name="remind_all"),
    path(BASE + "invitations/<int:invitation>/remind", invitations.remind, name="remind"),
    path(BASE + "invitations/<int:invitation>/withdraw", invitations.withdraw, name="withdraw"),
    path(BASE + "platform/", crowd.platform, name="platform"),
    path(BASE + "platform/link", crowd.make_link, name="crowd_link"),
    path(BASE + "platform/<int:invitation>/withdraw", crowd.withdraw_link, name="crowd_withdraw"),
    path(BASE + "questions/", questions.questions, name="questions"),
]
