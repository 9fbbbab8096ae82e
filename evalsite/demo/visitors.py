"""The visitor's two accounts in the demo: no password, only single-use links on this machine."""

from __future__ import annotations

from django.db import transaction
from django.urls import reverse

from annotation.models import Role, Study, User
from annotation.people.invitations import issue_sign_in_link
from annotation.people.links import invitation_url
from annotation.people.members import grant_role

ANNOTATOR = "demo-annotator"
RESEARCHER = "demo-researcher"


def visitor(study: Study, username: str, role: Role) -> User:
    """The account of that name, with the role; made on the first start."""
    with transaction.atomic():
        user, created = User.objects.get_or_create(username=username)
        if created:
            user.set_unusable_password()
            user.save(update_fields=["password"])
        grant_role(study, user, role, None)
    return user


def issue_links(study: Study, port: int) -> dict[str, str]:
    """New links for this start, which end those of earlier starts.

    The two go by different names of this machine: a browser keeps their cookies apart, so that
    both accounts can be used side by side in it.
    """
    annotator = visitor(study, ANNOTATOR, Role.ANNOTATOR)
    researcher = visitor(study, RESEARCHER, Role.OWNER)
    rating = issue_sign_in_link(
        annotator, next_path=reverse("rating:page", kwargs={"slug": study.slug})
    )
    report = issue_sign_in_link(
        researcher, next_path=reverse("reports:report", kwargs={"slug": study.slug})
    )
    return {
        "annotator": invitation_url(rating.token, f"http://127.0.0.1:{port}"),
        "researcher": invitation_url(report.token, f"http://localhost:{port}"),
    }
