"""The system that a study's ratings are measured from."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.access.outcomes import READERS
from annotation.api.edges import StudyView
from annotation.api.problems import Refused
from annotation.api.schema import OF_A_STUDY, tells
from reports import rating_anchor
from reports.models.anchors import DEFAULT_RATING, HIGHEST, LOWEST
from reports.rating_anchor import AnchorRefusedError


class AnchorSerializer(serializers.Serializer[Any]):
    """Where one system of the study stands in its reports."""

    system = serializers.CharField(
        max_length=255,
        allow_null=True,
        trim_whitespace=False,
        help_text="Its name, or its code while names are sealed. Null: none, so that the mean of "
        "each group of systems is 1000.",
    )
    rating = serializers.FloatField(
        min_value=LOWEST,
        max_value=HIGHEST,
        default=DEFAULT_RATING,
        help_text="Where it stands; all ratings of its group are measured from it.",
    )


class ShownAnchorSerializer(AnchorSerializer):
    withheld = serializers.BooleanField(
        help_text="There is an anchor that was chosen by its name before the study was opened. It "
        "is told once names are."
    )


class AnchorOfRatings(StudyView):
    roles = READERS

    def shown(self) -> Response:
        found = rating_anchor.shown_anchor(self.study)
        if found is None:
            found = rating_anchor.ShownAnchor(None, DEFAULT_RATING, withheld=False)
        return Response(ShownAnchorSerializer(found).data)

    @extend_schema(
        **tells(
            ShownAnchorSerializer, "anchor_get", "Read what ratings are measured from", OF_A_STUDY
        )
    )
    def get(self, request: Request, slug: str) -> Response:
        return self.shown()

    @extend_schema(
        **tells(
            ShownAnchorSerializer, "anchor_set",
            "Say what ratings are measured from; the next analysis follows it", OF_A_STUDY,
            takes=AnchorSerializer,
        )
    )  # fmt: skip
    def put(self, request: Request, slug: str) -> Response:
        wanted = self.read(AnchorSerializer)
        try:
            if wanted["system"] is None:
                rating_anchor.remove_anchor(self.study, self.user)
            else:
                rating_anchor.set_anchor(self.study, self.user, **wanted)
        except AnchorRefusedError as refused:
            raise Refused("Nothing was changed.", [(refused.place, str(refused))]) from None
        return self.shown()
