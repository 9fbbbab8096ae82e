"""Lists of people to invite: pasted lines or CSV, read with every bad row at once.

    name,email,role,team
    Ada Lovelace,ada@example.org,annotator,Berlin

A header is optional: without one the columns stand in that order, and a line may be an address
alone or `Ada Lovelace <ada@example.org>`. Columns may be separated by commas, semicolons or tabs.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import parseaddr

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from annotation.models import LONGEST_TEAM, Role
from annotation.shown_values import shown
from annotation.storable import is_storable

COLUMNS = ("name", "email", "role", "team")
ALIASES = {"e-mail": "email", "mail": "email", "address": "email", "group": "team"}
LONGEST_NAME = 150
# Of a path that a mail server takes, and of the column.
LONGEST_EMAIL = 254
MOST_ROWS = 1_000
# A thousand rows of the longest values have about half of it.
MOST_CHARACTERS = 1_000_000
SEPARATORS = ",;\t"


@dataclass(frozen=True, slots=True)
class Invitee:
    """Somebody to be invited; `email` is empty where only a link is wanted.

    `line` is where a list names them, for messages.
    """

    name: str = ""
    email: str = ""
    role: Role = Role.ANNOTATOR
    team: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class ListProblem:
    """What is wrong with a row. `line` counts from 1; 0 is the whole list."""

    line: int
    reason: str

    def __str__(self) -> str:
        return f"Line {self.line}: {self.reason}" if self.line else self.reason


class BadListError(ValueError):
    """Nothing of the list was used; `problems` has every bad row."""

    def __init__(self, problems: Sequence[ListProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, problems)))


def read_list(
    text: str, *, role: Role = Role.ANNOTATOR, team: str = "", needs_email: bool = False
) -> list[Invitee]:
    """The people of a list.

    Parameters
    ----------
    text : str
        The pasted text or the file.
    role, team
        Of rows that name none.
    needs_email : bool
        Whether a row without an address is a fault.

    Raises
    ------
    BadListError
        With every bad row: it is nobody, a column is unknown or too many, a value is not allowed,
        an address comes twice.
    """
    if len(text) > MOST_CHARACTERS:
        raise BadListError(
            [ListProblem(0, f"The list is longer than {MOST_CHARACTERS:,} characters.")]
        )
    rows = split_rows(text.removeprefix("\ufeff"))
    if not rows:
        raise BadListError([ListProblem(0, "The list is empty: write one person in each line.")])
    problems: list[ListProblem] = []
    columns = header_of(rows[0][1])
    if columns is None:
        names: Sequence[str] = COLUMNS
    else:
        names = columns
        problems += faults_of_header(rows[0][0], columns)
        rows = rows[1:]
    if len(rows) > MOST_ROWS:
        problems.append(ListProblem(0, f"The list has {len(rows)} rows; {MOST_ROWS} are the most."))
    if not rows:
        problems.append(ListProblem(0, "Below the header there is nobody."))
    if problems:
        raise BadListError(problems)
    people: list[Invitee] = []
    lines: dict[str, int] = {}
    for line, cells in rows:
        default = Invitee(role=role, team=team, line=line)
        person, faults = read_row(cells, names, default, needs_email)
        key = f"{person.email.casefold()} {person.role}"
        if person.email and key in lines:
            faults.append(f"{person.email} stands in line {lines[key]} already.")
        lines.setdefault(key, line)
        problems += [ListProblem(line, fault) for fault in faults]
        people.append(person)
    if problems:
        raise BadListError(problems)
    return people


def split_rows(text: str) -> list[tuple[int, list[str]]]:
    """Number of the first line and the cells of each row that is not empty."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(SEPARATORS, key=first.count)
    rows = []
    before = 0
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        for cells in reader:
            line, before = before + 1, reader.line_num
            stripped = [cell.strip() for cell in cells]
            if any(stripped):
                rows.append((line, stripped))
    except csv.Error as fault:
        raise BadListError(
            [ListProblem(before + 1, f"quotation marks do not fit together ({fault}).")]
        ) from None
    return rows


def header_of(cells: Sequence[str]) -> list[str] | None:
    """The columns that a first row names, or None where it is somebody's row."""
    named = [ALIASES.get(cell.casefold(), cell.casefold()) for cell in cells]
    return named if set(named) & set(COLUMNS) else None


def faults_of_header(line: int, columns: Sequence[str]) -> list[ListProblem]:
    unknown = [name for name in columns if name not in COLUMNS]
    doubled = [name for name in dict.fromkeys(columns) if columns.count(name) > 1]
    return [
        *(
            ListProblem(line, f"there is no column {shown(name)}; there are {', '.join(COLUMNS)}.")
            for name in unknown
        ),
        *(ListProblem(line, f"the column {name} comes twice.") for name in doubled),
    ]


def read_row(
    cells: Sequence[str], columns: Sequence[str], default: Invitee, needs_email: bool
) -> tuple[Invitee, list[str]]:
    faults: list[str] = []
    if len(cells) > len(columns):
        faults.append(f"it has {len(cells)} cells; there are {len(columns)} columns.")
    values = dict(zip(columns, cells, strict=False))
    if len(cells) == 1 and "@" in cells[0]:
        # An address alone, with or without a name before it.
        name, address = parseaddr(cells[0])
        values = {"name": name, "email": address or cells[0]}
    name, address = values.get("name", ""), values.get("email", "")
    team = values.get("team") or default.team
    role = read_role(values.get("role", ""), default.role, faults)
    if not name and not address:
        faults.append("it names nobody: give a name or an e-mail address.")
    if address:
        try:
            validate_email(address)
            if len(address) > LONGEST_EMAIL:
                raise ValidationError("too long")
        except ValidationError:
            faults.append(f"{shown(address)} is no e-mail address.")
    elif needs_email:
        faults.append("an e-mail address is missing, and invitations are to be sent by e-mail.")
    for what, value, most in (("name", name, LONGEST_NAME), ("team", team, LONGEST_TEAM)):
        if len(value) > most:
            faults.append(f"the {what} has {len(value)} characters; {most} are the most.")
        if not is_storable(value) or not value.isprintable():
            faults.append(f"the {what} holds a character that cannot be shown.")
    return Invitee(name, address, role, team, default.line), faults


def read_role(raw: str, default: Role, faults: list[str]) -> Role:
    if not raw:
        return default
    try:
        return Role(raw.casefold())
    except ValueError:
        faults.append(f"{shown(raw)} is no role; roles are {', '.join(Role.values)}.")
        return default
