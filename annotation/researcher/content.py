"""What is compared: what the draft holds, and files on their way into it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import Count, F, Q
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from annotation.access import SignedInRequest
from annotation.importing import spool, uploads
from annotation.importing.naming import NamingPolicy
from annotation.importing.upload_work import SAMPLED
from annotation.importing.uploads import UploadRefusedError
from annotation.models import (
    Comparison,
    ComparisonKind,
    ImportFile,
    Prompt,
    Study,
    System,
    Upload,
    UploadState,
)
from annotation.models.uploads import AT_WORK
from annotation.rating.markdown import render_markdown
from annotation.tasks import ring_for_uploads

from .frame import INVALID, readers_only, refuse_frozen, render_step
from .upload_forms import ColumnsForm, StoreForm, UploadForm

# Fewer prompts seldom stand for the work; see the guide to the statistics.
REPRESENTATIVE_PROMPTS = 200
SHOWN_SYSTEMS = 50
SHOWN_FILES = 50


@dataclass(frozen=True, slots=True)
class SystemRow:
    """A system of the draft, with its responses."""

    name: str
    responses: int
    empty: int


@dataclass(frozen=True, slots=True)
class Holding:
    """What a study holds; counted by the database, whatever its size in a fixed number of queries.

    `incomplete` counts the prompts that lack a response of some system.
    """

    prompts: int
    with_reference: int
    systems: tuple[SystemRow, ...]
    system_count: int
    responses: int
    incomplete: int
    comparisons: int
    gold: int
    training: int

    @property
    def is_small(self) -> bool:
        return 0 < self.prompts < REPRESENTATIVE_PROMPTS

    @property
    def more_systems(self) -> int:
        return self.system_count - len(self.systems)


def holding_of(study: Study) -> Holding:
    """Count what the study holds. Five queries."""
    prompts = Prompt.objects.filter(study=study).aggregate(
        all=Count("pk"), with_reference=Count("pk", filter=~Q(reference=""))
    )
    systems = [
        SystemRow(name, responses, empty)
        for name, responses, empty in System.objects.filter(study=study)
        .annotate(
            number=Count("responses"), without=Count("responses", filter=Q(responses__text=""))
        )
        .order_by("name")
        .values_list("name", "number", "without")
    ]
    incomplete = (
        Prompt.objects.filter(study=study)
        .annotate(answered=Count("responses__system", distinct=True))
        .filter(answered__lt=len(systems))
        .count()
        if systems
        else 0
    )
    kinds = dict(
        Comparison.objects.filter(study=study)
        .order_by()
        .values_list("kind")
        .annotate(number=Count("pk"))
    )
    return Holding(
        prompts=prompts["all"],
        with_reference=prompts["with_reference"],
        systems=tuple(systems[:SHOWN_SYSTEMS]),
        system_count=len(systems),
        responses=sum(row.responses for row in systems),
        incomplete=incomplete,
        comparisons=kinds.get(ComparisonKind.WORK, 0),
        gold=kinds.get(ComparisonKind.GOLD, 0),
        training=kinds.get(ComparisonKind.TRAINING, 0),
    )


def equal_pairs(study: Study) -> int:
    """Comparisons of kind work whose two responses are the same, letter by letter."""
    return (
        Comparison.objects.filter(study=study, kind=ComparisonKind.WORK)
        .filter(response_a__text=F("response_b__text"))
        .count()
    )


def content_page(
    request: SignedInRequest, study: Study, form: UploadForm, *, status: int = 200
) -> HttpResponse:
    # Their files name systems, and an opened study takes none of them any more.
    pending = Upload.objects.none()
    if not study.was_opened:
        pending = Upload.objects.filter(study=study).exclude(state=UploadState.STORED)
    return render_step(
        request,
        study,
        "content",
        "content",
        {
            "form": form,
            "holding": holding_of(study),
            # Names are a researcher's before opening; later a sealed study shows codes alone.
            "names_shown": not study.was_opened,
            "uploads": list(pending.order_by("-uploaded_at")[:SHOWN_FILES]),
            "imported": imported_files(study),
            "representative": REPRESENTATIVE_PROMPTS,
        },
        status=status,
    )


def imported_files(study: Study) -> list[ImportFile]:
    """The stored files, the newest first; without their names, which may be a system's, once the
    study was opened."""
    files = list(
        ImportFile.objects.filter(study=study).order_by("-imported_at", "-pk")[:SHOWN_FILES]
    )
    if study.was_opened:
        for number, file in zip(range(len(files), 0, -1), files, strict=True):
            file.name = f"File {number}"
    return files


@require_safe
@readers_only
def content(request: SignedInRequest, study: Study) -> HttpResponse:
    """What the study holds, and where more is uploaded."""
    return content_page(request, study, UploadForm())


@require_POST
@readers_only
@refuse_frozen("content")
def upload(request: SignedInRequest, study: Study) -> HttpResponse:
    """Keep files, and go to the page that says what is in them."""
    form = UploadForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            made = uploads.receive(
                study, form.cleaned_data["kind"], request.FILES.getlist("chosen"), request.user
            )
        except UploadRefusedError as fault:
            form.add_error("chosen", str(fault))
        else:
            ring_for_uploads()
            return redirect("studio:one_upload", slug=study.slug, upload=made.public_id)
    return content_page(request, study, form, status=INVALID)


def get_upload(study: Study, public_id: object) -> Upload:
    """An upload of a draft; what it found names systems, which nobody sees once it was opened."""
    if study.was_opened:
        raise Http404("The study was opened, and uploads are not shown since.")
    return get_object_or_404(
        Upload.objects.select_related("study"), study=study, public_id=public_id
    )


TEMPLATES = {
    UploadState.MAPPING: "upload_columns",
    UploadState.CHECKING: "upload_progress",
    UploadState.CHECKED: "upload_checked",
    UploadState.STORING: "upload_progress",
    UploadState.STORED: "upload_stored",
    UploadState.FAILED: "upload_failed",
}


def upload_page(
    request: SignedInRequest, study: Study, made: Upload, form: forms.Form | None = None
) -> HttpResponse:
    state = UploadState(made.state)
    context: dict[str, Any] = {"upload": made, "found": made.found}
    if state == UploadState.MAPPING:
        context["form"] = form or ColumnsForm(made)
    elif state == UploadState.CHECKED:
        context["form"] = form or StoreForm(made)
        context["storable"] = made.found.get("storable", 0)
        context["sampled"] = sampled_pairs(made)
    elif state in AT_WORK:
        context["progress"] = progress_in_words(made)
    return render_step(request, study, "content", TEMPLATES[state], context)


def sampled_pairs(made: Upload) -> list[dict[str, Any]]:
    """Some pairs of the files, rendered as annotators would see them."""
    return [
        {
            "prompt": render_markdown(pair["prompt"]),
            "responses": [(system, render_markdown(text)) for system, text in pair["responses"]],
        }
        for pair in made.found.get(SAMPLED, [])
    ]


def progress_in_words(made: Upload) -> dict[str, Any]:
    """How far the background is with an upload."""
    seen = spool.progress_of(made.public_id)
    rows, of, doing = seen.get("rows", 0), seen.get("of"), seen.get("doing", "")
    if made.lease_until is None or not rows:
        return {"text": "Waiting for a worker." if made.lease_until is None else "Beginning."}
    total = f" of {of:,}" if isinstance(of, int) else ""
    return {"text": f"{rows:,}{total} rows {doing}.", "rows": rows, "of": of}


@require_safe
@readers_only
def one_upload(request: SignedInRequest, study: Study, upload: object) -> HttpResponse:
    """What is in the files of an upload, and what shall be done with it."""
    return upload_page(request, study, get_upload(study, upload))


@require_safe
@readers_only
def upload_progress(request: SignedInRequest, study: Study, upload: object) -> HttpResponse:
    """How far an upload is, for the page that waits; tells it to reload once there is news."""
    made = get_upload(study, upload)
    response = render(
        request,
        "annotation/researcher/progress.html",
        {"upload": made, "study": study, "progress": progress_in_words(made)},
    )
    if made.state not in AT_WORK:
        response["HX-Refresh"] = "true"
    response["Cache-Control"] = "no-store"
    return response


@require_POST
@readers_only
@refuse_frozen("content")
def set_columns(request: SignedInRequest, study: Study, upload: object) -> HttpResponse:
    """Take what the researcher says of the columns."""
    made = get_upload(study, upload)
    if made.state not in (UploadState.MAPPING, UploadState.CHECKED):
        return redirect("studio:one_upload", slug=study.slug, upload=made.public_id)
    form = ColumnsForm(made, request.POST)
    if form.is_valid():
        try:
            uploads.set_columns(made, form.names(), form.fixed())
        except UploadRefusedError as fault:
            form.add_error(None, str(fault))
        else:
            ring_for_uploads()
            return redirect("studio:one_upload", slug=study.slug, upload=made.public_id)
    return upload_page(request, study, made, form)


@require_POST
@readers_only
@refuse_frozen("content")
def store(request: SignedInRequest, study: Study, upload: object) -> HttpResponse:
    """Have the rows stored in the background."""
    made = get_upload(study, upload)
    if made.state != UploadState.CHECKED:
        return redirect("studio:one_upload", slug=study.slug, upload=made.public_id)
    form = StoreForm(made, request.POST)
    if form.is_valid():
        try:
            uploads.ask_to_store(
                made,
                skip_bad_rows=form.cleaned_data.get("bad_rows") == "skip",
                naming=NamingPolicy(form.cleaned_data.get("naming") or NamingPolicy.FLAG),
                chosen_names=form.cleaned_data.get("chosen_names", []),
            )
        except UploadRefusedError as fault:
            form.add_error(None, str(fault))
        else:
            ring_for_uploads()
            return redirect("studio:one_upload", slug=study.slug, upload=made.public_id)
    return upload_page(request, study, made, form)


@require_POST
@readers_only
def discard(request: SignedInRequest, study: Study, upload: object) -> HttpResponse:
    """Forget an upload; nothing of it is stored."""
    made = get_upload(study, upload)
    if made.state != UploadState.STORED:
        try:
            uploads.discard(made)
        except UploadRefusedError:
            return redirect("studio:one_upload", slug=study.slug, upload=made.public_id)
    return redirect("studio:content", slug=study.slug)


@require_safe
@readers_only
def upload_list(
    request: SignedInRequest, study: Study, upload: object, name: str
) -> HttpResponseBase:
    """The bad rows, or the names, of an upload as a file."""
    made = get_upload(study, upload)
    if name not in uploads.LISTS:
        raise Http404("There is no such list.")
    path = spool.path_of(made.public_id, name)
    if not path.is_file():
        raise Http404("The list is kept for seven days after an upload was stored.")
    return FileResponse(
        path.open("rb"),
        as_attachment=True,
        filename=f"{study.slug}-{name}",
        content_type="text/csv; charset=utf-8",
        headers={"Content-Security-Policy": "default-src 'none'; sandbox"},
    )
