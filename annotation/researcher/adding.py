"""Further comparisons of an opened study, from a file, by a further version."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from annotation.access import SignedInRequest
from annotation.importing import spool
from annotation.importing.formats import FileError
from annotation.importing.formats.limits import MIB
from annotation.importing.receiving import MOST_ADDED_BYTES
from annotation.importing.transfer import BadRowsError, ImportRefusedError
from annotation.jobs.steps import Problems
from annotation.models import Study

from .changing import PAIRS, PARTS, changed
from .frame import INVALID, readers_only, render_step
from .running import ReasonForm


class PairsFileForm(ReasonForm):
    """A file of comparisons, and why they are added."""

    chosen = forms.FileField(
        label="File of comparisons",
        help_text=f"JSONL, a JSON list or CSV, up to {MOST_ADDED_BYTES // MIB} MiB, with the "
        "columns of an import: item_id, prompt_id, prompt, system_a, system_b, response_a, "
        "response_b. A large one is read in the background.",
        widget=forms.ClearableFileInput(attrs={"accept": ".jsonl,.json,.csv,.tsv,.gz"}),
        error_messages={"required": "Choose a file."},
    )
    field_order = ("chosen", "reason")


@require_http_methods(["GET", "HEAD", "POST"])
@readers_only
def add_pairs(request: SignedInRequest, study: Study) -> HttpResponse:
    """Add comparisons of the systems that there are; all of the file or nothing."""
    if not study.is_running:
        return redirect("studio:running", slug=study.slug)
    posted = request.method == "POST"
    form = PairsFileForm(request.POST, request.FILES) if posted else PairsFileForm()
    problems = Problems()
    if posted and form.is_valid():
        with tempfile.TemporaryDirectory() as folder:
            done = added(request, study, form, problems, Path(folder))
        if done is not None:
            return done
    return render_step(
        request,
        study,
        "open",
        "add_pairs",
        {"form": form, "problems": problems, "part": PAIRS, "change_parts": PARTS},
        status=INVALID if posted else 200,
    )


def added(
    request: SignedInRequest, study: Study, form: PairsFileForm, problems: Problems, folder: Path
) -> HttpResponse | None:
    chosen: Any = form.cleaned_data["chosen"]
    path = folder / spool.plain_name(chosen.name or "", [])
    with path.open("xb") as file:
        for piece in chosen.chunks():
            file.write(piece)

    try:
        return changed(request, study, form, file=path, problems=problems)
    except BadRowsError:
        form.add_error("chosen", f"{problems.count:,} rows are bad; nothing was added.")
    except (FileError, ImportRefusedError) as fault:
        form.add_error("chosen", str(fault).replace(f"{folder}/", ""))
    return None
