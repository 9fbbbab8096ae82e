"""The one spelling of a JSON value that hashes and comparisons are made of. Pure."""

from __future__ import annotations

import json

_ENCODE = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
).encode


def canonical_json(value: object) -> bytes:
    """Spell a JSON value in the one way in which equal values have equal bytes.

    Sorted keys, no spaces, UTF-8. A lone surrogate, which Python makes of a byte that was no
    text, is written as the three bytes it would have, so that it can be hashed too.

    Parameters
    ----------
    value : object
        Anything of which JSON is made.

    Returns
    -------
    bytes
        Never empty.

    Raises
    ------
    TypeError
        If the value holds anything else, or keys that cannot be sorted.
    ValueError
        If it holds NaN or an infinity, which JSON does not have.
    """
    return _ENCODE(value).encode("utf-8", "surrogatepass")
