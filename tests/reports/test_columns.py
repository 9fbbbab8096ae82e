"""Rows become columns, keys become codes, and a key without a code is no code of another."""

from __future__ import annotations

import numpy as np
import pytest
from django.db.models import Case, F, IntegerField, Value, When

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
    assert sorted(found[0].tolist()) == keys
    assert found[1].tolist() == [rows[0].study_id] * 5


def test_the_numbers_of_a_row_stay_together(rows):
    row = rows.annotate(same=F("pk") * 1000 - 2).values_list("pk", "same", "study_id")
    numbers = read_numbers(row, 3)
    assert sorted(zip(*numbers.tolist(), strict=True)) == sorted(row)
    assert numbers.dtype == np.int64


def test_a_number_that_is_missing_is_refused(rows):
    missing = Case(When(name="é", then=None), default=Value(1), output_field=IntegerField())
    with pytest.raises(TypeError):
        read_numbers(rows.values_list("pk", missing), 2)


def test_names_stay_with_their_numbers(rows):
    names, (keys,) = read_named(rows.values_list("name", "pk"), 1)
    found = zip(names, keys.tolist(), strict=True)
    assert sorted(found) == sorted(rows.values_list("name", "pk"))


def test_names_may_be_empty_or_hold_what_separates_things_elsewhere(rows):
    for name in ("", "a\nb", "\\x00", "\\", "%s", "\x01", "a\tb,c"):
        make_system(rows[0].study, name)
    names, (keys,) = read_named(rows.values_list("name", "pk"), 1)
    found = zip(names, keys.tolist(), strict=True)
    assert sorted(found) == sorted(rows.values_list("name", "pk"))


def test_rows_come_in_several_pieces(rows, monkeypatch):
    monkeypatch.setattr(columns, "LOWEST_PIECE_BIT", 0)
    names, (keys,) = read_named(rows.values_list("name", "pk"), 1)
    found = zip(names, keys.tolist(), strict=True)
    assert sorted(found) == sorted(rows.values_list("name", "pk"))
    assert sorted(read_numbers(rows.values_list("pk"), 1)[0].tolist()) == sorted(keys)


def test_nothing_is_read_as_no_rows(rows):
    assert read_numbers(rows.filter(name="none").values_list("pk", "study_id"), 2).shape == (2, 0)
    assert read_named(rows.filter(name="none").values_list("name", "pk"), 1)[1].shape == (1, 0)


def test_names_are_ordered_by_code_points(rows):
    names, _ = read_named(rows.values_list("name", "pk"), 1)
    assert [names[place] for place in order_of_names(names)] == ["Z", "a", "b", "c", "é"]


# Close together they are looked up in a table, and far apart by bisection.
KEYS = [[14, 10, 13], [4000, 10, 30]]


@pytest.mark.parametrize("keys", KEYS)
def test_codes_count_in_the_order_of_the_given_keys(keys):
    codes = KeyCodes(keys)
    first, second, third = keys
    assert codes.of(np.array([second, third, first, first])).tolist() == [1, 2, 0, 0]
    assert codes.of(np.array([second])).dtype == np.int32
    assert codes[third] == 2
    assert codes.of(np.zeros(0, dtype=np.int64)).size == 0


@pytest.mark.parametrize("keys", KEYS)
@pytest.mark.parametrize("key", [-1, 9, 11, 20, 4001])
def test_a_key_without_a_code_is_refused(keys, key):
    with pytest.raises(KeyError, match=str(key)):
        KeyCodes(keys).of(np.array([10, key]))


def test_no_keys_have_no_codes():
    with pytest.raises(KeyError):
        KeyCodes([])[1]
