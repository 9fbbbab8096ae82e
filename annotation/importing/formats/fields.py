"""Typed access to the values of one row, alike for JSONL and CSV."""

import math
import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from annotation.importing.formats.jsonl import parse_value
from annotation.importing.formats.limits import MAX_ID_LENGTH, MAX_INTEGER
from annotation.importing.formats.problems import RowError, excerpt

Word = TypeVar("Word", bound=str)

_CSV_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_CSV_INTEGER = re.compile(r"[+-]?\d{1,20}", re.ASCII)
_CSV_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}

# Ten digits after the point and as many before it: the column that holds costs.
COST_STEP = Decimal("1e-10")
MAX_COST = Decimal(10) ** 10


class Fields:
    """The values of one row, taken one by one; what is left is metadata.

    Parameters
    ----------
    values : dict[str, object]
        The row. It is emptied as values are taken.
    csv : bool
        Whether the values are cells: texts, of which an empty one states nothing.
    """

    __slots__ = ("_csv", "_values")

    def __init__(self, values: dict[str, object], *, csv: bool) -> None:
        self._values = values
        self._csv = csv

    def has(self, name: str) -> bool:
        return name in self._values

    def take(self, name: str, *aliases: str) -> object:
        """Take a value under its name or an alias; None if absent, null or an empty cell.

        Raises
        ------
        RowError
            If two of the names are there with different values.
        """
        value = self._values.pop(name, None)
        if self._csv and value == "":
            value = None
        for alias in aliases:
            if alias in self._values:
                other = self.take(alias)
                if value is not None and other is not None and other != value:
                    raise RowError(
                        f"{name} is {excerpt(value)} but its alias {alias} is {excerpt(other)}"
                    )
                value = other if value is None else value
        return value

    def identifier(self, name: str, *aliases: str) -> str:
        """Take an identifier or a name: a text, or an integer, which is read as its digits."""
        value = self.take(name, *aliases)
        if value is None:
            raise RowError(f"{' or '.join((name, *aliases))} is missing")
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            raise RowError(f"{name} must be a text, got {excerpt(value)}")
        if not value.strip():
            raise RowError(f"{name} is empty")
        return _short(name, value)

    def required_text(self, name: str) -> str:
        """Take a text that must be there but may be empty."""
        if name not in self._values:
            raise RowError(f"{name} is missing")
        value = self._values.pop(name)
        if not isinstance(value, str):
            raise RowError(f"{name} must be a text, got {excerpt(value)}")
        return value

    def text(self, name: str) -> str | None:
        value = self.take(name)
        if value is not None and not isinstance(value, str):
            raise RowError(f"{name} must be a text, got {excerpt(value)}")
        return value

    def short_text(self, name: str) -> str | None:
        value = self.text(name)
        return None if value is None else _short(name, value)

    def number(self, name: str, *, maximum: float = math.inf) -> float | None:
        """Take a finite number from 0 to ``maximum``."""
        value = self.take(name)
        if value is None:
            return None
        if self._csv and isinstance(value, str) and _CSV_NUMBER.fullmatch(value):
            value = float(value)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise RowError(f"{name} must be a number, got {excerpt(value)}")
        if not (math.isfinite(value) and 0 <= value <= maximum):
            span = "0 or more" if math.isinf(maximum) else f"from 0 to {maximum:g}"
            raise RowError(f"{name} must be {span}, got {excerpt(value)}")
        return float(value)

    def integer(self, name: str, *, minimum: int = 0, maximum: int = MAX_INTEGER) -> int | None:
        value = self.take(name)
        if value is None:
            return None
        if self._csv and isinstance(value, str) and _CSV_INTEGER.fullmatch(value):
            value = int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise RowError(f"{name} must be a whole number, got {excerpt(value)}")
        if not minimum <= value <= maximum:
            raise RowError(f"{name} must be from {minimum} to {maximum}, got {value}")
        return value

    def cost(self, name: str) -> Decimal | None:
        """Take US dollars, rounded to the ten digits that are stored."""
        value = self.take(name)
        if value is None:
            return None
        known = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not known and not (self._csv and _CSV_NUMBER.fullmatch(str(value))):
            raise RowError(f"{name} must be a number of US dollars, got {excerpt(value)}")
        try:
            dollars = Decimal(str(value)).quantize(COST_STEP)
        except InvalidOperation:
            dollars = MAX_COST
        if not 0 <= dollars < MAX_COST:
            raise RowError(f"{name} must be from 0 to {MAX_COST:,}, got {excerpt(value)}")
        return dollars

    def boolean(self, name: str) -> bool | None:
        value = self.take(name)
        if self._csv and isinstance(value, str):
            value = _CSV_BOOLEANS.get(value.lower(), value)
        if value is not None and not isinstance(value, bool):
            raise RowError(f"{name} must be true or false, got {excerpt(value)}")
        return value

    def moment(self, name: str) -> datetime | None:
        """Take a time in ISO 8601 with its offset, as the same moment in UTC."""
        value = self.take(name)
        if value is None:
            return None
        try:
            moment = datetime.fromisoformat(value) if isinstance(value, str) else None
            if moment is not None and moment.tzinfo is not None:
                return moment.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise RowError(
            f"{name} must be a time in ISO 8601 with its offset, such as 2026-11-24T09:30:00Z, "
            f"got {excerpt(value)}"
        )

    def word(self, name: str, allowed: tuple[Word, ...], *aliases: str) -> Word | None:
        value = self.take(name, *aliases)
        if value is None:
            return None
        return one_of(name, value, allowed)

    def words(self, name: str, allowed: tuple[Word, ...]) -> list[Word] | None:
        """Take one word or a list of words, in CSV split by ``|``."""
        values = self.labels(name, single=True)
        if values is None:
            return None
        if not values:
            raise RowError(f"{name} is an empty list")
        return [one_of(name, value, allowed) for value in dict.fromkeys(values)]

    def labels(self, name: str, *, single: bool = False) -> list[str] | None:
        """Take a list of texts, in CSV split by ``|``; ``single``: JSONL may give just one."""
        value = self.take(name)
        if value is None:
            return None
        if isinstance(value, str) and self._csv:
            return [part for part in (piece.strip() for piece in value.split("|")) if part]
        if isinstance(value, str) and single:
            return [value]
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise RowError(f"{name} must be a list of texts, got {excerpt(value)}")
        return [str(item) for item in value]

    def structure(self, name: str) -> object:
        """Take a JSON value; in CSV the cell holds JSON."""
        value = self.take(name)
        if self._csv and isinstance(value, str):
            return parse_value(value, name)
        return value

    def cell_json(self, name: str) -> object:
        """Take the JSON of a column that only CSV has; in JSONL the key is an unknown one."""
        return self.structure(name) if self._csv else None

    def rest(self) -> dict[str, object]:
        """Give what was not taken, to be kept as metadata. Empty cells hold nothing to keep."""
        if self._csv:
            return {name: value for name, value in self._values.items() if value != ""}
        return self._values


def one_of(name: str, value: object, allowed: tuple[Word, ...]) -> Word:
    for word in allowed:
        if word == value:
            return word
    raise RowError(f"{name} must be one of {', '.join(allowed)}; got {excerpt(value)}")


def _short(name: str, value: str) -> str:
    if len(value) > MAX_ID_LENGTH:
        raise RowError(f"{name} has {len(value)} characters, at most {MAX_ID_LENGTH} are kept")
    return value
