"""Rows become columns, keys become codes, and a key without a code is no code of another."""

from __future__ import annotations

import numpy as np
import pytest

from annotation.models import System
from reports import columns
from reports.columns import KeyCodes, order_of_names, read_named, read_numbers
from tests.factories import make_study, make_system

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows(monkeypatch):
    study = make_study()
    for name in ("b", "a", "é", "Z", "c"):
        make_system(study, name)
    monkeypatch.setattr(columns, "CHUNK", 2)
    return System.objects.filter(study=study).order_by("pk")


def test_numbers_are_read_in_chunks_without_a_gap(rows):
    keys = list(rows.values_list("pk", flat=True))
    found = read_numbers(rows.values_list("pk", "study_id"), 2)
    assert found.tolist() == [keys, [rows[0].study_id] * 5]


def test_names_stay_with_their_numbers(rows):
    names, (keys,) = read_named(rows.values_list("name", "pk"), 1)
    assert list(zip(names, keys.tolist(), strict=True)) == list(rows.values_list("name", "pk"))


def test_nothing_is_read_as_no_rows(rows):
    assert read_numbers(rows.filter(name="none").values_list("pk", "study_id"), 2).shape == (2, 0)
    assert read_named(rows.filter(name="none").values_list("name", "pk"), 1)[1].shape == (1, 0)


def test_names_are_ordered_by_code_points(rows):
    names, _ = read_named(rows.values_list("name", "pk"), 1)
    assert [names[place] for place in order_of_names(names)] == ["Z", "a", "b", "c", "é"]


def test_codes_count_in_the_order_of_the_given_keys():
    codes = KeyCodes([40, 10, 30])
    assert codes.of(np.array([10, 30, 40, 40])).tolist() == [1, 2, 0, 0]
    assert codes[30] == 2
    assert codes.of(np.zeros(0, dtype=np.int64)).size == 0


@pytest.mark.parametrize("key", [9, 20, 41])
def test_a_key_without_a_code_is_refused(key):
    with pytest.raises(KeyError, match=str(key)):
        KeyCodes([40, 10, 30]).of(np.array([10, key]))


def test_no_keys_have_no_codes():
    with pytest.raises(KeyError):
        KeyCodes([])[1]
