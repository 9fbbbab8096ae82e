"""Marks that stand in hidden fields, and the search for them in whatever a person can receive.

A mark is found as it is, in any case, URL-encoded, and as its digest or encoding: md5, sha1,
sha256, base64, hex.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
from dataclasses import dataclass, field
from urllib.parse import quote

# Shorter pieces of an encoding could turn up by chance.
LEAST_PIECE = 12


def base64_pieces(raw: bytes) -> set[str]:
    """What base64 of any text that holds `raw` must contain, whatever stands before it."""
    pieces = set()
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw).decode()
        # The characters at both ends also depend on the neighbours.
        first = 0 if offset == 0 else 4
        piece = encoded[first : len(encoded) - 4]
        pieces |= {piece, piece.replace("+", "-").replace("/", "_")}
    return pieces


@dataclass
class Canaries:
    """Plants marks and knows all their forms."""

    forms: dict[str, str] = field(default_factory=dict)
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def mark(self, place: str) -> str:
        """A new text mark for a hidden field; `place` says where it was found, if it is."""
        text = f"canary{next(self.numbers):03d}{hashlib.blake2b(place.encode()).hexdigest()[:12]}"
        raw = text.encode()
        self.add(text, place)
        self.add(quote(text), place)
        for name in ("md5", "sha1", "sha256"):
            self.add(
                hashlib.new(name, raw, usedforsecurity=False).hexdigest(), f"{name} of {place}"
            )
        self.add(raw.hex(), f"hex of {place}")
        for piece in base64_pieces(raw):
            self.add(piece, f"base64 of {place}")
        return text

    def number(self, place: str) -> int:
        """A new number of nine digits for a hidden field or key, which no other number contains."""
        value = 730_000_000 + next(self.numbers) * 10_007
        self.add(str(value), place)
        self.add(f"{value:x}", f"hex of {place}")
        return value

    def add(self, form: str, place: str) -> None:
        self.forms[form.lower()] = place

    def found_in(self, *pieces: bytes | str) -> set[str]:
        """The places whose marks turn up in what was received."""
        received = "\n".join(
            piece.decode("utf-8", "replace") if isinstance(piece, bytes) else piece
            for piece in pieces
        ).lower()
        return {place for form, place in self.forms.items() if form in received}
