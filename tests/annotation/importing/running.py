"""Runs an import command as the terminal would, and gives what it said."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from django.core.management import CommandError, call_command


@dataclass(frozen=True)
class Said:
    """`code` is the exit; `error` the last line of a failed command."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.err.splitlines()

    @property
    def summary(self) -> str:
        return self.lines[-1]


def run_import(
    kind: str, study: str, *files: Path, skip_bad_rows: bool = False, mapped: Sequence[str] = ()
) -> Said:
    out, err = StringIO(), StringIO()
    options = ["--skip-bad-rows"] if skip_bad_rows else []
    options += [option for pair in mapped for option in ("--map", pair)]
    code = 0
    try:
        call_command(f"import_{kind}", study, *map(str, files), *options, stdout=out, stderr=err)
    except CommandError as error:
        code = error.returncode
        err.write(f"CommandError: {error}\n")
    return Said(code, out.getvalue(), err.getvalue())
