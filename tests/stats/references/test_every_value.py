"""Every value of the reference files is compared with ours, and agrees to the digits given."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.stats.references.compared import Compared, Ledger, half_unit
from tests.stats.references.everything import NOT_VALUES, ledgers
from tests.stats.references.tables import VALUES


@pytest.fixture(scope="module")
def known(shared_data: Path) -> dict[str, Ledger]:
    return {ledger.name: ledger for ledger in ledgers(shared_data)}


@pytest.mark.parametrize("name", list(NOT_VALUES))
def test_every_value_agrees_to_the_digits_given(known: dict[str, Ledger], name: str) -> None:
    apart = [
        f"{row.path}: theirs {row.theirs}, ours {row.ours} ({row.by})"
        for row in known[name].rows
        if not row.agrees
    ]
    assert not apart, "\n".join(apart)


@pytest.mark.parametrize("name", list(NOT_VALUES))
def test_no_value_is_left_out(known: dict[str, Ledger], name: str) -> None:
    assert known[name].rows
    left_out = known[name].missing(NOT_VALUES[name])
    # A p-value has the name of the data of another table.
    compared = {row.path for row in known[name].rows}
    forgotten = {path for path in VALUES if f"{name}/{path}" in known[name].theirs} - {
        path.removeprefix(f"{name}/") for path in compared
    }
    assert left_out == []
    assert forgotten == set()


def test_the_files_are_all_that_hold_values(shared_data: Path) -> None:
    found = {
        str(path.relative_to(shared_data))
        for path in shared_data.rglob("*.json")
        if isinstance(json.loads(path.read_text(encoding="utf-8")), dict)
    }
    assert found == set(NOT_VALUES)


def test_a_value_that_nobody_compares_is_named() -> None:
    ledger = Ledger("file", {"a": {"b": 1.5, "c": [2.0]}, "note": "x"})
    ledger.add("a/b", 1.4, "test", places=1)
    assert ledger.missing(frozenset({"note"})) == ["file/a/c/0"]
    assert not ledger.rows[0].agrees


def test_agreement_is_to_half_a_unit_of_the_last_digit() -> None:
    row = Compared("x", 0.493, 0.4934, half_unit(0.493, 3), "test")
    assert row.agrees
    assert row.digits == "3"
    assert not replace(row, ours=0.4936).agrees
    assert not replace(row, ours=float("nan")).agrees
    assert not replace(row, ours=None).agrees
    assert half_unit(3.099e-05) == pytest.approx(5e-9)
    assert half_unit(12) == pytest.approx(0.5)
