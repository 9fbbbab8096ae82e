"""Files into a study: the body is the file, the answer names every problem with its row."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.importing.formats import FileError
from annotation.importing.naming import NamingPolicy, Treatment, names_pattern
from annotation.importing.survey import survey_files, systems_of
from annotation.importing.transfer import BadRowsError, ImportRefusedError, import_files
from annotation.importing.upload_work import MOST_NAMES
from annotation.importing.writers import comparisons, prompts, responses, votes
from annotation.importing.writers.writer import ImportPlan
from annotation.jobs.putting_off import ask_to_change
from annotation.jobs.steps import Problems
from annotation.models import StudyJob, System

from .edges import StudyView
from .problems import Refused
from .schema import OF_A_STUDY, tells
from .studies import put_off
from .study_shapes import LONGEST_REASON, JobSerializer

MIB = 1024 * 1024
MOST_BYTES = 500 * MIB
AT_ONCE = MIB
# More than so many problems tell nobody more; their number is told.
MOST_PROBLEMS = 1_000


class FileParser(BaseParser):
    """Leaves the body where it is, to be read a piece at a time."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        return stream


class JsonLines(FileParser):
    media_type = "application/jsonl"


class Csv(FileParser):
    media_type = "text/csv"


# By Content-Encoding: what the reader of files knows a packed one by.
PACKINGS = {"identity": "", "gzip": ".gz"}
THE_FILE = "the file"

SUFFIXES = {JsonLines.media_type: ".jsonl", Csv.media_type: ".csv"}


class ProblemRowSerializer(serializers.Serializer[Any]):
    line = serializers.IntegerField(allow_null=True, help_text="Of the file; null is the whole.")
    reason = serializers.CharField()


class SampledResponseSerializer(serializers.Serializer[Any]):
    system = serializers.CharField()
    text = serializers.CharField(help_text="As it is in the file; a long one is cut.")


class SampledPairSerializer(serializers.Serializer[Any]):
    """A prompt of the file with the responses of two systems to it."""

    prompt = serializers.CharField(
        help_text="A conversation turn by turn; a long one is cut; empty where it is not in the "
        "file."
    )
    responses = SampledResponseSerializer(many=True)


class ImportedSerializer(serializers.Serializer[Any]):
    stored = serializers.BooleanField(help_text="Whether rows were stored.")
    already_imported = serializers.BooleanField(help_text="The same content was, before.")
    rows = serializers.IntegerField()
    bad_rows = serializers.IntegerField()
    counts = serializers.DictField(child=serializers.IntegerField())
    problems = ProblemRowSerializer(many=True)
    treated_rows = serializers.IntegerField(help_text="Rows that were masked or left out.")
    names = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="With check_only: systems and makers that responses name, and how often.",
    )
    naming_rows = serializers.IntegerField(help_text="With check_only: rows with such a name.")
    sampled = SampledPairSerializer(
        many=True,
        help_text="With check_only: some pairs of the file, drawn from all of its prompts.",
    )
    summary = serializers.CharField()


SKIP = OpenApiParameter(
    "skip_bad_rows",
    OpenApiTypes.BOOL,
    description="Store the good rows although others are bad; without it nothing is stored then.",
)
CHECK = OpenApiParameter(
    "check_only",
    OpenApiTypes.BOOL,
    description="Read and check all rows, tell what they bring and whom they name; store nothing.",
)
NAMING_POLICIES = tuple(policy.value for policy in NamingPolicy)
NAMING = OpenApiParameter(
    "naming",
    {"type": "string", "enum": list(NAMING_POLICIES), "default": NamingPolicy.FLAG.value},
    description="What is done with responses that hold one of `names`: stored as they are, masked, "
    "or left out.",
)
LONGEST_NAME = 255
NAMES = OpenApiParameter(
    "names",
    {
        "type": "array",
        "items": {"type": "string", "maxLength": LONGEST_NAME},
        "maxItems": MOST_NAMES,
    },
    description="Names to mask or to leave out, one parameter each; check_only tells which there "
    "are.",
)
FILE = dict.fromkeys(SUFFIXES, OpenApiTypes.BINARY)


class ImportView(StudyView):
    """One kind of file. The same content again changes nothing, so that no key is needed."""

    parser_classes = (JsonLines, Csv)
    takes_key = False
    reads_body = False
    sends: ClassVar[tuple[str, ...]] = (SKIP.name,)

    def take(
        self,
        request: Request,
        plan: ImportPlan[Any],
        *,
        check_only: bool = False,
        treatment: Treatment | None = None,
    ) -> Response:
        skip = read_flag(request, SKIP.name)
        said: list[str] = []
        with self.file(request) as path:
            found = self.found_in(path, plan) if check_only else {}
            try:
                summary = import_files(
                    self.study.slug, [path], plan, skip_bad_rows=skip, actor=self.user,
                    check_only=check_only, treatment=treatment, say=said.append,
                )  # fmt: skip
            except BadRowsError as bad:
                return Response(shown(bad.summary, said, path), status=422)
        treated = 0 if treatment is None else treatment.rows
        return Response(shown(summary, said, path) | {"treated_rows": treated} | found)

    def found_in(self, path: Path, plan: ImportPlan[Any]) -> dict[str, Any]:
        """The systems and makers that responses name, how many rows do, and some pairs."""
        own = System.objects.filter(study=self.study).values_list("name", flat=True)
        named = [*own, *systems_of([path], plan.form, progress=lambda rows: None)]
        survey = survey_files(
            [path],
            plan.form,
            names_pattern(named),
            found=lambda row: None,
            progress=lambda rows: None,
        )
        return {
            "names": dict(survey.names.most_common(MOST_NAMES)),
            "naming_rows": survey.naming_rows,
            "sampled": [
                {
                    "prompt": pair["prompt"],
                    "responses": [
                        {"system": system, "text": text} for system, text in pair["responses"]
                    ],
                }
                for pair in survey.sampled
            ],
        }

    @contextmanager
    def file(self, request: Request) -> Iterator[Path]:
        """The body as a file, for as long as the block lasts; faults do not say where it lay."""
        media_type = request.content_type.partition(";")[0].strip().lower()
        if media_type not in SUFFIXES:
            raise exceptions.UnsupportedMediaType(media_type or "no type")
        packing = request.headers.get("Content-Encoding", "identity").strip().lower()
        if packing not in PACKINGS:
            raise exceptions.UnsupportedMediaType(
                packing, "The body may be packed by gzip (Content-Encoding: gzip) or not at all."
            )
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"file{SUFFIXES[media_type]}{PACKINGS[packing]}"
            spool(request, path)
            try:
                yield path
            except (FileError, ImportRefusedError) as fault:
                # Where the server keeps it meanwhile is nobody's business.
                raise type(fault)(str(fault).replace(str(path), THE_FILE)) from None


class ResponsesImportView(ImportView):
    """A file with responses, which may name who wrote them."""

    sends = (SKIP.name, CHECK.name, NAMING.name, NAMES.name)

    def take_responses(self, request: Request, plan: ImportPlan[Any]) -> Response:
        policy = request.query_params.get(NAMING.name, NamingPolicy.FLAG.value)
        if policy not in NAMING_POLICIES:
            raise Refused(f"naming must be one of {', '.join(NAMING_POLICIES)}.")
        names = [name for name in request.query_params.getlist(NAMES.name) if name]
        if len(names) > MOST_NAMES or any(len(name) > LONGEST_NAME for name in names):
            raise Refused(
                f"names has at most {MOST_NAMES} names of at most {LONGEST_NAME} characters."
            )
        if (policy == NamingPolicy.FLAG) != (not names):
            raise Refused("Give `names` together with naming=mask or naming=exclude.")
        return self.take(
            request,
            plan,
            check_only=read_flag(request, CHECK.name),
            treatment=Treatment.of(NamingPolicy(policy), names),
        )


def read_flag(request: Request, name: str) -> bool:
    raw = request.query_params.get(name, "false").lower()
    if raw not in ("true", "false", "1", "0"):
        raise Refused(f"{name} must be true or false.")
    return raw in ("true", "1")


def spool(request: Request, path: Path) -> None:
    """The body into a file, in pieces; refuse more than is taken."""
    size = 0
    with path.open("wb") as file:
        while piece := request._request.read(AT_ONCE):
            size += len(piece)
            if size > MOST_BYTES:
                raise TooLarge
            file.write(piece)


class TooLarge(exceptions.APIException):
    status_code = 413
    default_code = "too_large"
    default_detail = f"The file is larger than {MOST_BYTES // MIB} MiB. Nothing was stored."


def shown(summary: Any, said: list[str], path: Path) -> dict[str, Any]:
    problems: list[dict[str, Any]] = []
    for line in said[: MOST_PROBLEMS * 2]:
        place, _, reason = line.removeprefix(str(path)).partition(": ")
        number = place.strip(": ")
        if number.isdigit() and len(problems) < MOST_PROBLEMS:
            problems.append({"line": int(number), "reason": reason.replace(str(path), THE_FILE)})
    already = any("already imported" in line for line in said) and not summary.rows
    return {
        "stored": summary.stored,
        "already_imported": already,
        "rows": summary.rows,
        "bad_rows": summary.bad,
        "counts": dict(summary.counts),
        "treated_rows": 0,
        "names": {},
        "naming_rows": 0,
        "sampled": [],
        "problems": problems,
        "summary": summary.text().replace(str(path), THE_FILE),
    }


def described(name: str, words: str, *more: OpenApiParameter) -> dict[str, Any]:
    found = tells(
        ImportedSerializer, name, words, OF_A_STUDY, parameters=[SKIP, *more], takes=FILE,
        also=(409,), takes_key=False,
    )  # fmt: skip
    found["responses"][422, "application/json"] = ImportedSerializer
    return found


OF_RESPONSES = (CHECK, NAMING, NAMES)


class ImportResponses(ResponsesImportView):
    @extend_schema(**described("imports_responses", "Import responses, one a row", *OF_RESPONSES))
    def post(self, request: Request, slug: str) -> Response:
        return self.take_responses(request, responses.PLAN)


class ImportPrompts(ImportView):
    sends = (SKIP.name, CHECK.name)

    @extend_schema(**described("imports_prompts", "Import attributes of prompts", CHECK))
    def post(self, request: Request, slug: str) -> Response:
        return self.take(request, prompts.PLAN, check_only=read_flag(request, CHECK.name))


class ImportComparisons(ResponsesImportView):
    @extend_schema(
        **described("imports_comparisons", "Import ready-made comparisons", *OF_RESPONSES)
    )
    def post(self, request: Request, slug: str) -> Response:
        return self.take_responses(request, comparisons.PLAN)


class ImportVotes(ImportView):
    @extend_schema(**described("imports_votes", "Import votes collected elsewhere"))
    def post(self, request: Request, slug: str) -> Response:
        return self.take(request, votes.PLAN)


REASON = OpenApiParameter(
    "reason", {"type": "string", "maxLength": LONGEST_REASON}, required=True,
    description="Why; kept in the log.",
)  # fmt: skip


class AddedComparisonsSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField(
        allow_null=True, help_text="Of the study; null where every row was there before."
    )
    lines = serializers.ListField(child=serializers.CharField(), help_text="What changed.")
    warnings = serializers.ListField(child=serializers.CharField())


class AddComparisons(ImportView):
    """Further comparisons of an opened study's systems, as a new version of it."""

    sends = (REASON.name,)

    @extend_schema(
        **tells(
            AddedComparisonsSerializer, "comparisons_add",
            "Add comparisons to an opened study, as a further version", OF_A_STUDY,
            parameters=[REASON], takes=FILE, also=(409,), takes_key=False, later=JobSerializer,
        )
    )  # fmt: skip
    def post(self, request: Request, slug: str) -> Response:
        reason = request.query_params.get(REASON.name, "")
        if len(reason) > LONGEST_REASON:
            raise Refused(f"reason has at most {LONGEST_REASON} characters.")
        problems = Problems()
        with self.file(request) as path:
            try:
                asked = ask_to_change(
                    self.study, self.user, reason=reason, file=path, problems=problems
                )
            except BadRowsError:
                raise Refused(
                    counted(problems), [(f"line {line}", why) for line, why in problems.first]
                ) from None
        return put_off(asked, self.user) if isinstance(asked, StudyJob) else Response(asked)


def counted(problems: Problems) -> str:
    """How many rows are bad, and of how many it is told why."""
    number, told = problems.count, len(problems.first)
    named = f" The first {told:,} are named." if told < number else ""
    return f"{number:,} row{'' if number == 1 else 's'} cannot be used. Nothing was added.{named}"
