"""Short digests by which rows are found again and compared without being kept. Pure."""

from datetime import datetime
from decimal import Decimal
from hashlib import blake2b

from annotation.canonical_json import canonical_json

KEY_BYTES = 16
DIGEST_BYTES = 8
UNSTATED = bytes(DIGEST_BYTES)
"""The digest of what a row does not state."""


def key_of(*parts: str | int) -> bytes:
    """Digest an identity, such as (item id, annotator id), to ``KEY_BYTES`` bytes."""
    return blake2b(repr(parts).encode(), digest_size=KEY_BYTES).digest()


def joined(*parts: bytes) -> bytes:
    """Digest keys and digests, each of a fixed length, to ``KEY_BYTES`` bytes."""
    return blake2b(b"".join(parts), digest_size=KEY_BYTES).digest()


def digest_of(value: object) -> bytes:
    """Digest a value so that equal values have equal digests, also once a database held them.

    Parameters
    ----------
    value : object
        None, a text, a number, a moment in UTC, or anything of which JSON is made.

    Returns
    -------
    bytes
        ``DIGEST_BYTES`` bytes; ``UNSTATED`` for None.
    """
    if value is None:
        return UNSTATED
    # Half a JSON text: no other value's spelling is equal to it.
    plain = f'"{value}'.encode() if isinstance(value, str) else canonical_json(_plain(value))
    return blake2b(plain, digest_size=DIGEST_BYTES).digest()


def _plain(value: object) -> object:
    """Undo what databases change: whole floats come back as integers, decimals as binary."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal):
        # SQLite keeps decimals as doubles, good for 15 digits.
        return f"{float(value):.12g}"
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return value
