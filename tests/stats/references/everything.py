"""All ledgers of the shared data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from tests.stats.references import real_votes, tables
from tests.stats.references.compared import Ledger
from tests.stats.shared_sets import load, references

NOT_VALUES = {
    "bt_reference.json": tables.NOT_VALUES,
    "reference_values.json": tables.NOT_VALUES,
    **{f"{name}/expected.json": real_votes.NOT_VALUES for name in real_votes.SETS},
}


def ledgers(shared_data: Path) -> Iterator[Ledger]:
    table = json.loads((shared_data / "bt_reference.json").read_text(encoding="utf-8"))
    yield tables.bt_reference(table)
    yield tables.reference_values(references(shared_data), load(shared_data / "mtbench_turn1"))
    for name in real_votes.SETS:
        yield real_votes.expected_of(shared_data, name)
