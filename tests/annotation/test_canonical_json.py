"""One spelling of a JSON value, for whatever is hashed."""

from __future__ import annotations

import hashlib
import json
import uuid

import pytest

from annotation.canonical_json import canonical_json
from annotation.importing.digests import digest_of
from annotation.voting.answers import request_hash
from annotation.voting.decisions import Answer


def test_equal_values_have_one_spelling() -> None:
    assert canonical_json({"b": 1, "a": ["ü", None]}) == '{"a":["ü",null],"b":1}'.encode()
    assert canonical_json({"a": 1, "b": 2}) == canonical_json({"b": 2, "a": 1})
    assert json.loads(canonical_json({"x": 1.5})) == {"x": 1.5}


def test_what_is_not_json_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"x": float("nan")})


def test_a_byte_that_was_no_text_is_spelt_too_and_differs_from_others() -> None:
    assert canonical_json("\udcff") == b'"\xed\xb3\xbf"'
    assert canonical_json("\udcff") != canonical_json("\udcfe")
    assert digest_of({"note": "\udcff"}) != digest_of({"note": "\udcfe"})


def test_a_decision_is_hashed_as_it_was_before() -> None:
    spelt = (
        '{"answers":{"overall":["left",null]},"assignment":"00000000-0000-0000-0000-000000000007",'
        '"confidence":0.5,"rationale":"Grüße","tags":["tone"]}'
    )
    found = request_hash(uuid.UUID(int=7), {"overall": Answer("left")}, "Grüße", ["tone"], 0.5)
    assert found == hashlib.sha256(spelt.encode()).hexdigest()


def test_a_decision_with_a_broken_character_has_a_hash() -> None:
    assert request_hash(uuid.UUID(int=7), {"overall": Answer("left")}, "\ud800", [], None)
