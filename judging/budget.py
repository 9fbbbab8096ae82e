"""What calls cost: the worst case that is reserved, and what a reply's usage comes to. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal, InvalidOperation

from judging.outcomes import Outcome, is_billed
from judging.parsing import Usage

MILLION = Decimal(1_000_000)
# What the columns hold.
SMALLEST = Decimal("0.0000000001")
# SQLite adds decimals as doubles. So much is left of a cap, that its check never fails by dust.
DUST = Decimal("0.000000001")
MOST_PRICE = Decimal(100_000)


class PriceError(ValueError):
    """A price card is none."""


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens."""

    input: Decimal
    cached_input: Decimal
    output: Decimal


def read_price(raw: Mapping[str, object] | None) -> Price | None:
    """A price card; None stays None: the price is not known.

    Raises
    ------
    PriceError
    """
    if raw is None:
        return None
    values = {}
    for name in ("input", "cached_input", "output"):
        given = raw.get(name, raw.get("input") if name == "cached_input" else None)
        try:
            value = Decimal(str(given))
        except InvalidOperation:
            value = Decimal("NaN")
        if not value.is_finite() or not 0 <= value <= MOST_PRICE:
            raise PriceError(
                f"price.{name} is a number of US dollars for a million tokens, from 0 to 100,000; "
                f"{given!r} is not."
            )
        values[name] = value
    return Price(**values)


def worst_case(price: Price | None, input_tokens: int, max_tokens: int) -> Decimal:
    """More than a call can cost; 0 where the price is not known."""
    if price is None:
        return Decimal(0)
    dearest = max(price.input, price.cached_input)
    return _rounded((dearest * input_tokens + price.output * max_tokens) / MILLION)


def cost_of(price: Price | None, usage: Usage) -> Decimal | None:
    """What a reply costs by its usage; None where the price is not known."""
    if price is None:
        return None
    fresh = usage.input_tokens - usage.cached_tokens
    return _rounded(
        (
            price.input * fresh
            + price.cached_input * usage.cached_tokens
            + price.output * usage.output_tokens
        )
        / MILLION
    )


def charge(price: Price | None, usage: Usage | None, reserved: Decimal) -> tuple[Decimal, str]:
    """What to charge for a request that may have been billed, and what is odd about it.

    Returns
    -------
    cost : Decimal
        Never above what was reserved.
    flag : str
        `usage_missing`: the reservation is charged. `usage_above_worst_case`: no request of this
        size can have had so many tokens; the reservation is charged. Empty otherwise.
    """
    if usage is None:
        return reserved, "usage_missing"
    cost = cost_of(price, usage)
    if cost is None:
        return Decimal(0), ""
    return (cost, "") if cost <= reserved else (reserved, "usage_above_worst_case")


def charge_for(
    price: Price | None,
    outcome: Outcome,
    status: int | None,
    usage: Usage | None,
    reserved: Decimal,
) -> tuple[Decimal, str]:
    """What to charge for a request that came to this, and what is odd about it, as `charge` says.

    Parameters
    ----------
    status : int, optional
        Of HTTP; None where there was no answer.
    """
    if not is_billed(outcome, status):
        return Decimal(0), ""
    return charge(price, usage, reserved)


def excess_of(price: Price | None, usage: Usage, reserved: Decimal) -> Decimal:
    """What a usage comes to above the reservation that was charged in its place; 0 where nothing.

    Examples
    --------
    >>> price = Price(Decimal(1), Decimal(1), Decimal(10))
    >>> excess_of(price, Usage(0, 1_000_000), Decimal(4)) == 6
    True
    """
    cost = cost_of(price, usage)
    return Decimal(0) if cost is None else max(cost - reserved, Decimal(0))


def _rounded(amount: Decimal) -> Decimal:
    return amount.quantize(SMALLEST, rounding=ROUND_UP)
