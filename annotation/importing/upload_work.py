"""What a worker does with files that came by the browser: it checks them, and stores them.

Checking reads the files three times and writes nothing into the study; storing is the import of the
commands, in one transaction, so that a worker that is lost within it leaves nothing behind.
"""

from __future__ import annotations

import dataclasses
import uuid
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from annotation.access import roles_of
from annotation.access.outcomes import READERS
from annotation.importing import spool
from annotation.importing.formats import FileError, RowProblem
from annotation.importing.naming import NamingPolicy, Treatment, names_pattern
from annotation.importing.survey import NamedRow, survey_files, systems_of
from annotation.importing.transfer import (
    BadRowsError,
    ImportRefusedError,
    ImportSummary,
    import_files,
)
from annotation.importing.uploads import NAMES_LIST, PLANS, PROBLEMS_LIST, SHOWN, form_of
from annotation.importing.writers.writer import OUTCOMES
from annotation.lifecycle.refusals import LifecycleError
from annotation.models import System, Upload, UploadState
from annotation.models.uploads import AT_WORK
from annotation.taking_turns import TIME_LIMIT, TakenOverError, at_work, take_turn

log = structlog.get_logger(__name__)

MOST_NAMES = 100
"""Different names that the check tells apart; a text full of versions has no more."""

# Of what was found: texts of some pairs, until they are stored.
SAMPLED = "sampled"

UNFINISHED_FOR = timedelta(days=14)
"""An upload that nobody finished is forgotten after it, and its files with it."""

LISTS_FOR = timedelta(days=7)
"""So long the lists of bad rows can be downloaded after an upload was stored or failed."""


def claim() -> Upload | None:
    """Take the oldest upload that waits, or whose worker was lost; None where there is none."""
    waiting = Upload.objects.filter(state__in=AT_WORK).order_by("uploaded_at", "pk")
    return take_turn(waiting, progress=_progress_path, give_up=_give_up)


def _progress_path(upload: Upload) -> Path:
    return spool.path_of(upload.public_id, spool.PROGRESS)


def _give_up(upload: Upload) -> None:
    log.error("uploads.lost", upload=str(upload.public_id), attempts=upload.attempts)
    _fail(
        upload,
        "The work was cut off twice. Upload the files again; if it happens once more, split them "
        "into smaller ones.",
    )


def work_on(upload: Upload) -> UploadState | None:
    """Check or store a claimed upload; how it ended, None where another has it by now."""
    with at_work(upload):
        try:
            if not roles_of(upload.uploaded_by, upload.study) & READERS:
                return _end(
                    upload, problem="Whoever uploaded this does not run the study any more."
                )
            if upload.state == UploadState.CHECKING:
                return _end(upload, found=check(upload))
            return store(upload)
        except TakenOverError:
            return None
        except (FileError, ImportRefusedError, LifecycleError) as fault:
            return _end(upload, problem=spool.plain(fault, upload.public_id))
        except BadRowsError:
            return _end(
                upload,
                problem="The study changed after the check, and rows are bad now that were good. "
                "Upload the files again.",
            )
        except ValidationError as fault:
            return _end(upload, problem=" ".join(fault.messages))
        except SoftTimeLimitExceeded:
            log.error("uploads.too_long", upload=str(upload.public_id))
            return _end(
                upload,
                problem=f"It took more than {TIME_LIMIT // 60} minutes and was ended. Split the "
                "files, or ask those who run this site to import them by a command.",
            )
        except Exception:
            log.exception("uploads.fault", upload=str(upload.public_id))
            return _end(
                upload,
                problem="The program failed; nothing was stored, and those who run this site find "
                "the reason in its log.",
            )


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
        # A reason may point to another row, of a file of the spool.
        reason = spool.without_folder(problem.reason, self.upload.public_id)
        self.problems.add(name, problem.line, reason)
        if len(self.first) < SHOWN:
            self.first.append([name, problem.line, reason])

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
        SAMPLED: survey.sampled,
    }


def store(upload: Upload) -> UploadState | None:
    """Import the files as the researcher decided; what was done is added to what was found.

    That it is stored is told in the transaction that stores it, whatever kills the worker.
    """
    choices = upload.choices
    form = form_of(upload)
    treatment = Treatment.of(NamingPolicy(choices["naming"]), choices["chosen_names"])
    said: list[str] = []

    def done(summary: ImportSummary) -> dict[str, Any]:
        return {
            # The texts stand in their own tables by now.
            **{name: value for name, value in upload.found.items() if name != SAMPLED},
            "stored": {
                "rows": summary.rows - summary.bad if summary.stored else 0,
                "skipped": summary.bad,
                **({} if treatment is None else {"treatment": treatment.as_dict()}),
                **{words.replace(" ", "_"): summary.counts[words] for words in OUTCOMES},
            },
            "already": _imported_before(said, upload.public_id),
        }

    def told(summary: ImportSummary) -> None:
        if _end(upload, found=done(summary)) is None:
            raise TakenOverError(str(upload.public_id))

    with spool.row_list(upload.public_id, PROBLEMS_LIST, ("file", "line", "reason")) as problems:
        listening = _Listening(upload, problems, upload.found.get("rows"))
        summary = import_files(
            upload.study.slug,
            paths_of(upload),
            dataclasses.replace(PLANS[upload.kind], form=form),
            skip_bad_rows=choices["skip_bad_rows"],
            treatment=treatment,
            actor=upload.uploaded_by,
            say=said.append,
            listener=listening,
            and_with_it=told,
        )
    state = UploadState.STORED if summary.stored else _end(upload, found=done(summary))
    if state == UploadState.STORED:
        spool.forget_files(upload.public_id, [file["name"] for file in upload.files])
    return state


def _imported_before(said: list[str], upload: uuid.UUID) -> list[str]:
    """What an import said of files that it had met before, without where they lie."""
    told = [line for line in said if "already imported" in line][:SHOWN]
    return [spool.without_folder(line, upload) for line in told]


def _fail(upload: Upload, problem: str) -> None:
    upload.state, upload.problem = UploadState.FAILED, problem
    upload.lease_until, upload.changed_at = None, timezone.now()
    upload.save(update_fields=["state", "problem", "lease_until", "changed_at"])


def _end(
    worked: Upload, *, found: dict[str, Any] | None = None, problem: str = ""
) -> UploadState | None:
    with transaction.atomic():
        mine = Upload.objects.select_for_update(no_key=True).filter(
            pk=worked.pk, state=worked.state, attempts=worked.attempts
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
