"""Votes as rows, one vote with all its revisions, flags and skips, and asking to look at a pair.

As on the pages of watching: a row says what was clicked and never on which side a system stood,
which together would be an outcome. Who may see outcomes sees verdicts of one vote; while a study is
sealed an owner or a researcher asks for a pair first, which is a look, and the log keeps it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import Q, QuerySet
from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.access.outcomes import READERS, roles_can_see_outcomes
from annotation.api.edges import PAGED
from annotation.api.lists import FilteredView
from annotation.api.problems import Conflict, Refused
from annotation.api.schema import OF_A_STUDY, lists, tells
from annotation.models import (
    AssignmentState,
    Choice,
    Comparison,
    ComparisonKind,
    Flag,
    Role,
    SkipReason,
    Study,
    Verdict,
    Vote,
    VoteSource,
)
from annotation.selectors import counted_votes, excluded_votes, repeated_votes
from reports import looks
from reports.watching.names import Names, Watcher
from reports.watching.pair import Details
from reports.watching.vote_entries import (
    answers_of,
    checks_of,
    revisions_of,
    skipped_of,
    surplus_of,
    training_of,
)

WATCHERS = READERS | {Role.MONITOR}
OF_WATCHERS = "Owners, researchers and monitors of the study."

KINDS: Mapping[str, Callable[[Study], QuerySet[Vote]]] = {
    "counted": counted_votes,
    "answers": answers_of,
    "late": lambda study: counted_votes(study).filter(late=True),
    "surplus": surplus_of,
    "excluded": excluded_votes,
    "gold": checks_of(ComparisonKind.GOLD),
    "identical": checks_of(ComparisonKind.IDENTICAL),
    "consistency": checks_of(ComparisonKind.CONSISTENCY),
    "repeats": repeated_votes,
    "revisions": revisions_of,
    "training": training_of,
}


class PairSerializer(serializers.Serializer[Any]):
    """Which pair a row is about."""

    item_id = serializers.SerializerMethodField()
    prompt_id = serializers.SerializerMethodField()
    category = serializers.SerializerMethodField()
    systems = serializers.SerializerMethodField(
        help_text="In an order of their own, not that of the sides; codes while sealed."
    )

    def comparison(self, row: Any) -> Comparison:
        found: Comparison = row.comparison
        return found

    def get_item_id(self, row: Any) -> str | None:
        return self.comparison(row).item_id

    def get_prompt_id(self, row: Any) -> str:
        return self.comparison(row).prompt.prompt_id

    def get_category(self, row: Any) -> str:
        return self.comparison(row).prompt.category

    def get_systems(self, row: Any) -> list[str]:
        names: Names = self.context["names"]
        comparison = self.comparison(row)
        both = names.in_order(comparison.system_a_id, comparison.system_b_id)
        return [names.labels[key] for key in both]


class VoteRowSerializer(PairSerializer):
    id = serializers.IntegerField(source="pk")
    annotator_id = serializers.CharField(source="annotator.external_id")
    source = serializers.ChoiceField(choices=VoteSource.values)  # type: ignore[assignment]
    choice = serializers.ChoiceField(
        choices=Choice.values, allow_null=True, help_text="What was clicked; null of an import."
    )
    revision = serializers.IntegerField(help_text="0 is the first answer.")
    late = serializers.BooleanField()
    active_ms = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField()


class CriterionAnswerSerializer(serializers.Serializer[Any]):
    criterion = serializers.CharField()
    choice = serializers.ChoiceField(choices=Choice.values, allow_null=True)
    margin = serializers.IntegerField(allow_null=True)
    preferred = serializers.CharField(allow_null=True)


class RevisionSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    revision = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    choice = serializers.ChoiceField(choices=Choice.values, allow_null=True)
    margin = serializers.IntegerField(allow_null=True)
    verdict = serializers.ChoiceField(
        choices=["preference", Verdict.TIE.value, Verdict.BOTH_BAD.value], allow_null=True,
        help_text="Null while it may not be seen.",
    )  # fmt: skip
    preferred = serializers.CharField(
        allow_null=True, help_text="The system that won, as it may be called now."
    )
    criteria = CriterionAnswerSerializer(many=True, help_text="All but `overall`.")
    confidence = serializers.FloatField(allow_null=True)
    active_ms = serializers.IntegerField(allow_null=True)
    elapsed_ms = serializers.IntegerField(allow_null=True)
    first_choice_ms = serializers.IntegerField(allow_null=True)
    rationale = serializers.CharField(allow_blank=True, help_text="Empty while sealed.")
    tags = serializers.ListField(child=serializers.CharField())


class WholeVoteSerializer(VoteRowSerializer):
    revisions = RevisionSerializer(many=True, help_text="Every answer to this pair, in order.")
    facts = serializers.ListField(
        child=serializers.CharField(), help_text="Flags, exclusions, why it was given back."
    )


class SkipSerializer(PairSerializer):
    annotator_id = serializers.CharField(source="annotator.external_id")
    reason = serializers.ChoiceField(choices=SkipReason.values, source="skip_reason")
    state = serializers.ChoiceField(choices=AssignmentState.values)
    reserved_at = serializers.DateTimeField()


class FlagSerializer(PairSerializer):
    id = serializers.IntegerField(source="pk")
    annotator_id = serializers.CharField(source="assignment.annotator.external_id")
    reason = serializers.CharField()
    created_at = serializers.DateTimeField()

    def comparison(self, row: Flag) -> Comparison:
        return row.assignment.comparison


class AskSerializer(serializers.Serializer[Any]):
    item_id = serializers.CharField(max_length=255)


class AskedSerializer(serializers.Serializer[Any]):
    item_id = serializers.CharField()
    votes = serializers.ListField(
        child=serializers.IntegerField(), help_text="Numbers of the votes that may be read now."
    )


SHOW = OpenApiParameter(
    "show", {"type": "string", "enum": list(KINDS), "default": "counted"}, description="Of a kind."
)
ANNOTATOR = OpenApiParameter("annotator", OpenApiTypes.STR, description="Of this annotator_id.")
ITEM = OpenApiParameter("item_id", OpenApiTypes.STR, description="On this comparison.")
PROMPT = OpenApiParameter("prompt_id", OpenApiTypes.STR, description="On this prompt.")
CATEGORY = OpenApiParameter("category", OpenApiTypes.STR, description="On prompts like this.")
SYSTEM = OpenApiParameter(
    "system", OpenApiTypes.STR, description="On pairs with this system, as it is called now."
)
NARROWING = [ANNOTATOR, ITEM, PROMPT, CATEGORY, SYSTEM]
OF_A_PAIR = {
    "item_id": "comparison__item_id",
    "prompt_id": "comparison__prompt__prompt_id",
    "category": "comparison__prompt__category",
}
TEXTS = (
    "comparison__prompt__text",
    "comparison__prompt__messages",
    "comparison__prompt__reference",
)


class RowsView(FilteredView):
    """Rows about pairs, for those who watch, named as each of them may know the systems."""

    roles = WATCHERS
    prefix = ""

    def rows(self, rows: QuerySet[Any], serializer: Any) -> Response:
        names = Names.of(self.study, self.watcher())
        asked = self.wanted("system")
        if asked is not None:
            keys = [key for key, label in names.labels.items() if label == asked]
            if not keys:
                raise Refused(
                    "A filter has a value that there is not. Nothing was done.",
                    [("system", "The study has no system of that name or code.")],
                )
            place = f"{self.prefix}comparison__system"
            rows = rows.filter(Q((f"{place}_a__in", keys)) | Q((f"{place}_b__in", keys)))
        return self.paginated(self.narrowed(rows), serializer, ordering=("-pk",), names=names)

    def watcher(self) -> Watcher:
        return Watcher(self.held, roles_can_see_outcomes(self.held, self.study))


class Votes(RowsView):
    filters = {**OF_A_PAIR, "annotator": "annotator__external_id"}
    choices = {"show": tuple(KINDS)}
    reads = (*PAGED, *filters, "show", "system")

    @extend_schema(
        **lists(
            VoteRowSerializer, "votes_list", "List votes, the newest first; no outcome",
            OF_WATCHERS, [SHOW, *NARROWING],
        )
    )  # fmt: skip
    def get(self, request: Request, slug: str) -> Response:
        rows = KINDS[self.wanted("show") or "counted"](self.study)
        rows = rows.select_related("annotator", "comparison__prompt").defer(*TEXTS)
        return self.rows(rows, VoteRowSerializer)


class Skips(RowsView):
    filters = {**OF_A_PAIR, "annotator": "annotator__external_id"}
    reads = (*PAGED, *filters, "system")

    @extend_schema(
        **lists(SkipSerializer, "skips_list", "List pairs given back", OF_WATCHERS, NARROWING)
    )
    def get(self, request: Request, slug: str) -> Response:
        rows = skipped_of(self.study).select_related("annotator", "comparison__prompt")
        return self.rows(rows.defer(*TEXTS), SkipSerializer)


class Flags(RowsView):
    prefix = "assignment__"
    filters = {
        **{name: f"assignment__{column}" for name, column in OF_A_PAIR.items()},
        "annotator": "assignment__annotator__external_id",
    }
    reads = (*PAGED, *filters, "system")

    @extend_schema(
        **lists(FlagSerializer, "flags_list", "List what was flagged", OF_WATCHERS, NARROWING)
    )
    def get(self, request: Request, slug: str) -> Response:
        rows = (
            Flag.objects.filter(assignment__annotator__study=self.study)
            .exclude(assignment__kind=ComparisonKind.TRAINING)
            .select_related("assignment__annotator", "assignment__comparison__prompt")
        )
        return self.rows(rows, FlagSerializer)


class Looks(FilteredView):
    @extend_schema(
        **tells(
            AskedSerializer, "looks_ask",
            "Ask to see what was answered on one pair of a sealed study; the log keeps it",
            OF_A_STUDY, 201, takes=AskSerializer,
        )
    )  # fmt: skip
    def post(self, request: Request, slug: str) -> Response:
        wanted = self.read(AskSerializer)
        found = Comparison.objects.filter(study=self.study, item_id=wanted["item_id"]).first()
        if found is None:
            raise Http404("The study has no comparison with this item_id.")
        if not self.study.is_sealed:
            raise Conflict("The study is not sealed: its votes can be read. No look was written.")
        votes = list(
            Vote.objects.filter(comparison=found).order_by("pk").values_list("pk", flat=True)
        )
        looks.record_pair(self.study, self.user, found.pk, len(votes))
        return Response({"item_id": found.item_id, "votes": votes}, status=201)


class OneVote(RowsView):
    reads = ()

    @extend_schema(
        **tells(
            WholeVoteSerializer, "votes_get",
            "Read a vote with all its revisions; verdicts where outcomes may be seen, or within "
            "an hour of asking to look at its pair", OF_WATCHERS,
        )
    )  # fmt: skip
    def get(self, request: Request, slug: str, vote: int) -> Response:
        found = (
            Vote.objects.filter(comparison__study=self.study, pk=vote)
            .select_related("annotator", "assignment", "comparison__prompt")
            .first()
        )
        if found is None:
            raise Http404("The study has no such vote.")
        watcher = self.watcher()
        sees = watcher.sees_outcomes or (
            watcher.conducts and looks.has_seen_pair(self.study, self.user, found.comparison_id)
        )
        read = Details.of(found.comparison, with_texts=watcher.conducts and sees)
        names = Names.of(self.study, watcher)
        answers = Vote.objects.filter(comparison=found.comparison, annotator=found.annotator)
        if found.assignment is not None:
            answers = answers.filter(assignment=found.assignment)
            facts = list(read.facts_of(found.assignment))
        else:
            answers = answers.filter(pk=found.pk)
            facts = list(read.exclusions_of_votes.get(found.pk, ()))
        called = Called(found.comparison, names, sees=sees)
        return Response(
            {
                **VoteRowSerializer(found, context={"names": names}).data,
                "revisions": [
                    called.revision(one, read) for one in answers.order_by("revision", "pk")
                ],
                "facts": facts,
            }
        )


class Called:
    """Says what one person answered on a pair, as far as that may be seen."""

    def __init__(self, comparison: Comparison, names: Names, *, sees: bool) -> None:
        self.sides = {"a": comparison.system_a_id, "b": comparison.system_b_id}
        self.names = names
        self.sees = sees

    def preferred(self, verdict: str) -> str | None:
        key = self.sides.get(verdict)
        return self.names.labels[key] if self.sees and key is not None else None

    def revision(self, vote: Vote, read: Details) -> dict[str, Any]:
        note = read.notes.get(vote.pk)
        verdict = "preference" if vote.verdict in self.sides else vote.verdict
        return {
            "id": vote.pk,
            "revision": vote.revision,
            "created_at": vote.created_at,
            "choice": vote.choice,
            "margin": vote.margin,
            "verdict": verdict if self.sees else None,
            "preferred": self.preferred(vote.verdict),
            "criteria": [
                {
                    "criterion": row.criterion.key,
                    "choice": row.choice,
                    "margin": row.margin,
                    "preferred": self.preferred(row.verdict),
                }
                for row in read.criteria.get(vote.pk, ())
            ],
            "confidence": vote.confidence,
            "active_ms": vote.active_ms,
            "elapsed_ms": vote.elapsed_ms,
            "first_choice_ms": vote.first_choice_ms,
            "rationale": "" if note is None else note.rationale,
            "tags": [] if note is None else list(note.tags),
        }
