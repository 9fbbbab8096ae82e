"""People of a study: members, roles, teams, invitations, a platform's link, the end of a part."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.validators import MaxLengthValidator
from django.db import transaction
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import people
from annotation.answer_rules import OwnVotes
from annotation.models import (
    LONGEST_TEAM,
    Invitation,
    InvitationPurpose,
    MailState,
    Role,
)
from annotation.people.crowd import CROWD_LIFETIME, MOST_DAYS, MOST_PEOPLE
from annotation.people.invitations import MAX_INVITATIONS
from annotation.people.invited import invitations_of
from annotation.people.lists import LONGEST_EMAIL, LONGEST_NAME
from annotation.people.reminding import why_no_reminder
from annotation.people.roster import accounts_of, find_person, people_of
from annotation.rules import rules_of
from annotation.tasks import ring_for_letters

from .edges import PAGED, StudyView
from .problems import Conflict
from .schema import OF_A_STUDY, lists, tells
from .study_shapes import NothingSerializer

OWNERS = "Owners; researchers for annotators alone."
ROLES = Role.values


class MemberSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(source="user.pk", help_text="In addresses below members.")
    name = serializers.CharField(source="user.username")
    roles = serializers.ListField(child=serializers.ChoiceField(choices=ROLES))
    team = serializers.CharField(allow_blank=True)
    participant = serializers.CharField(allow_blank=True, help_text="A platform's name for them.")
    annotator_id = serializers.SerializerMethodField(help_text="Their name in files, or null.")
    state = serializers.SerializerMethodField(help_text="As annotator, or null.")
    profile = serializers.SerializerMethodField(help_text="What they said of themselves.")
    answered = serializers.SerializerMethodField()
    own_votes = serializers.ChoiceField(
        choices=list(OwnVotes),
        allow_null=True,
        help_text="Whether the votes of an owner count in the study; null of others.",
    )

    def get_annotator_id(self, row: Any) -> str | None:
        return row.annotator.external_id if row.annotator else None

    def get_state(self, row: Any) -> str | None:
        return str(row.annotator.state) if row.annotator else None

    def get_profile(self, row: Any) -> dict[str, Any]:
        return dict(row.annotator.profile) if row.annotator else {}

    def get_answered(self, row: Any) -> int:
        return int(row.annotator.answered) if row.annotator else 0


class ListedMembers(serializers.ListSerializer[Any]):
    """A page of accounts, put together at once."""

    def to_representation(self, data: Any) -> list[Any]:
        study = self.context["study"]
        return [MemberSerializer(row).data for row in people_of(study, list(data))]


class ListedMember(serializers.Serializer[Any]):
    class Meta:
        list_serializer_class = ListedMembers


class RolesSerializer(serializers.Serializer[Any]):
    roles = serializers.ListField(
        child=serializers.ChoiceField(choices=ROLES),
        max_length=len(ROLES),
        help_text="All that the person shall have; annotators are ended by `end`.",
    )


class TeamSerializer(serializers.Serializer[Any]):
    team = serializers.CharField(max_length=LONGEST_TEAM, allow_blank=True)


class EndSerializer(serializers.Serializer[Any]):
    votes = serializers.ChoiceField(choices=["keep", "withdraw"])
    reason = serializers.CharField(
        max_length=400, required=False, allow_blank=True, default="",
        help_text="Needed to withdraw.",
    )  # fmt: skip


class InviteeSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(
        max_length=LONGEST_NAME, required=False, allow_blank=True, default=""
    )
    email = serializers.EmailField(
        required=False, allow_blank=True, default="", max_length=LONGEST_EMAIL
    )
    role = serializers.ChoiceField(choices=ROLES, default=Role.ANNOTATOR.value)
    team = serializers.CharField(
        max_length=LONGEST_TEAM, required=False, allow_blank=True, default=""
    )


class InviteSerializer(serializers.Serializer[Any]):
    people = serializers.ListField(
        child=InviteeSerializer(),
        min_length=1,
        validators=[MaxLengthValidator(MAX_INVITATIONS)],
    )
    by_email = serializers.BooleanField(
        default=False, help_text="Send each a letter; otherwise the links are answered, this once."
    )


class InvitationSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(source="pk")
    name = serializers.CharField(allow_blank=True)
    email = serializers.CharField(allow_blank=True)
    role = serializers.ChoiceField(choices=ROLES)
    team = serializers.CharField(allow_blank=True)
    status = serializers.SerializerMethodField()
    expires_at = serializers.DateTimeField()
    used_at = serializers.DateTimeField(allow_null=True)
    mail_state = serializers.ChoiceField(
        choices=[state for state in MailState.values if state], allow_blank=True
    )
    mail_sent_at = serializers.DateTimeField(allow_null=True)
    mail_fault = serializers.CharField(allow_blank=True)
    reminder = serializers.IntegerField(help_text="Which reminder it is; 0 is a first letter.")
    no_reminder = serializers.SerializerMethodField(help_text="Why none can be sent now, or empty.")

    def get_status(self, row: Invitation) -> str:
        return people.status_of(row).value

    def get_no_reminder(self, row: Invitation) -> str:
        return why_no_reminder(row, timezone.now())


class IssuedSerializer(InvitationSerializer):
    link = serializers.CharField(
        allow_null=True, help_text="Null where a letter brings it. It cannot be had again."
    )


class InvitedSerializer(serializers.Serializer[Any]):
    invitations = IssuedSerializer(many=True)


class RemindedSerializer(serializers.Serializer[Any]):
    reminders = serializers.IntegerField(help_text="Letters that are sent now.")


class CrowdLinkSerializer(serializers.Serializer[Any]):
    most_people = serializers.IntegerField(min_value=1, max_value=MOST_PEOPLE)
    days = serializers.IntegerField(min_value=1, max_value=MOST_DAYS, default=CROWD_LIFETIME.days)


class IssuedCrowdLinkSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    link = serializers.CharField(help_text="It cannot be had again.")
    most_people = serializers.IntegerField()
    expires_at = serializers.DateTimeField()


class ErasedSerializer(serializers.Serializer[Any]):
    annotator_id = serializers.CharField(help_text="The name under which the votes stand now.")
    votes = serializers.IntegerField()


class Members(StudyView):
    reads = PAGED

    @extend_schema(**lists(MemberSerializer, "members_list", "List members", OF_A_STUDY))
    def get(self, request: Request, slug: str) -> Response:
        return self.paginated(accounts_of(self.study), ListedMember, study=self.study)


class MemberView(StudyView):
    """About one member, by the number of their account."""

    def person(self, account: int) -> Any:
        found = find_person(self.study, account)
        if found is None:
            raise Http404("Nobody of this study has that account.")
        return found

    def answer(self, account: int) -> Response:
        return Response(MemberSerializer(self.person(account)).data)


class Member(MemberView):
    @extend_schema(**tells(MemberSerializer, "members_get", "Read a member", OF_A_STUDY))
    def get(self, request: Request, slug: str, account: int) -> Response:
        return self.answer(account)


class MemberRoles(MemberView):
    @extend_schema(
        **tells(MemberSerializer, "members_roles", "Set roles", OWNERS, takes=RolesSerializer)
    )
    def put(self, request: Request, slug: str, account: int) -> Response:
        wanted = {Role(role) for role in self.read(RolesSerializer)["roles"]}
        person = self.person(account)
        changed = wanted ^ set(person.roles)
        people.check_may_manage(self.user, self.study, *changed)
        if Role.ANNOTATOR in set(person.roles) - wanted:
            raise Conflict("An annotator's part is ended by `end`, which asks about the votes.")
        people.set_roles(self.study, person.user, wanted, self.user)
        return self.answer(account)


class MemberTeam(MemberView):
    @extend_schema(
        **tells(MemberSerializer, "members_team", "Set the team", OWNERS, takes=TeamSerializer)
    )
    def put(self, request: Request, slug: str, account: int) -> Response:
        wanted = self.read(TeamSerializer)
        person = self.person(account)
        people.check_may_manage(self.user, self.study, *person.roles)
        people.set_team(self.study, person.user, wanted["team"], self.user)
        return self.answer(account)


class MemberEnd(MemberView):
    @extend_schema(
        **tells(
            MemberSerializer, "members_end", "End an annotator's part", OF_A_STUDY,
            takes=EndSerializer,
        )
    )  # fmt: skip
    def post(self, request: Request, slug: str, account: int) -> Response:
        wanted = self.read(EndSerializer)
        person = self.person(account)
        people.end_part(
            self.study,
            person.user,
            self.user,
            withdraw_votes=wanted["votes"] == "withdraw",
            reason=wanted["reason"],
        )
        return self.answer(account)


class MemberErase(MemberView):
    roles = frozenset({Role.OWNER})

    @extend_schema(
        **tells(ErasedSerializer, "members_erase", "Erase a person, for good", "Owners.")
    )
    def delete(self, request: Request, slug: str, account: int) -> Response:
        person = self.person(account)
        if person.annotator is None:
            raise Conflict("This account is no annotator of the study. Nothing was erased.")
        erased = people.erase(person.annotator, self.user)
        return Response({"annotator_id": erased.new_name, "votes": erased.belongings.votes})


class Invitations(StudyView):
    reads = PAGED

    @extend_schema(
        **lists(InvitationSerializer, "invitations_list", "List invitations", OF_A_STUDY)
    )
    def get(self, request: Request, slug: str) -> Response:
        return self.paginated(invitations_of(self.study), InvitationSerializer)

    @extend_schema(
        **tells(
            InvitedSerializer, "invitations_create", "Invite people", OWNERS, 201,
            takes=InviteSerializer,
        )
    )  # fmt: skip
    def post(self, request: Request, slug: str) -> Response:
        wanted = self.read(InviteSerializer)
        invitees = [
            people.Invitee(
                entry["name"], entry["email"], Role(entry["role"]), entry["team"], number
            )
            for number, entry in enumerate(wanted["people"], 1)
        ]
        issued = people.invite_people(self.study, invitees, self.user, by_email=wanted["by_email"])
        if wanted["by_email"]:
            transaction.on_commit(ring_for_letters)
        site = request.build_absolute_uri("/")
        rows = [
            {
                **InvitationSerializer(entry.invitation).data,
                "link": None if wanted["by_email"] else people.invitation_url(entry.token, site),
            }
            for entry in issued
        ]
        return Response({"invitations": rows}, status=201)


class InvitationView(StudyView):
    purpose = InvitationPurpose.JOIN

    def found(self, invitation: int) -> Invitation:
        row = Invitation.objects.filter(
            study=self.study,
            pk=invitation,
            purpose__in=(InvitationPurpose.JOIN, InvitationPurpose.CROWD),
        ).first()
        if row is None:
            raise Http404("The study has no such invitation.")
        return row


class OneInvitation(InvitationView):
    @extend_schema(
        **tells(
            InvitationSerializer, "invitations_withdraw", "Withdraw a link", OWNERS, also=(409,)
        )
    )
    def delete(self, request: Request, slug: str, invitation: int) -> Response:
        row = self.found(invitation)
        people.withdraw(row, self.user)
        row.refresh_from_db()
        return Response(InvitationSerializer(row).data)


class RemindInvitation(InvitationView):
    @extend_schema(
        **tells(
            InvitationSerializer, "invitations_remind", "Send a reminder", OWNERS, 201, also=(409,)
        )
    )
    def post(self, request: Request, slug: str, invitation: int) -> Response:
        new = people.remind(self.found(invitation), self.user)
        transaction.on_commit(ring_for_letters)
        return Response(InvitationSerializer(new).data, status=201)


class RemindInvitations(StudyView):
    @extend_schema(
        **tells(
            RemindedSerializer, "invitations_remind_all",
            "Send everybody a reminder who has not come and may get one", OF_A_STUDY,
            takes=NothingSerializer,
        )
    )  # fmt: skip
    def post(self, request: Request, slug: str) -> Response:
        self.read(NothingSerializer)
        count = people.remind_all(self.study, self.user)
        transaction.on_commit(ring_for_letters)
        return Response({"reminders": count})


class CrowdLinks(StudyView):
    @extend_schema(
        **tells(
            IssuedCrowdLinkSerializer, "crowd_links_create", "Make a platform's link", OF_A_STUDY,
            201, takes=CrowdLinkSerializer,
        )
    )  # fmt: skip
    def post(self, request: Request, slug: str) -> Response:
        wanted = self.read(CrowdLinkSerializer)
        people.check_may_manage(self.user, self.study, Role.ANNOTATOR)
        issued = people.issue_crowd_link(
            self.study, wanted["most_people"], self.user, lifetime=timedelta(days=wanted["days"])
        )
        link = people.crowd_url(
            issued.token, rules_of(self.study.rules).crowd, request.build_absolute_uri("/")
        )
        row = issued.invitation
        return Response(
            {
                "id": row.pk,
                "link": link,
                "most_people": row.most_people,
                "expires_at": row.expires_at,
            },
            status=201,
        )
