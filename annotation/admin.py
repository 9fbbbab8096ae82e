"""The operator's back door: accounts, roles, links, states and the log; read-mostly.

It shows no content, no votes, no outcomes and no system names, and every change goes through the
functions that the pages use. Other rooms register on `site`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from annotation import audit, people
from annotation.models import AuditEntry, Invitation, Membership, Role, Study, User

# Generic for the type checker only.
if TYPE_CHECKING:
    AnyModelAdmin = admin.ModelAdmin[Any]
    UserModelAdmin = admin.ModelAdmin[User]
else:
    AnyModelAdmin = UserModelAdmin = admin.ModelAdmin


class OperatorSite(admin.AdminSite):
    site_header = "evalsite"
    site_title = "evalsite"
    index_title = "Accounts and studies"

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One sign-in page for everybody; an account without the right is told so."""
        if request.user.is_authenticated:
            raise PermissionDenied("This account does not run the site.")
        return redirect_to_login(request.GET.get("next", "/admin/"))


site = OperatorSite(name="admin")


class ReadOnlyAdmin(AnyModelAdmin):
    """Rows to look at: nothing can be added, changed or deleted here."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(User, site=site)
class UserAdmin(UserModelAdmin):
    """Accounts. They can be blocked and unblocked; a blocked one is out at its next request."""

    list_display = ("username", "is_active", "is_superuser", "date_joined", "last_login")
    list_filter = ("is_active", "is_superuser")
    search_fields = ("username",)
    fields = ("username", "is_active", "is_superuser", "date_joined", "last_login")
    readonly_fields = ("username", "is_superuser", "date_joined", "last_login")
    actions = ("issue_password_links",)

    @admin.action(description="Issue links to set a new password")
    def issue_password_links(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse:
        """For people who forgot theirs. The links are shown once, on the page that answers."""
        issued = [
            (user, people.issue_set_password_link(user, actor_of(request)))
            for user in queryset.filter(is_active=True)
        ]
        return render(
            request,
            "annotation/accounts/issued_links.html",
            {
                **self.admin_site.each_context(request),
                "title": "Links to set a new password",
                "links": [
                    (user.get_username(), people.invitation_url(link.token))
                    for user, link in issued
                ],
            },
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        with transaction.atomic():
            obj.save(update_fields=["is_active"])
            action = "account.unblocked" if obj.is_active else "account.blocked"
            audit.record(None, actor_of(request), action, {"user": obj.pk})


@admin.register(Membership, site=site)
class MembershipAdmin(ReadOnlyAdmin):
    """Who is what in which study; roles can be ended."""

    list_display = ("study", "user", "role", "created_at")
    list_filter = ("role", "study")
    list_select_related = ("study", "user")
    search_fields = ("user__username", "study__slug")
    actions = ("end_roles",)

    @admin.action(description="End the chosen roles")
    def end_roles(self, request: HttpRequest, queryset: QuerySet[Membership]) -> None:
        ended = 0
        for membership in queryset.select_related("study", "user"):
            try:
                people.remove_role(
                    membership.study,
                    membership.user,
                    Role(membership.role),
                    actor_of(request),
                )
            except people.PeopleError as refused:
                self.message_user(request, str(refused), messages.ERROR)
            else:
                ended += 1
        if ended:
            self.message_user(request, f"Roles ended: {ended}.", messages.SUCCESS)


@admin.register(Invitation, site=site)
class InvitationAdmin(ReadOnlyAdmin):
    """Links that were issued, without their secrets; live ones can be withdrawn."""

    list_display = ("purpose", "study", "role", "user", "created_at", "status")
    list_filter = ("purpose", "role", "study")
    list_select_related = ("study", "user")
    exclude = ("token_hash",)
    actions = ("revoke",)

    @admin.display(description="status")
    def status(self, invitation: Invitation) -> str:
        return people.status_of(invitation).value

    @admin.action(description="Withdraw the chosen links")
    def revoke(self, request: HttpRequest, queryset: QuerySet[Invitation]) -> None:
        revoked = 0
        for invitation in queryset:
            try:
                people.revoke_invitation(invitation, actor_of(request))
            except people.InvitationRefusedError as refused:
                self.message_user(request, str(refused), messages.WARNING)
            else:
                revoked += 1
        if revoked:
            self.message_user(request, f"Links withdrawn: {revoked}.", messages.SUCCESS)


@admin.register(Study, site=site)
class StudyAdmin(ReadOnlyAdmin):
    """Studies and their states."""

    list_display = ("slug", "title", "state", "results", "opened_at", "closed_at", "unblinded_at")
    list_filter = ("state", "results")
    search_fields = ("slug", "title")
    fields = (
        "slug",
        "title",
        "state",
        "results",
        "stopping",
        "created_at",
        "opened_at",
        "closed_at",
        "unblinded_at",
    )


@admin.register(AuditEntry, site=site)
class AuditEntryAdmin(ReadOnlyAdmin):
    """The chained log."""

    list_display = ("scope", "seq", "at", "actor", "action")
    list_filter = ("action", "scope")
    list_select_related = ("actor",)
    ordering = ("-at", "-pk")


def actor_of(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None
