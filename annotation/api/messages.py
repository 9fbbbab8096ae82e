"""What is written to an annotator: sent, listed, and whether it was read."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import messages
from annotation.messages import MOST_CHARACTERS, MessageRefusedError

from .edges import PAGED
from .problems import Conflict
from .quality import OneAnnotator
from .schema import OF_A_STUDY, lists, tells


class MessageSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    text = serializers.CharField()
    created_at = serializers.DateTimeField()
    read_at = serializers.DateTimeField(allow_null=True)


class NewMessageSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=MOST_CHARACTERS)


class Messages(OneAnnotator):
    reads = PAGED
    refusals = {MessageRefusedError: Conflict}

    @extend_schema(
        **lists(MessageSerializer, "messages_list", "List what was written to one", OF_A_STUDY)
    )
    def get(self, request: Request, slug: str, annotator: str) -> Response:
        return self.paginated(self.annotator(annotator).messages.all(), MessageSerializer)

    @extend_schema(
        **tells(
            MessageSerializer, "messages_send", "Write to an annotator, who sees it on their page",
            OF_A_STUDY, 201, takes=NewMessageSerializer,
        )
    )  # fmt: skip
    def post(self, request: Request, slug: str, annotator: str) -> Response:
        wanted = self.read(NewMessageSerializer)
        sent = messages.send(self.annotator(annotator), wanted["text"], self.user)
        return Response(MessageSerializer(sent).data, status=201)
