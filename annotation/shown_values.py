"""Values that were refused, as a message names them: short, and printable on any terminal. Pure."""

from __future__ import annotations

import reprlib

# Beyond this the middle is left out: a message is for the place, not for the whole value.
LONGEST = 60
# Python writes no whole number of more than some thousand digits; nobody reads half as many.
MOST_BITS = 200


class Shortened(reprlib.Repr):
    """`repr` of bounded length that takes any whole number."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = self.maxlong = LONGEST

    def repr_int(self, x: int, level: int) -> str:
        if x.bit_length() > MOST_BITS:
            return f"a number of {x.bit_length()} bits"
        return super().repr_int(x, level)


_SHORTENED = Shortened()


def shown(value: object) -> str:
    """A value as a message names it.

    Examples
    --------
    >>> shown("adaptive")
    "'adaptive'"
    >>> shown(10**400)
    'a number of 1329 bits'
    """
    return _SHORTENED.repr(value)
