"""Uploads: files that come by the browser, are checked in the background, and stored when asked.

A page only takes the files, says what is what, and asks; a worker reads them. A worker holds a
lease and gives signs of life; one that is lost is replaced once, then the upload has failed and
says so. Checking reads the files three times and writes nothing into the study; storing is the
import of the commands, in one transaction, so that a worker that is lost within it leaves nothing
behind.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from annotation.access import roles_of
from annotation.access.outcomes import READERS
from annotation.importing import spool
from annotation.importing.formats import FileError, RowFormat, RowProblem
from annotation.importing.formats.columns import lacking, propose
from annotation.importing.formats.limits import MIB
from annotation.importing.formats.peeking import Peek, peek
from annotation.importing.naming import NamingPolicy, Treatment, names_pattern
from annotation.importing.survey import NamedRow, survey_files, systems_of
from annotation.importing.transfer import BadRowsError, ImportRefusedError, import_files
from annotation.importing.writers import comparisons, prompts, responses
from annotation.importing.writers.writer import OUTCOMES, ImportPlan
from annotation.lifecycle.refusals import LifecycleError
from annotation.models import ImportKind, Study, System, Upload, UploadState, User
from annotation.models.uploads import AT_WORK

log = structlog.get_logger(__name__)

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

MOST_NAMES = 100
"""Different names that the check tells apart; a text full of versions has no more."""

LEASE = timedelta(minutes=40)
"""Longer than the task may take; a worker without signs of life is replaced much earlier."""

TIME_LIMIT = 30 * 60
"""Seconds for checking or storing one upload, where Celery can end a task."""

SILENCE_SECONDS = 120
"""A worker that gave no sign for so long is taken for lost."""

MOST_ATTEMPTS = 2

UNFINISHED_FOR = timedelta(days=14)
"""An upload that nobody finished is forgotten after it, and its files with it."""

LISTS_FOR = timedelta(days=7)
"""So long the lists of bad rows can be downloaded after an upload was stored or failed."""

PROBLEMS_LIST = "bad-rows.csv"
NAMES_LIST = "names.csv"
LISTS = (PROBLEMS_LIST, NAMES_LIST)

_at_work: set[int] = set()
"""Uploads that threads of this process work on."""


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
        raise UploadRefusedError(_plain(fault, public_id)) from None
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


# What workers do.


@dataclass(frozen=True, slots=True)
class Claim:
    """An upload that a worker has taken; `attempt` is the one that the lease belongs to."""

    upload: Upload
    attempt: int


def claim() -> Claim | None:
    """Take the oldest upload that waits, or whose worker was lost; None where there is none."""
    now = timezone.now()
    with transaction.atomic():
        free = Upload.objects.select_for_update(skip_locked=True, of=("self",)).filter(
            state__in=AT_WORK
        )
        for upload in free.exclude(pk__in=tuple(_at_work)).order_by("uploaded_at", "pk"):
            if upload.lease_until is not None and not _is_lost(upload):
                continue
            if upload.attempts >= MOST_ATTEMPTS:
                log.error("uploads.lost", upload=str(upload.public_id), attempts=upload.attempts)
                _fail(
                    upload,
                    "The work was cut off twice. Upload the files again; if it happens once more, "
                    "split them into smaller ones.",
                )
                continue
            upload.attempts += 1
            upload.lease_until = now + LEASE
            upload.save(update_fields=["attempts", "lease_until"])
            spool.note_progress(upload.public_id, 0, None, "begun")
            return Claim(upload, upload.attempts)
    return None


def _is_lost(upload: Upload) -> bool:
    silent = spool.seconds_since_progress(upload.public_id)
    return (upload.lease_until is not None and upload.lease_until <= timezone.now()) or (
        silent is not None and silent > SILENCE_SECONDS
    )


def work_on(claimed: Claim) -> UploadState | None:
    """Check or store a claimed upload; how it ended, None where another has it by now."""
    upload = claimed.upload
    _at_work.add(upload.pk)
    try:
        if not roles_of(upload.uploaded_by, upload.study) & READERS:
            return _end(claimed, problem="Whoever uploaded this does not run the study any more.")
        found = check(upload) if upload.state == UploadState.CHECKING else store(upload)
        return _end(claimed, found=found)
    except (FileError, ImportRefusedError, LifecycleError) as fault:
        return _end(claimed, problem=_plain(fault, upload.public_id))
    except BadRowsError:
        return _end(
            claimed,
            problem="The study changed after the check, and rows are bad now that were good. "
            "Upload the files again.",
        )
    except ValidationError as fault:
        return _end(claimed, problem=" ".join(fault.messages))
    except SoftTimeLimitExceeded:
        log.error("uploads.too_long", upload=str(upload.public_id))
        return _end(
            claimed,
            problem=f"It took more than {TIME_LIMIT // 60} minutes and was ended. Split the files, "
            "or ask those who run this site to import them by a command.",
        )
    except Exception:
        log.exception("uploads.fault", upload=str(upload.public_id))
        return _end(
            claimed,
            problem="The program failed; nothing was stored, and those who run this site find the "
            "reason in its log.",
        )
    finally:
        _at_work.discard(upload.pk)


@dataclass(slots=True)
class _Listening:
    """Passes bad rows to the list and tells how far the work is."""

    upload: Upload
    problems: spool.RowList
    of: int | None
    read: int = 0
    first: list[list[object]] = dataclasses.field(default_factory=list)

    def bad_row(self, problem: RowProblem) -> None:
        name = spool.without_folder(problem.file, self.upload.public_id)
        self.problems.add(name, problem.line, problem.reason)
        if len(self.first) < SHOWN:
            self.first.append([name, problem.line, problem.reason])

    def rows_read(self, rows: int, *, store: bool) -> None:
        self.read += rows
        doing = "stored" if store else "checked"
        spool.note_progress(self.upload.public_id, self.read, self.of, doing)


def paths_of(upload: Upload) -> list[Path]:
    return [spool.path_of(upload.public_id, file["name"]) for file in upload.files]


def check(upload: Upload) -> dict[str, Any]:
    """Read the files and tell everything that is to be known before they are stored."""
    form = form_of(upload)
    paths = paths_of(upload)
    systems = System.objects.filter(study=upload.study).values_list("name", flat=True)
    first_names: list[list[object]] = []

    def progress(rows: int) -> None:
        spool.note_progress(upload.public_id, rows, None, "read")

    with spool.row_list(
        upload.public_id, NAMES_LIST, ("file", "line", "name", "words around it")
    ) as named:

        def found(row: NamedRow) -> None:
            name = spool.without_folder(row.file, upload.public_id)
            named.add(name, row.line, row.name, row.excerpt)
            if len(first_names) < SHOWN:
                first_names.append([name, row.line, row.name, row.excerpt])

        survey = survey_files(
            paths,
            form,
            names_pattern([*systems, *systems_of(paths, form, progress=progress)]),
            found=found,
            progress=progress,
        )
    with spool.row_list(upload.public_id, PROBLEMS_LIST, ("file", "line", "reason")) as problems:
        listening = _Listening(upload, problems, survey.rows)
        said: list[str] = []
        plan = dataclasses.replace(PLANS[upload.kind], form=form)
        summary = import_files(
            upload.study.slug,
            paths,
            plan,
            check_only=True,
            actor=upload.uploaded_by,
            say=said.append,
            listener=listening,
        )
    return {
        "rows": survey.rows,
        "bad": summary.bad,
        # Files that were imported before are read, and not stored again.
        "storable": summary.rows - summary.bad,
        "new": summary.counts["new"] + summary.counts["completed"],
        "problems": listening.first,
        "already": _imported_before(said, upload.public_id),
        "counts": {
            words: count
            for words, count in summary.counts.items()
            if count and words not in OUTCOMES
        },
        "systems": dict(survey.systems.most_common(SHOWN)),
        "system_count": len(survey.systems),
        "prompts": survey.prompts,
        "incomplete_prompts": survey.incomplete_prompts,
        "empty": survey.empty,
        "equal_pairs": survey.equal_pairs,
        "several": survey.several,
        "names": dict(survey.names.most_common(MOST_NAMES)),
        "naming_rows": survey.naming_rows,
        "named": first_names,
    }


def store(upload: Upload) -> dict[str, Any]:
    """Import the files as the researcher decided; what was done is added to what was found."""
    choices = upload.choices
    form = form_of(upload)
    treatment = Treatment.of(NamingPolicy(choices["naming"]), choices["chosen_names"])
    with spool.row_list(upload.public_id, PROBLEMS_LIST, ("file", "line", "reason")) as problems:
        listening = _Listening(upload, problems, upload.found.get("rows"))
        said: list[str] = []
        summary = import_files(
            upload.study.slug,
            paths_of(upload),
            dataclasses.replace(PLANS[upload.kind], form=form),
            skip_bad_rows=choices["skip_bad_rows"],
            treatment=treatment,
            actor=upload.uploaded_by,
            say=said.append,
            listener=listening,
        )
    return {
        **upload.found,
        "stored": {
            "rows": summary.rows - summary.bad if summary.stored else 0,
            "skipped": summary.bad,
            **({} if treatment is None else {"treatment": treatment.as_dict()}),
            **{words.replace(" ", "_"): summary.counts[words] for words in OUTCOMES},
        },
        "already": _imported_before(said, upload.public_id),
    }


def _imported_before(said: list[str], upload: uuid.UUID) -> list[str]:
    """What an import said of files that it had met before, without where they lie."""
    told = [line for line in said if "already imported" in line][:SHOWN]
    return [spool.without_folder(line, upload) for line in told]


def _plain(fault: Exception, upload: uuid.UUID) -> str:
    return spool.without_folder(str(fault), upload)


def _fail(upload: Upload, problem: str) -> None:
    upload.state, upload.problem = UploadState.FAILED, problem
    upload.lease_until, upload.changed_at = None, timezone.now()
    upload.save(update_fields=["state", "problem", "lease_until", "changed_at"])


def _end(
    claimed: Claim, *, found: dict[str, Any] | None = None, problem: str = ""
) -> UploadState | None:
    with transaction.atomic():
        mine = Upload.objects.select_for_update().filter(
            pk=claimed.upload.pk, state=claimed.upload.state, attempts=claimed.attempt
        )
        upload = mine.first()
        if upload is None:
            return None
        if problem:
            _fail(upload, problem)
            return UploadState.FAILED
        upload.state = (
            UploadState.STORED if upload.state == UploadState.STORING else UploadState.CHECKED
        )
        upload.found = found or {}
        upload.lease_until, upload.changed_at = None, timezone.now()
        upload.save(update_fields=["state", "found", "lease_until", "changed_at"])
    if upload.state == UploadState.STORED:
        spool.forget_files(upload.public_id, [file["name"] for file in upload.files])
    return UploadState(upload.state)


def are_waiting() -> bool:
    return Upload.objects.filter(state__in=AT_WORK, lease_until__isnull=True).exists()


def tidy() -> int:
    """Forget what nobody finished and lists nobody needs any more; the number of folders gone."""
    now = timezone.now()
    Upload.objects.filter(
        state__in=[UploadState.MAPPING, UploadState.CHECKED, UploadState.FAILED],
        changed_at__lt=now - UNFINISHED_FOR,
    ).delete()
    wanted = set(
        Upload.objects.exclude(
            state=UploadState.STORED, changed_at__lt=now - LISTS_FOR
        ).values_list("public_id", flat=True)
    )
    gone = 0
    for upload, age in spool.list_folders():
        # A folder is made before its row: an upload under way is left alone.
        if upload not in wanted and age > UNFINISHED_FOR.total_seconds() / 14:
            spool.forget(upload)
            gone += 1
    return gone
