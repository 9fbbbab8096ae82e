"""Prints every reference value beside ours: `python -m tests.stats.references FOLDER [--all]`.

Counts and other whole numbers are left out without `--all`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.stats.references.compared import Compared
from tests.stats.references.everything import ledgers


def number(value: object) -> str:
    return f"{value:.10g}" if isinstance(value, float) else "null" if value is None else str(value)


def line(row: Compared) -> str:
    gap = "" if row.difference is None else f"{row.difference:+.1e}"
    verdict = "" if row.agrees else " **differs**"
    cells = (
        row.path.replace("|", "v"),
        number(row.theirs),
        number(row.ours),
        gap,
        row.digits,
        row.by,
    )
    return f"| {' | '.join(cells)}{verdict} |"


def write(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def main(arguments: list[str]) -> int:
    if not arguments:
        sys.stdout.write(__doc__ or "")
        return 2
    everything = "--all" in arguments
    total = apart = 0
    for ledger in ledgers(Path(arguments[0])):
        agree = sum(row.agrees for row in ledger.rows)
        total, apart = total + len(ledger.rows), apart + len(ledger.rows) - agree
        write(f"\n## {ledger.name}: {agree} of {len(ledger.rows)} values agree\n")
        write("| value | theirs | ours | difference | digits | by |\n|-|-|-|-|-|-|")
        for row in ledger.rows:
            if everything or not isinstance(row.theirs, int | str) or not row.agrees:
                write(line(row))
    write(f"\n{total} values compared, {apart} differ.")
    return int(apart > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
