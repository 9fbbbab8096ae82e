"""The import of files of one kind into one study: all of it or nothing.

Two readings: the first checks every row, against the others and against the database, outside any
transaction; the second stores them in one transaction, so that the write lock is held as briefly
as it can be and every bad row is known before anything is written.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Protocol

from django.db import transaction

from annotation import audit
from annotation.importing.formats import FileError, RowProblem, content_sha256, read_rows
from annotation.importing.formats.limits import MIB
from annotation.importing.naming import Treatment
from annotation.importing.places import Places, place_of
from annotation.importing.writers.writer import OUTCOMES, ImportPlan, Pass, Row, Writer
from annotation.lifecycle.drafts import begin_draft, check_slug
from annotation.models import ImportFile, ImportKind, Study, User
from annotation.planner_statistics import refresh_planner_statistics

# Long rows make small batches: what is parsed but not stored stays a few megabytes.
BATCH_ROWS = 500
BATCH_BYTES = 4 * MIB
ROWS_PER_PROGRESS = 50_000
MAX_NAME_LENGTH = 255


class ImportRefusedError(Exception):
    """The import cannot be done at all; the message says why and what to do."""


class BadRowsError(Exception):
    """Rows are bad and were not to be skipped; nothing was stored."""

    def __init__(self, summary: ImportSummary) -> None:
        super().__init__(summary.text())
        self.summary = summary


class Listener(Protocol):
    """Who wants more than lines of text: each bad row for itself, and every batch."""

    def bad_row(self, problem: RowProblem) -> None:
        """A row cannot be stored."""
        ...

    def rows_read(self, rows: int, *, store: bool) -> None:
        """So many rows of all files were checked, or stored, since the last call."""
        ...


@dataclass(slots=True)
class ImportSummary:
    """What an import did: rows read, bad ones, and the counts of its writer.

    `act` is what the caller has to record, where the import is a part of the caller's transaction.
    """

    slug: str
    kind: str
    stored: bool = False
    rows: int = 0
    bad: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    act: audit.Act | None = None

    def text(self) -> str:
        """Say it in one line."""
        if not self.rows:
            return f"{self.slug}: nothing to import"
        parts = [f"{self.rows:,} {'row' if self.rows == 1 else 'rows'} of {self.kind}"]
        if self.bad:
            parts.append(f"bad: {self.bad:,}")
        parts.extend(
            f"{words}: {count:,}"
            for words, count in self.counts.items()
            if count and (self.stored or words not in OUTCOMES)
        )
        return f"{self.slug}: {'' if self.stored else 'nothing stored: '}{'; '.join(parts)}"


@dataclass(slots=True)
class _File:
    path: Path
    sha256: str
    number: int
    rows: int = 0
    bad: int = 0


def import_files(
    slug: str,
    paths: Sequence[Path],
    plan: ImportPlan[Row],
    *,
    skip_bad_rows: bool = False,
    into_opened: bool = False,
    check_only: bool = False,
    treatment: Treatment | None = None,
    actor: User | None = None,
    say: Callable[[str], None],
    listener: Listener | None = None,
    and_with_it: Callable[[ImportSummary], None] | None = None,
) -> ImportSummary:
    """Import files into the study ``slug``, which is created by its first import.

    Parameters
    ----------
    slug : str
        The study.
    paths : sequence of Path
        Files of one kind; of those that were imported before, this is said and no more.
    plan : ImportPlan
        The kind.
    skip_bad_rows : bool
        Store the good rows although others are bad.
    into_opened : bool
        Content may be added to an opened study: the caller's transaction makes a new version of it,
        and records the summary's `act` at its end.
    check_only : bool
        Read and check all rows against each other and the study, and store nothing.
    treatment : Treatment, optional
        What is done with rows that name a system; the log tells it. A file counts as imported
        before only where it was treated so, too.
    actor : User or None
        Who imports, for the log; None at the command line.
    say : callable
        Takes lines for the person who waits: progress, each bad row, remarks.
    listener : Listener, optional
        Is told of each bad row, in place of `say`, and of every batch.
    and_with_it : callable, optional
        Writes what belongs to the rows, in the transaction that stores them; not called where
        nothing is stored.

    Returns
    -------
    ImportSummary
        What was done.

    Raises
    ------
    django.core.exceptions.ValidationError
        If ``slug`` cannot name a study.
    FileError
        If a file cannot be read as a whole.
    ImportRefusedError
        If the study does not take such rows any more.
    BadRowsError
        If rows are bad and are not to be skipped.
    """
    check_slug(slug)
    if treatment is not None:
        plan = dataclasses.replace(plan, form=treatment.applied(plan.form))
    transfer = _Transfer(slug, plan, skip_bad_rows, into_opened, treatment, actor, say, listener)
    return transfer.run(paths, check_only=check_only, and_with_it=and_with_it)


class _Transfer(Generic[Row]):
    """One import under way."""

    def __init__(
        self,
        slug: str,
        plan: ImportPlan[Row],
        skip_bad_rows: bool,
        into_opened: bool,
        treatment: Treatment | None,
        actor: User | None,
        say: Callable[[str], None],
        listener: Listener | None,
    ) -> None:
        self._slug = slug
        self._plan = plan
        self._skip_bad_rows = skip_bad_rows
        self._into_opened = into_opened
        self._treatment = treatment
        self._actor = actor
        self._say = say
        self._listener = listener
        self._places = Places()
        self._bad: set[int] = set()
        self._unreadable = 0
        self._files: list[_File] = []

    def run(
        self,
        paths: Sequence[Path],
        *,
        check_only: bool,
        and_with_it: Callable[[ImportSummary], None] | None = None,
    ) -> ImportSummary:
        study = Study.objects.filter(slug=self._slug).first()
        self._files = self._new_files(study, paths)
        summary = ImportSummary(self._slug, self._plan.kind)
        if not self._files:
            return summary
        if study is not None:
            self._check_state(study)
        summary.counts = self._read(study, store=False).counts
        refused = bool(self._bad) and not self._skip_bad_rows
        if not check_only and not refused and self._good_rows():
            with transaction.atomic():
                # Rows found bad by the first reading are passed over by the second.
                study, begun = begin_draft(self._slug, self._actor)
                study, counts = self._store(study)
                summary.counts = counts | summary.counts
                summary.stored = True
                summary.act = self._act()
                self._tally(summary)
                if and_with_it is not None:
                    and_with_it(summary)
                # Last, also what the study began with.
                acts = begun if self._into_opened else [*begun, summary.act]
                audit.record_acts(study, self._actor, *acts)
            refresh_planner_statistics()
        self._tally(summary)
        if refused and not check_only:
            raise BadRowsError(summary)
        return summary

    def _tally(self, summary: ImportSummary) -> None:
        summary.rows = sum(file.rows for file in self._files)
        summary.bad = len(self._bad)

    def _new_files(self, study: Study | None, paths: Sequence[Path]) -> list[_File]:
        new: dict[str, _File] = {}
        for path in paths:
            sha256 = content_sha256(path)
            before = (
                study
                and study.import_files.filter(
                    kind=self._plan.kind, sha256=self._key_of(sha256)
                ).first()
            )
            if before:
                self._say(f"{path}: already imported{skipped_then(before)}")
            elif sha256 in new:
                self._say(f"{path}: already imported: its content is that of {new[sha256].path}")
            else:
                new[sha256] = _File(path, sha256, self._places.add_file(str(path)))
        return list(new.values())

    def _key_of(self, sha256: str) -> str:
        return sha256 if self._treatment is None else self._treatment.of_content(sha256)

    def _check_state(self, study: Study) -> None:
        if self._plan.is_content and study.was_opened and not self._into_opened:
            instead = (
                f"Add them by a new version, change_study {study.slug} --add-comparisons FILE "
                "--reason TEXT, or import them into a new study."
                if self._plan.kind == ImportKind.COMPARISONS
                else "Import them into a new study."
            )
            raise ImportRefusedError(
                f"study {study.slug!r} was opened: its content is frozen and takes no more "
                f"{self._plan.kind}. {instead}"
            )

    def _good_rows(self) -> int:
        return sum(file.rows - file.bad for file in self._files)

    def _store(self, created: Study) -> tuple[Study, Counter[str]]:
        """Read again and store, in the caller's transaction."""
        # Imports into one study take turns from here on; what the first reading saw may be old.
        # NO KEY: whoever inserts a row that refers to the study, as every audit entry does, passes.
        study = Study.objects.select_for_update(no_key=True).get(pk=created.pk)
        self._check_state(study)
        keys = [self._key_of(file.sha256) for file in self._files]
        if study.import_files.filter(kind=self._plan.kind, sha256__in=keys).exists():
            raise ImportRefusedError(
                f"study {self._slug!r} was given the same file by somebody else while it was "
                "checked; nothing was stored a second time."
            )
        bad_before = len(self._bad)
        counts = self._read(study, store=True).counts
        if len(self._bad) > bad_before and not self._skip_bad_rows:
            raise ImportRefusedError(
                f"study {self._slug!r} changed while the files were checked; nothing was stored. "
                "Import again."
            )
        for file in self._files:
            if content_sha256(file.path) != file.sha256:
                raise FileError(f"{file.path}: changed while it was read; nothing was stored")
            if file.rows > file.bad:
                ImportFile.objects.create(
                    study=study,
                    kind=self._plan.kind,
                    sha256=self._key_of(file.sha256),
                    name=file.path.name[-MAX_NAME_LENGTH:],
                    rows=file.rows - file.bad,
                    skipped_rows=file.bad,
                    imported_by=self._actor,
                )
        return study, counts

    def _act(self) -> audit.Act:
        return audit.Act(
            f"{self._plan.kind}.imported",
            {
                "files": [
                    {"sha256": file.sha256, "rows": file.rows - file.bad, "skipped": file.bad}
                    for file in self._files
                ],
                **({} if self._treatment is None else {"treatment": self._treatment.as_logged()}),
            },
        )

    def _read(self, study: Study | None, *, store: bool) -> Writer[Row]:
        """Read all files, as often as the writer asks, and report each bad row once."""
        run = Pass(
            study=study,
            places=self._places,
            store=store,
            has_unreadable_rows=lambda: self._unreadable > 0,
            remark=self._remark if store else lambda place, text: None,
        )
        writer = self._plan.writer(run)
        verb = "stored" if store else "checked"
        sweep = 0
        while sweep < writer.sweeps:
            if self._treatment is not None:
                self._treatment.begin()
            for file in self._files:
                if sweep == 0:
                    file.rows = 0
                for batch in self._batches(file, counts=sweep == 0, verb=verb):
                    for place, reason in writer.take(batch, sweep):
                        self._report(file, place, reason)
                    if self._listener is not None and sweep == 0:
                        self._listener.rows_read(len(batch), store=store)
            sweep += 1
        return writer

    def _batches(self, file: _File, *, counts: bool, verb: str) -> Iterator[list[tuple[int, Row]]]:
        """Give the rows of a file that are not known to be bad, some at a time."""
        batch: list[tuple[int, Row]] = []
        size = 0
        for read in read_rows(file.path, self._plan.form):
            place = place_of(file.number, read.line)
            if counts:
                file.rows += 1
                if file.rows % ROWS_PER_PROGRESS == 0:
                    self._say(f"{file.path}: {file.rows:,} rows {verb}")
            if place in self._bad:
                continue
            if isinstance(read.row, RowProblem):
                self._unreadable += 1
                self._report(file, place, read.row.reason)
                continue
            batch.append((place, read.row))
            size += read.size
            if len(batch) >= BATCH_ROWS or size >= BATCH_BYTES:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    def _report(self, file: _File, place: int, reason: str) -> None:
        self._bad.add(place)
        file.bad += 1
        if self._listener is None:
            self._remark(place, reason)
        else:
            self._listener.bad_row(
                RowProblem(self._places.file(place), self._places.line(place), reason)
            )

    def _remark(self, place: int, text: str) -> None:
        self._say(f"{self._places.name(place)}: {text}")


def skipped_then(before: ImportFile) -> str:
    if not before.skipped_rows:
        return ""
    return f"; {before.skipped_rows:,} bad rows were skipped then: give them in a file of their own"
