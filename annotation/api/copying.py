"""A new study made from another: a clone, or a challenger to a finished one."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.access import roles_of
from annotation.access.creating import may_create_studies
from annotation.jobs.putting_off import ask_to_copy
from annotation.lifecycle.cloning import WantedCopy
from annotation.lifecycle.drafts import check_slug
from annotation.models import ApiToken, Study, StudyJob

from .edges import StudyView
from .problems import Conflict
from .schema import OF_A_STUDY, tells
from .studies import NOT_FOR_YOU, OF_ONE_STUDY, put_off, show
from .study_shapes import JobSerializer, NewStudySerializer, RunStudySerializer


class CloneSerializer(NewStudySerializer):
    with_content = serializers.BooleanField(
        default=False, help_text="Prompts, responses and checks, too; not of a sealed study."
    )


class CopyView(StudyView):
    """Begins a study, as only those may who may begin one at all."""

    continues = False

    def answer(self, wanted: dict[str, Any]) -> Response:
        token = self.request.auth
        if isinstance(token, ApiToken) and token.study_id is not None:
            raise exceptions.PermissionDenied(OF_ONE_STUDY)
        if not may_create_studies(self.user):
            raise exceptions.PermissionDenied(NOT_FOR_YOU)
        check_slug(wanted["slug"])
        try:
            made = ask_to_copy(
                self.study, self.user, WantedCopy(**wanted, continues=self.continues)
            )
        except ValidationError:
            # What else could be wrong was checked above.
            if Study.objects.filter(slug=wanted["slug"]).exists():
                raise Conflict(f"The name {wanted['slug']} is taken. Choose another.") from None
            raise
        if isinstance(made, StudyJob):
            return put_off(made, self.user)
        study = Study.objects.get(slug=made["slug"])
        return Response(show(study, roles_of(self.user, study)), status=201)


class Clone(CopyView):
    @extend_schema(
        **tells(
            RunStudySerializer, "studies_clone", "Begin a study with the settings of this one",
            OF_A_STUDY, 201, takes=CloneSerializer, later=JobSerializer,
        )
    )  # fmt: skip
    def post(self, request: Request, slug: str) -> Response:
        return self.answer(self.read(CloneSerializer))


class Challenge(CopyView):
    continues = True

    @extend_schema(
        **tells(
            RunStudySerializer, "studies_challenge",
            "Begin a study that adds a system to this finished one", OF_A_STUDY, 201,
            takes=NewStudySerializer, later=JobSerializer,
        )
    )  # fmt: skip
    def post(self, request: Request, slug: str) -> Response:
        return self.answer(self.read(NewStudySerializer))
