"""Keys of endpoints: encrypted, bound to an origin, and never shown again.

A key is used for the origin it was entered for and no other, wherever the ciphertext is copied to.
The encryption keys are derived from `SECRET_KEY` and its fallbacks, so they rotate together.
"""

from __future__ import annotations

import base64
import json
import os
import re

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

VARIABLE = re.compile(r"\A[A-Z][A-Z0-9_]{0,39}\Z")
KEY_VARIABLE_PREFIX = "EVALSITE_JUDGE_KEY_"
ORIGIN_VARIABLE_PREFIX = "EVALSITE_JUDGE_ORIGIN_"
STUDIES_VARIABLE_PREFIX = "EVALSITE_JUDGE_STUDIES_"
ALL_STUDIES = "*"
MOST_KEY_CHARACTERS = 1_000
HINT_CHARACTERS = 4


class KeyFault(ValueError):
    """A key cannot be stored or used; the message never holds any of it."""


def _cipher() -> MultiFernet:
    return MultiFernet(
        [
            Fernet(
                base64.urlsafe_b64encode(
                    HKDF(
                        algorithm=SHA256(), length=32, salt=None, info=b"evalsite judge endpoints"
                    ).derive(secret.encode())
                )
            )
            for secret in [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
        ]
    )


def check_key(key: str) -> str:
    """A key as it can stand in a header.

    Raises
    ------
    KeyFault
    """
    key = key.strip()
    if not key or len(key) > MOST_KEY_CHARACTERS or not all("!" <= c <= "~" for c in key):
        raise KeyFault("A key is one word of visible ASCII characters, at most 1,000 of them.")
    return key


def encrypt(key: str, origin: str) -> str:
    """The key and the origin it is for, as one ciphertext."""
    return _cipher().encrypt(json.dumps({"key": key, "origin": origin}).encode()).decode()


def decrypt(ciphertext: str, origin: str) -> str:
    """The key, for requests to this origin.

    Raises
    ------
    KeyFault
        It was entered for another origin, or under a secret that is not known any more.
    """
    try:
        held = json.loads(_cipher().decrypt(ciphertext.encode()))
    except InvalidToken:
        raise KeyFault(
            "The endpoint's key was encrypted under another SECRET_KEY. Enter it again."
        ) from None
    if held["origin"] != origin:
        raise KeyFault("The key was entered for another address. Enter the one for this address.")
    return str(held["key"])


def hint_of(key: str) -> str:
    """What may be shown of a key; of a short one nothing."""
    return key[-HINT_CHARACTERS:] if len(key) >= 4 * HINT_CHARACTERS else ""


def key_from_environment(name: str, origin: str) -> str:
    """The key in `EVALSITE_JUDGE_KEY_<name>`, if `EVALSITE_JUDGE_ORIGIN_<name>` is this origin.

    Both are the operator's: whoever sets up a judge can neither read another variable nor send
    this one elsewhere.

    Raises
    ------
    KeyFault
    """
    if not VARIABLE.match(name):
        raise KeyFault("The name of a key is written in capitals, digits and underscores.")
    key = os.environ.get(KEY_VARIABLE_PREFIX + name, "")
    allowed = os.environ.get(ORIGIN_VARIABLE_PREFIX + name, "")
    if not key or not allowed:
        raise KeyFault(
            f"The operator has set no {KEY_VARIABLE_PREFIX}{name} together with "
            f"{ORIGIN_VARIABLE_PREFIX}{name}."
        )
    if _with_port(allowed) != origin:
        raise KeyFault(f"{ORIGIN_VARIABLE_PREFIX}{name} names another address than this endpoint.")
    return check_key(key)


def check_may_name(name: str, slug: str) -> None:
    """Refuse to people of a study a key that the operator has not given to it.

    `EVALSITE_JUDGE_STUDIES_<name>` lists the short names of studies, with commas between, or is
    `*`. Without it nobody takes the key but by a command on the server. Nothing is told of whether
    there is such a key.

    Raises
    ------
    KeyFault
    """
    listed = os.environ.get(STUDIES_VARIABLE_PREFIX + name, "") if VARIABLE.match(name) else ""
    given = {one.strip() for one in listed.split(",")}
    if slug not in given and ALL_STUDIES not in given:
        raise KeyFault(
            "The operator of this site has given no key of this name to this study. Ask for it to "
            f"be named in {STUDIES_VARIABLE_PREFIX}…, or enter a key of your own."
        )


def _with_port(origin: str) -> str:
    """An origin with its port written out."""
    origin = origin.strip().rstrip("/").lower()
    scheme, _, rest = origin.partition("://")
    has_port = re.search(r":\d+\Z", rest) is not None
    return origin if has_port else f"{origin}:{443 if scheme == 'https' else 80}"
