"""The log of a study: who looked at results and all that was done, and whether the chain holds."""

from __future__ import annotations

from typing import Any

from django.db.models import Min
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import audit
from annotation.access.outcomes import roles_can_see_outcomes
from annotation.api.edges import PAGED, StudyView
from annotation.api.lists import FilteredView
from annotation.api.schema import OF_A_STUDY, lists, tells
from annotation.models import AuditEntry
from reports.watching.trail import KINDS, OUTCOMES

# More tell nobody more; their number is told.
MOST_FAULTS = 100


class EntrySerializer(serializers.Serializer[Any]):
    """An act. Its hash covers what it says and the hash before it.

    Whoever knows all but one figure of an entry can try figures until the hash fits, and each later
    hash follows from it: so hashes are withheld from the first withheld detail on.
    """

    seq = serializers.IntegerField(help_text="Its place in the chain, from 1.")
    at = serializers.DateTimeField()
    actor = serializers.SerializerMethodField(
        help_text="Null: the system, or the operator at the command line."
    )
    action = serializers.CharField()
    detail = serializers.SerializerMethodField(
        help_text="While the study is sealed, without what tells of outcomes."
    )
    prev_hash = serializers.SerializerMethodField(
        help_text="Empty for the first; and after an entry whose hash is withheld."
    )
    hash = serializers.SerializerMethodField(
        help_text="Empty while the study is sealed, from the first entry on whose detail is told "
        "in part: what is withheld could be guessed from it. The verification reads all."
    )

    def get_actor(self, row: AuditEntry) -> str | None:
        return None if row.actor is None else row.actor.get_username()

    def get_detail(self, row: AuditEntry) -> dict[str, Any]:
        sealed = frozenset() if self.context["sees"] else OUTCOMES.get(row.action, frozenset())
        return {name: value for name, value in row.detail.items() if name not in sealed}

    def get_prev_hash(self, row: AuditEntry) -> str:
        withheld = self.context["withheld_from"]
        return row.prev_hash if withheld is None or row.seq <= withheld else ""

    def get_hash(self, row: AuditEntry) -> str:
        withheld = self.context["withheld_from"]
        return row.hash if withheld is None or row.seq < withheld else ""


class FaultyPlaceSerializer(serializers.Serializer[Any]):
    seq = serializers.IntegerField()
    reason = serializers.CharField()


class VerifiedSerializer(serializers.Serializer[Any]):
    holds = serializers.BooleanField()
    entries = serializers.IntegerField()
    faults = FaultyPlaceSerializer(many=True, help_text=f"The first {MOST_FAULTS}.")


KIND = OpenApiParameter(
    "kind", {"type": "string", "enum": list(KINDS), "default": "all"}, description="Of this kind."
)


class Log(FilteredView):
    choices = {"kind": tuple(KINDS)}
    reads = (*PAGED, "kind")

    @extend_schema(
        **lists(EntrySerializer, "log_list", "Read the log, newest first", OF_A_STUDY, [KIND])
    )
    def get(self, request: Request, slug: str) -> Response:
        _, wanted = KINDS[self.wanted("kind") or "all"]
        chain = AuditEntry.objects.filter(scope=audit.scope_of(self.study))
        sees = roles_can_see_outcomes(self.held, self.study)
        telling = chain.none() if sees else chain.filter(action__in=OUTCOMES)
        return self.paginated(
            chain.filter(wanted).select_related("actor"),
            EntrySerializer,
            ordering=("-seq",),
            sees=sees,
            withheld_from=telling.aggregate(first=Min("seq"))["first"],
        )


class VerifyLog(StudyView):
    @extend_schema(
        **tells(
            VerifiedSerializer, "log_verify", "Check that the chain of the log holds", OF_A_STUDY
        )
    )
    def get(self, request: Request, slug: str) -> Response:
        faults = list(audit.verify(self.study))
        entries = AuditEntry.objects.filter(scope=audit.scope_of(self.study)).count()
        return Response(
            {
                "holds": not faults,
                "entries": entries,
                "faults": [
                    {"seq": fault.seq, "reason": fault.reason} for fault in faults[:MOST_FAULTS]
                ],
            }
        )
