"""Uploads: files that come by the browser, are checked in the background, and stored when asked.

A page only takes the files, says what is what, and asks; a worker reads them (`upload_work`).
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from django.utils import timezone

from annotation.importing import spool
from annotation.importing.formats import FileError, RowFormat
from annotation.importing.formats.columns import lacking, propose
from annotation.importing.formats.limits import MIB
from annotation.importing.formats.peeking import Peek, peek
from annotation.importing.naming import NamingPolicy
from annotation.importing.writers import comparisons, prompts, responses
from annotation.importing.writers.writer import ImportPlan
from annotation.models import ImportKind, Study, Upload, UploadState, User

PLANS: Mapping[str, ImportPlan[Any]] = {
    ImportKind.RESPONSES: responses.PLAN,
    ImportKind.COMPARISONS: comparisons.PLAN,
    ImportKind.PROMPTS: prompts.PLAN,
}

MOST_FILES = 20
"""Files of one upload; more of them come in several."""

MOST_SPOOLED_BYTES = 2048 * MIB
"""What the unfinished uploads of one study may take on the disk."""

SHOWN = 20
"""Bad rows, and names, that a page shows; the list to download has all of them."""

PROBLEMS_LIST = "bad-rows.csv"
NAMES_LIST = "names.csv"
LISTS = (PROBLEMS_LIST, NAMES_LIST)


class IncomingFile(Protocol):
    """A file of a request, as Django hands it over."""

    name: str | None

    def chunks(self) -> Iterator[bytes]: ...


class UploadRefusedError(Exception):
    """The files were not taken, or the step was not; the message says why and what to do."""


def receive(study: Study, kind: str, files: Sequence[IncomingFile], actor: User) -> Upload:
    """Keep files of one kind. Where their columns have our names, the check is asked for at once.

    The caller rings once this is committed.

    Raises
    ------
    UploadRefusedError
        Nothing was uploaded, too much, or a file that cannot be read at all. Nothing is kept.
    """
    if study.was_opened:
        raise UploadRefusedError("The study was opened, and its content is frozen since.")
    if not 0 < len(files) <= MOST_FILES:
        raise UploadRefusedError(
            f"Choose 1 to {MOST_FILES} files; more of them come in several uploads."
            if files
            else "Choose a file."
        )
    public_id = uuid.uuid4()
    try:
        kept = list(_kept(public_id, files))
        waiting = list(
            Upload.objects.filter(study=study)
            .exclude(state=UploadState.STORED)
            .values_list("public_id", flat=True)
        )
        if spool.bytes_of([*waiting, public_id]) > MOST_SPOOLED_BYTES:
            raise UploadRefusedError(
                f"The unfinished uploads of this study are above {MOST_SPOOLED_BYTES // MIB} MiB. "
                "Store or discard those that are there first."
            )
    except FileError as fault:
        spool.forget(public_id)
        raise UploadRefusedError(spool.plain(fault, public_id)) from None
    except UploadRefusedError:
        spool.forget(public_id)
        raise
    form = PLANS[kind].form
    columns = columns_of(kept)
    is_clear = not lacking(form.columns, columns, {}, {})
    return Upload.objects.create(
        public_id=public_id,
        study=study,
        kind=kind,
        files=kept,
        choices={} if is_clear else {"names": propose(form.columns, columns), "fixed": {}},
        state=UploadState.CHECKING if is_clear else UploadState.MAPPING,
        uploaded_by=actor,
    )


def _kept(upload: uuid.UUID, files: Iterable[IncomingFile]) -> Iterator[dict[str, Any]]:
    taken: list[str] = [*LISTS]
    for file in files:
        name = spool.plain_name(file.name or "", taken)
        taken.append(name)
        size = spool.keep(upload, name, file.chunks())
        look: Peek = peek(spool.path_of(upload, name))
        yield {
            "name": name,
            "bytes": size,
            "columns": list(look.columns),
            "rows": [list(row) for row in look.rows],
        }


def columns_of(files: Sequence[Mapping[str, Any]]) -> list[str]:
    """The columns that every one of the files has; in JSONL a row may leave some out."""
    every = [list(file["columns"]) for file in files]
    return [name for name in every[0] if all(name in columns for columns in every)]


def form_of(upload: Upload) -> RowFormat[Any]:
    """The form of the upload's rows, with the names that its columns have in the files."""
    return dataclasses.replace(
        PLANS[upload.kind].form,
        names=dict(upload.choices.get("names", {})),
        fixed=dict(upload.choices.get("fixed", {})),
    )


def set_columns(upload: Upload, names: Mapping[str, str], fixed: Mapping[str, str]) -> None:
    """Say which column is which, and ask for the check. The caller rings.

    Raises
    ------
    UploadRefusedError
        A needed column is still lacking, two are the same, or the upload has moved on.
    """
    groups = PLANS[upload.kind].form.columns
    columns = columns_of(upload.files)
    missing = lacking(groups, columns, names, fixed)
    if missing:
        words = ", ".join(" or ".join(group) for group in missing)
        raise UploadRefusedError(f"Say which column is {words}.")
    called = [names.get(column, column) for column in columns] + list(fixed)
    if twice := sorted({name for name in called if called.count(name) > 1}):
        raise UploadRefusedError(
            f"Two columns are {twice[0]}: one that you chose and one that has the name already. "
            "Choose that one, or rename it in the file."
        )
    _move(
        upload,
        (UploadState.MAPPING, UploadState.CHECKED),
        UploadState.CHECKING,
        choices={"names": dict(names), "fixed": dict(fixed)},
        found={},
    )


def ask_to_store(
    upload: Upload, *, skip_bad_rows: bool, naming: NamingPolicy, chosen_names: Sequence[str]
) -> None:
    """Ask for the rows to be stored as the researcher decided. The caller rings.

    Raises
    ------
    UploadRefusedError
        Rows are bad and are not to be skipped, or the upload has moved on.
    """
    if upload.found.get("bad", 0) and not skip_bad_rows:
        raise UploadRefusedError(
            f"{upload.found['bad']:,} rows are bad. Skip them, or correct the file and upload it "
            "again: without that nothing is stored."
        )
    _move(
        upload,
        (UploadState.CHECKED,),
        UploadState.STORING,
        choices={
            **upload.choices,
            "skip_bad_rows": skip_bad_rows,
            "naming": naming.value,
            "chosen_names": list(chosen_names),
        },
    )


def discard(upload: Upload) -> None:
    """Forget an upload that is not stored, with its files.

    Raises
    ------
    UploadRefusedError
        It is being stored in this moment.
    """
    gone, _ = (
        Upload.objects.filter(pk=upload.pk)
        .exclude(state=UploadState.STORING, lease_until__isnull=False)
        .delete()
    )
    if not gone:
        raise UploadRefusedError("The rows are being stored; this cannot be stopped any more.")
    spool.forget(upload.public_id)


def _move(
    upload: Upload,
    sources: Sequence[UploadState],
    target: UploadState,
    *,
    choices: dict[str, Any],
    found: dict[str, Any] | None = None,
) -> None:
    now = timezone.now()
    changes: dict[str, Any] = {"choices": choices} | ({} if found is None else {"found": found})
    moved = Upload.objects.filter(pk=upload.pk, state__in=sources).update(
        state=target, attempts=0, lease_until=None, changed_at=now, **changes
    )
    if moved != 1:
        raise UploadRefusedError(
            "Somebody moved this upload on in the meantime; the page shows how it is now."
        )
    upload.refresh_from_db()
