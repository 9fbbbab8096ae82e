"""What is already known of each key, in some hundred bytes of memory a key. Pure."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from annotation.importing.digests import DIGEST_BYTES, UNSTATED

STORED = -1
"""The place of what the database held before."""

_TAIL = struct.Struct(">qq")


class Known(Enum):
    """How a row stands to what is known under its key, if nothing contradicts it."""

    NEW = "new"
    EQUAL = "equal"
    ADDS = "adds"


@dataclass(frozen=True, slots=True)
class Conflict:
    """An attribute that was stated differently before, and the place of that."""

    attribute: str
    place: int


class Ledger:
    """Digests of the attributes stated under each key, their place, and the row's primary key.

    An attribute that a row does not state contradicts nothing; one that was not stated before is
    added to what is known.

    Parameters
    ----------
    attributes : str
        Their names, in the order in which digests are given.
    """

    def __init__(self, *attributes: str) -> None:
        self._attributes = attributes
        self._entries: dict[bytes, bytes] = {}

    def __contains__(self, key: bytes) -> bool:
        return key in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def compare(self, key: bytes, digests: Sequence[bytes]) -> Known | Conflict:
        """Compare a row with what is known, changing nothing."""
        entry = self._entries.get(key)
        if entry is None:
            return Known.NEW
        if entry.startswith(b"".join(digests)):
            return Known.EQUAL
        known = Known.EQUAL
        start = 0
        for name, digest in zip(self._attributes, digests, strict=True):
            before = entry[start : start + DIGEST_BYTES]
            start += DIGEST_BYTES
            if digest in (before, UNSTATED):
                continue
            if before != UNSTATED:
                return Conflict(name, _TAIL.unpack(entry[-_TAIL.size :])[0])
            known = Known.ADDS
        return known

    def admit(self, key: bytes, digests: Sequence[bytes], place: int, pk: int = 0) -> None:
        """Remember a row that contradicts nothing; the first place is kept."""
        entry = self._entries.get(key)
        stated = list(digests)
        if entry is not None:
            place, pk = _TAIL.unpack(entry[-_TAIL.size :])
            stated = [
                entry[start : start + DIGEST_BYTES] if digest == UNSTATED else digest
                for start, digest in zip(range(0, len(entry), DIGEST_BYTES), stated, strict=False)
            ]
        self._entries[key] = b"".join(stated) + _TAIL.pack(place, pk)

    def place(self, key: bytes) -> int:
        place: int = _TAIL.unpack(self._entries[key][-_TAIL.size :])[0]
        return place

    def pk(self, key: bytes) -> int:
        """The primary key of the stored row; 0 before it is stored."""
        pk: int = _TAIL.unpack(self._entries[key][-_TAIL.size :])[1]
        return pk

    def set_pk(self, key: bytes, pk: int) -> None:
        entry = self._entries[key]
        place = _TAIL.unpack(entry[-_TAIL.size :])[0]
        self._entries[key] = entry[: -_TAIL.size] + _TAIL.pack(place, pk)
