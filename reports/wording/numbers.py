"""Numbers as people read them, rounded to what is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

MINUS = "\u2212"
# Keeps a number and its unit on one line.
NO_BREAK_SPACE = "\u00a0"
NOTHING = "\u2013"

# An interval wider than this on either side makes a tenth of a per cent meaningless.
WIDE_HALF_PERCENT = 10
# Below it a p-value's digits say nothing that a reader could use.
SMALLEST_P = 0.001
# Near the usual limit a third digit tells on which side of it a p-value lies.
P_NEEDS_THREE_DIGITS = (0.0445, 0.0555)


def count(value: int) -> str:
    """1234 → 1,234."""
    return f"{value:,}"


def counted(value: int, one: str, many: str = "") -> str:
    """1 → `1 vote`, 2 → `2 votes`."""
    return f"{count(value)} {one if value == 1 else many or one + 's'}"


def decimal(value: float, places: int) -> str:
    """With a real minus sign, and never minus zero."""
    text = f"{value:.{places}f}"
    if text.startswith("-"):
        digits = text[1:]
        return digits if float(digits) == 0 else MINUS + digits
    return text


def percent_places(low: float | None, high: float | None) -> int:
    """Decimals of a percentage whose interval is known."""
    if low is None or high is None:
        return 1
    return 0 if (high - low) * 50 >= WIDE_HALF_PERCENT else 1


def percent(value: float, places: int = 1) -> str:
    """.583 → `58.3 %`."""
    return f"{decimal(100 * value, places)}{NO_BREAK_SPACE}%"


def share(value: float | None) -> str:
    """A plain share without an interval, or a dash."""
    return NOTHING if value is None else percent(value)


def percent_with_interval(figure: Mapping[str, Any]) -> tuple[str, str]:
    """`58.3 %` and `[54.1, 62.4]`; the second is empty without an interval."""
    places = percent_places(figure["low"], figure["high"])
    return (
        percent(figure["estimate"], places),
        bounds(figure, scale=100, places=places),
    )


def coefficient_with_interval(figure: Mapping[str, Any]) -> tuple[str, str]:
    """`0.86` and `[0.83, 0.90]`."""
    return decimal(figure["estimate"], 2), bounds(figure, scale=1, places=2)


def points_with_interval(figure: Mapping[str, Any]) -> tuple[str, str]:
    """A difference of two shares in points of a per cent: `+8.1` and `[2.0, 14.2]`."""
    places = percent_places(figure["low"], figure["high"])
    text = decimal(100 * figure["estimate"], places)
    sign = "+" if figure["estimate"] > 0 and float(text) > 0 else ""
    return f"{sign}{text}", bounds(figure, scale=100, places=places)


def rating_with_interval(figure: Mapping[str, Any]) -> tuple[str, str]:
    """`1,121` and `[1,047, 1,195]`."""
    low, high = figure["low"], figure["high"]
    interval = "" if low is None or high is None else f"[{rating(low)}, {rating(high)}]"
    return rating(figure["estimate"]), interval


def distance_with_interval(figure: Mapping[str, Any]) -> tuple[str, str]:
    """A difference of ratings: `+121` and `[47, 195]`."""
    text, interval = rating_with_interval(figure)
    return (f"+{text}" if round(figure["estimate"]) > 0 else text), interval


def rating(value: float) -> str:
    return f"{MINUS if round(value) < 0 else ''}{abs(round(value)):,}"


def bounds(figure: Mapping[str, Any], *, scale: float, places: int) -> str:
    low, high = figure["low"], figure["high"]
    if low is None or high is None:
        return ""
    return f"[{decimal(scale * low, places)}, {decimal(scale * high, places)}]"


def p_value(value: float | None) -> str:
    """`0.03`, `0.004`, `< 0.001`, `0.049`, or a dash."""
    if value is None:
        return NOTHING
    if value < SMALLEST_P:
        return f"<{NO_BREAK_SPACE}{SMALLEST_P}"
    low, high = P_NEEDS_THREE_DIGITS
    places = 3 if value < 0.01 or low <= value < high else 2
    # Never a certain 1 where it is less.
    text = decimal(value, places)
    return text if value >= 0.995 or text != "1.00" else "0.99"


def about(value: int) -> int:
    """A forecast, rounded to two digits: 143 → 140."""
    digits = len(str(abs(value)))
    return value if digits <= 2 else round(value, 2 - digits)


def named_list(names: Iterable[str], last: str = "and") -> str:
    """`A`, `A and B`, `A, B and C`."""
    parts = list(names)
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {last} {parts[-1]}"
