"""All benchmarks, one table: ``python -m tests.benchmarks [PART…] [--output FILE]``.

Parts (all of them where none is named): usual, large, stats, models, agreement, rivals,
judges. Each is a process of its own. `--output` also writes the lines as JSON. `imports` (minutes)
runs only where it is named; the power of the quality rules is
``python -m tests.benchmarks.bench_quality``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from tests.benchmarks.processes import PROJECT_ROOT
from tests.benchmarks.table import Line, show

MODULE = "tests.benchmarks.bench_"
PARTS = {
    "usual": (f"{MODULE}analyze", "usual"),
    "large": (f"{MODULE}analyze", "large"),
    "stats": (f"{MODULE}stats", "b", "c"),
    "models": (f"{MODULE}models", "b"),
    "agreement": (f"{MODULE}agreement",),
    "rivals": (f"{MODULE}rivals", "b", "c"),
    "judges": (f"{MODULE}judges",),
}
ON_REQUEST = {"imports": (f"{MODULE}import",)}


def lines_of(part: str) -> list[Line]:
    """Run one part and read what it measured."""
    module, *arguments = PARTS[part]
    command = [sys.executable, "-m", module, *arguments, "--json"]
    done = subprocess.run(command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True, check=False)
    lines = [Line(**json.loads(text)) for text in done.stdout.splitlines()]
    if done.returncode != 0:
        lines.append(Line(part, None, beside=f"ended with exit {done.returncode}"))
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, *ON_REQUEST, []], metavar="PART")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    lines: list[Line] = []
    for part in options.parts or PARTS:
        sys.stderr.write(f"[benchmarks] {part}\n")
        if part in PARTS:
            lines += lines_of(part)
        else:
            subprocess.run([sys.executable, "-m", *ON_REQUEST[part]], cwd=PROJECT_ROOT, check=True)
    if lines:
        show(lines)
    if options.output is not None:
        options.output.write_text(json.dumps([asdict(line) for line in lines], indent=1) + "\n")


if __name__ == "__main__":
    main()
