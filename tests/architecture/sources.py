"""Where the product's own sources are."""

from __future__ import annotations

from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent.parent
ROOMS = ("annotation", "judging", "reports", "evalsite")


def source_files() -> list[Path]:
    """Every Python file of the rooms but the migrations."""
    return [
        file
        for room in ROOMS
        for file in sorted((PROJECT_ROOT / room).rglob("*.py"))
        if "migrations" not in file.parts
    ]


def asset_files(folder: str, suffix: str) -> list[Path]:
    """Every file below a folder of that name in a room, but what others wrote."""
    return [
        file
        for room in ROOMS
        for file in sorted((PROJECT_ROOT / room).rglob(f"{folder}/**/*{suffix}"))
        if "vendor" not in file.parts
    ]
