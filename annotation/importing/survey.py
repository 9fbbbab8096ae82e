"""What files would bring, told before anything is stored: traps for whoever compares systems. Pure.

Two readings: one for the systems' names, one for all else. Of each row only keys are kept, some
tens of bytes, so that a file of a million rows fits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from re import Pattern
from typing import Any

from annotation.importing.digests import key_of
from annotation.importing.formats import (
    ComparisonRow,
    PromptRow,
    ResponseRow,
    RowFormat,
    RowProblem,
    read_rows,
)
from annotation.importing.naming import around, names_in
from annotation.importing.sampled import Sample

ROWS_PER_PROGRESS = 500


@dataclass(frozen=True, slots=True)
class NamedRow:
    """A response that names a system or its maker."""

    file: str
    line: int
    name: str
    excerpt: str


@dataclass(slots=True)
class Survey:
    """What was found.

    Attributes
    ----------
    rows : int
        All rows, bad ones too.
    systems : Counter
        Responses by system.
    prompts : int
    incomplete_prompts : int
        Prompts to which not every system of these files has a response.
    empty : int
        Responses without text.
    equal_pairs : int
        Pairs of responses to one prompt by different systems that are equal, letter by letter.
    several : int
        Responses beyond the first of one system to one prompt.
    names : Counter
        Responses by the name that they hold.
    naming_rows : int
        Rows with any such name.
    sampled : list of dict
        Some pairs, as `sampled.Sample.pairs` gives them.
    """

    rows: int = 0
    systems: Counter[str] = field(default_factory=Counter)
    prompts: int = 0
    incomplete_prompts: int = 0
    empty: int = 0
    equal_pairs: int = 0
    several: int = 0
    names: Counter[str] = field(default_factory=Counter)
    naming_rows: int = 0
    sampled: list[dict[str, Any]] = field(default_factory=list)


def survey_files(
    paths: Iterable[Path],
    form: RowFormat[Any],
    pattern: Pattern[str],
    *,
    found: Callable[[NamedRow], None],
    progress: Callable[[int], None],
) -> Survey:
    """Read files for what a researcher should know of them.

    Parameters
    ----------
    paths, form
        The files and what their rows are.
    pattern
        What a response must not say; see `naming.names_pattern`.
    found
        Takes each response that says it, and each name of it.
    progress
        Takes the number of rows read so far, every `ROWS_PER_PROGRESS`.

    Raises
    ------
    FileError
        If a file cannot be read as a whole.
    """
    survey = Survey()
    prompts = _Prompts()
    sample = Sample()
    for path in paths:
        for read in read_rows(path, form):
            survey.rows += 1
            if survey.rows % ROWS_PER_PROGRESS == 0:
                progress(survey.rows)
            if isinstance(read.row, RowProblem):
                continue
            sample.see(read.row)
            named = False
            for prompt_id, system, text in responses_in(read.row):
                survey.systems[system] += 1
                survey.empty += text == ""
                prompts.see(prompt_id, system, text)
                for name in names_in(text, pattern):
                    named = True
                    survey.names[name] += 1
                    found(NamedRow(str(path), read.line, name, around(text, name)))
            survey.naming_rows += named
            if isinstance(read.row, PromptRow):
                prompts.see_prompt(read.row.prompt.prompt_id)
    survey.prompts = len(prompts.systems)
    survey.incomplete_prompts = prompts.incomplete()
    survey.equal_pairs, survey.several = prompts.equal_pairs, prompts.several
    survey.sampled = sample.pairs()
    return survey


def systems_of(
    paths: Iterable[Path], form: RowFormat[Any], *, progress: Callable[[int], None]
) -> set[str]:
    """The systems that any row of the files names: a response anywhere may say one of them.

    Raises
    ------
    FileError
        If a file cannot be read as a whole.
    """
    found: set[str] = set()
    rows = 0
    for path in paths:
        for read in read_rows(path, form):
            rows += 1
            if rows % ROWS_PER_PROGRESS == 0:
                progress(rows)
            found.update(system for _, system, _ in responses_in(read.row))
    return found


def responses_in(row: object) -> Iterator[tuple[str, str, str]]:
    """Prompt id, system and text of each response that a row brings."""
    if isinstance(row, ResponseRow):
        yield row.prompt.prompt_id, row.system, row.text
    elif isinstance(row, ComparisonRow):
        yield row.prompt.prompt_id, row.a.system, row.a.text
        yield row.prompt.prompt_id, row.b.system, row.b.text


class _Prompts:
    """Which systems answered which prompt, in digests."""

    def __init__(self) -> None:
        # Prompt: a bit for each system.
        self.systems: dict[bytes, int] = {}
        self._bits: dict[str, int] = {}
        # Prompt and text: the systems that wrote it.
        self._texts: dict[bytes, int] = {}
        self._seen: set[bytes] = set()
        self.equal_pairs = 0
        self.several = 0

    def see_prompt(self, prompt_id: str) -> None:
        self.systems.setdefault(key_of(prompt_id), 0)

    def see(self, prompt_id: str, system: str, text: str) -> None:
        prompt = key_of(prompt_id)
        bit = self._bits.setdefault(system, 1 << len(self._bits))
        response = key_of(prompt_id, system, text)
        if response in self._seen:
            # The same response in several comparisons, or a row that stands twice.
            return
        self._seen.add(response)
        self.several += bool(self.systems.get(prompt, 0) & bit)
        self.systems[prompt] = self.systems.get(prompt, 0) | bit
        if text:
            same = key_of(prompt_id, text)
            others = self._texts.get(same, 0) & ~bit
            self.equal_pairs += others.bit_count()
            self._texts[same] = self._texts.get(same, 0) | bit

    def incomplete(self) -> int:
        every = (1 << len(self._bits)) - 1
        return sum(bits != every for bits in self.systems.values())
