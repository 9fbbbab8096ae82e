"""Secrets of single-use links: drawn here, and known by their hash alone afterwards."""

from __future__ import annotations

import hashlib
import secrets

# 256 bits: guessing is hopeless, so that a fast hash without salt keeps the secret.
TOKEN_BYTES = 32

# What `draw_token` gives, in characters; anything longer is refused before it is hashed.
TOKEN_LENGTH = 43


def draw_token() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


def hash_token(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
