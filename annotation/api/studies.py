"""Studies: begin one, set it up, pair its responses, open, close and unblind it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Prefetch
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.access import roles_of
from annotation.access.creating import may_create_studies
from annotation.access.outcomes import READERS
from annotation.jobs import putting_off, rows
from annotation.jobs.steps import as_arguments, draft_of
from annotation.lifecycle.drafts import check_slug, create_draft
from annotation.lifecycle.readiness import list_faults, list_warnings
from annotation.lifecycle.rubric import (
    configure_draft,
    criteria_of,
    set_rubric,
)
from annotation.lifecycle.states import (
    archive_study,
    close_study,
    pause_study,
    resume_study,
    unblind_study,
)
from annotation.models import (
    ApiToken,
    JobState,
    Membership,
    Role,
    Study,
    StudyJob,
    User,
)
from annotation.pairing import Design
from annotation.tasks import ring_for_jobs

from .edges import PAGED, SAFE, ApiView, StudyView
from .problems import Conflict
from .schema import OF_A_STUDY, OF_EVERYBODY, lists, tells
from .study_shapes import (
    DesignSerializer,
    GeneratedSerializer,
    JobSerializer,
    NewStudySerializer,
    NothingSerializer,
    OpenSerializer,
    ReadinessSerializer,
    RubricSerializer,
    RunStudySerializer,
    SettingsSerializer,
    StudySerializer,
    UnblindSerializer,
)

EVERYBODY = frozenset(Role)
NOT_FOR_YOU = "Studies are begun by those who run the site or another study."
OF_ONE_STUDY = "A key of one study cannot begin another."


def show(study: Study, roles: frozenset[Role]) -> dict[str, Any]:
    """As somebody with these roles sees it."""
    found: dict[str, Any] = {
        "slug": study.slug,
        "title": study.title,
        "state": study.state,
        "roles": sorted(role.value for role in roles),
        "instructions": study.instructions,
        "created_at": study.created_at,
        "opened_at": study.opened_at,
        "closed_at": study.closed_at,
    }
    if roles & (READERS | {Role.MONITOR}):
        found |= {"is_sealed": study.is_sealed, "unblinded_at": study.unblinded_at}
    if roles & READERS:
        found |= {
            name: getattr(study, name)
            for name in (
                "results",
                "stopping",
                "notice",
                "target_votes",
                "max_per_annotator",
                "rules",
            )
        }
    return found


class Studies(ApiView):
    """The studies in which you have a role, and new ones."""

    reads = PAGED

    def bound_to(self, token: ApiToken) -> None:
        if self.request.method not in SAFE:
            raise exceptions.PermissionDenied(OF_ONE_STUDY)

    @extend_schema(**lists(StudySerializer, "studies_list", "List your studies", OF_EVERYBODY))
    def get(self, request: Request) -> Response:
        own = Membership.objects.filter(user=self.user)
        # By a subquery: a person has several roles in a study.
        studies = Study.objects.filter(pk__in=own.values("study")).prefetch_related(
            Prefetch("memberships", own, to_attr="own")
        )
        token = request.auth
        if isinstance(token, ApiToken) and token.study_id is not None:
            studies = studies.filter(pk=token.study_id)
        return self.paginated(studies, ShownStudy)

    @extend_schema(
        **tells(
            RunStudySerializer, "studies_create", "Begin a study", OF_EVERYBODY, 201,
            takes=NewStudySerializer, also=(403, 409),
        )
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        if not may_create_studies(self.user):
            raise exceptions.PermissionDenied(NOT_FOR_YOU)
        wanted = self.read(NewStudySerializer)
        check_slug(wanted["slug"])
        try:
            study = create_draft(wanted["slug"], self.user, title=wanted["title"])
        except ValidationError:
            # What else could be wrong was checked above.
            if Study.objects.filter(slug=wanted["slug"]).exists():
                raise Conflict(f"The name {wanted['slug']} is taken. Choose another.") from None
            raise
        return Response(show(study, roles_of(self.user, study)), status=201)


class ShownStudy(serializers.BaseSerializer[Any]):
    def to_representation(self, instance: Study) -> dict[str, Any]:
        own: list[Membership] = instance.own  # type: ignore[attr-defined]  # prefetched
        return show(instance, frozenset(Role(row.role) for row in own))


class OneStudy(StudyView):
    roles = EVERYBODY
    writers = READERS

    @extend_schema(
        **tells(RunStudySerializer, "studies_get", "Read a study", "Any role in the study.")
    )
    def get(self, request: Request, slug: str) -> Response:
        return Response(show(self.study, self.held))

    @extend_schema(
        **tells(
            RunStudySerializer, "studies_configure", "Set texts, settings and rules", OF_A_STUDY,
            takes=SettingsSerializer, also=(409,), later=JobSerializer,
        )
    )  # fmt: skip
    def patch(self, request: Request, slug: str) -> Response:
        wanted = self.read(SettingsSerializer, partial=True)
        reason = wanted.pop("reason", "")
        if self.study.was_opened:
            asked = putting_off.ask_to_change(self.study, self.user, reason=reason, **wanted)
            if isinstance(asked, StudyJob):
                return put_off(asked, self.user)
        elif {"overlap", "items"} & set(wanted):
            raise Conflict(
                "The study is a draft: its pairs get their votes when they are generated, or by "
                "the file that they come from. Nothing was changed."
            )
        elif wanted:
            configure_draft(self.study, self.user, **as_arguments(wanted))
        self.study.refresh_from_db()
        return Response(show(self.study, self.held))


class Rubric(StudyView):
    roles = EVERYBODY
    writers = READERS

    @extend_schema(
        **tells(RubricSerializer, "rubric_get", "Read the criteria", "Any role in the study.")
    )
    def get(self, request: Request, slug: str) -> Response:
        return Response({"criteria": shown_criteria(self.study)})

    @extend_schema(
        **tells(
            RubricSerializer, "rubric_set", "Set all criteria", OF_A_STUDY,
            takes=RubricSerializer, also=(409,), later=JobSerializer,
        )
    )  # fmt: skip
    def put(self, request: Request, slug: str) -> Response:
        wanted = self.read(RubricSerializer)
        if self.study.was_opened:
            asked = putting_off.ask_to_change(
                self.study, self.user, reason=wanted.get("reason", ""), criteria=wanted["criteria"]
            )
            if isinstance(asked, StudyJob):
                return put_off(asked, self.user)
        else:
            set_rubric(self.study, [draft_of(entry) for entry in wanted["criteria"]], self.user)
        return Response({"criteria": shown_criteria(self.study)})


def shown_criteria(study: Study) -> list[dict[str, Any]]:
    return [
        {
            "key": draft.key,
            "question": draft.question,
            "scale": str(draft.scale),
            "both_bad": draft.both_bad,
            "required": draft.required,
            "levels": [dict(level) for level in draft.levels],
        }
        for draft in criteria_of(study)
    ]


class Generate(StudyView):
    @extend_schema(
        **tells(
            GeneratedSerializer, "comparisons_generate", "Pair the responses of a draft",
            OF_A_STUDY, takes=DesignSerializer, also=(409,), later=JobSerializer,
        )
    )  # fmt: skip
    def post(self, request: Request, slug: str) -> Response:
        wanted = self.read(DesignSerializer)
        design = wanted.pop("design")
        asked = putting_off.ask_for_pairs(
            self.study,
            self.user,
            has_design=design is not None or not wanted["identical"],
            design=design or Design.ALL,
            **wanted,
        )
        if isinstance(asked, StudyJob):
            return put_off(asked, self.user)
        return Response({"comparisons": 0, "votes": 0, "components": [], **asked})


def put_off(job: StudyJob, reader: User) -> Response:
    """202: the background does it, and the answer says where to ask."""
    ring_for_jobs()
    return Response(shown_job(job, reader), status=202)


def shown_job(job: StudyJob, reader: User) -> dict[str, Any]:
    far = rows.progress_of(job)
    return {
        "id": job.public_id,
        "kind": job.kind,
        "state": job.state,
        "asked_at": job.asked_at,
        "ended_at": job.ended_at,
        "unit": far.unit,
        "done": far.of if job.state == JobState.DONE else far.done,
        "at_most": far.of,
        "problem": job.problem,
        "found": rows.found_for(job, reader),
    }


class Job(StudyView):
    """A step that was put off."""

    @extend_schema(
        **tells(JobSerializer, "jobs_get", "Ask how far a step in the background is", OF_A_STUDY)
    )
    def get(self, request: Request, slug: str, job: UUID) -> Response:
        found = StudyJob.objects.filter(study=self.study, public_id=job).first()
        if found is None:
            raise Http404("This study has no such job.")
        return Response(shown_job(found, self.user))


class Readiness(StudyView):
    @extend_schema(
        **tells(ReadinessSerializer, "readiness_get", "Ask what keeps it from opening", OF_A_STUDY)
    )
    def get(self, request: Request, slug: str) -> Response:
        if self.study.was_opened:
            return Response({"ready": False, "faults": ["It was opened already."], "warnings": []})
        faults = list_faults(self.study)
        warnings = [] if faults else list_warnings(self.study)
        return Response({"ready": not faults, "faults": faults, "warnings": warnings})


class Step(StudyView):
    """One step in a study's life; the subclass says which."""

    def act(self) -> Study:
        raise NotImplementedError

    def answer(self) -> Response:
        self.act()
        self.study.refresh_from_db()
        return Response(show(self.study, self.held))


def step(name: str, words: str) -> dict[str, Any]:
    return tells(RunStudySerializer, f"studies_{name}", words, OF_A_STUDY, takes=NothingSerializer)


class OpenStudy(Step):
    @extend_schema(
        **tells(
            RunStudySerializer, "studies_open", "Freeze the draft and open it", OF_A_STUDY,
            takes=OpenSerializer, also=(409,), later=JobSerializer,
        )
    )  # fmt: skip
    def post(self, request: Request, slug: str) -> Response:
        wanted = self.read(OpenSerializer)
        asked = putting_off.ask_to_open(
            self.study, self.user, allow_disconnected=wanted["allow_disconnected"]
        )
        if isinstance(asked, StudyJob):
            return put_off(asked, self.user)
        self.study.refresh_from_db()
        return Response(show(self.study, self.held))


class PauseStudy(Step):
    @extend_schema(**step("pause", "Hand out no further pairs"))
    def post(self, request: Request, slug: str) -> Response:
        self.read(NothingSerializer)
        return self.answer()

    def act(self) -> Study:
        return pause_study(self.study, self.user)


class ResumeStudy(Step):
    @extend_schema(**step("resume", "Hand out pairs again"))
    def post(self, request: Request, slug: str) -> Response:
        self.read(NothingSerializer)
        return self.answer()

    def act(self) -> Study:
        return resume_study(self.study, self.user)


class CloseStudy(Step):
    @extend_schema(**step("close", "End the collection of votes for good"))
    def post(self, request: Request, slug: str) -> Response:
        self.read(NothingSerializer)
        return self.answer()

    def act(self) -> Study:
        return close_study(self.study, self.user)


class ArchiveStudy(Step):
    @extend_schema(**step("archive", "Put a closed study away"))
    def post(self, request: Request, slug: str) -> Response:
        self.read(NothingSerializer)
        return self.answer()

    def act(self) -> Study:
        return archive_study(self.study, self.user)


class UnblindStudy(Step):
    @extend_schema(
        **tells(
            RunStudySerializer, "studies_unblind", "Open names and outcomes, for good", OF_A_STUDY,
            takes=UnblindSerializer, also=(409,),
        )
    )  # fmt: skip
    def post(self, request: Request, slug: str) -> Response:
        wanted = self.read(UnblindSerializer)
        unblind_study(self.study, self.user, **wanted)
        self.study.refresh_from_db()
        return Response(show(self.study, self.held))
