"""A pair of systems stops while the study is changed: neither waits for the other in a circle."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from annotation import audit, queue
from annotation.lifecycle.opening import open_study
from annotation.models import AuditEntry, Cell, Comparison, Study
from reports.steering import rounds
from tests.factories import make_comparison, make_study
from tests.races import TIMEOUT_S, at_once

pytestmark = pytest.mark.django_db(transaction=True)

STOP = rounds.Stop("alpha", "beta", votes=40, e_value=90.0, needed=20.0, pairs=1)
ROW = (
    '{"item_id": "new", "prompt_id": "p-new", "prompt": "Why?", "system_a": "alpha", '
    '"system_b": "beta", "response_a": "Because.", "response_b": "So."}\n'
)


def test_a_pair_can_stop_while_comparisons_are_added(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Both write into the log and both lock cells.

    The change waits between its import and its cells until the stop has these; the stop then only
    lacks the log, which nobody may have before the cells.
    """
    study = make_study()
    make_comparison(study, "alpha", "beta")
    open_study(study)
    file = tmp_path / "more.jsonl"
    file.write_text(ROW)
    imported, has_cells = threading.Event(), threading.Event()
    open_for_claims, stop = queue.open_for_claims, queue.stop

    def open_late(study: Study) -> int:
        imported.set()
        # On SQLite the stop cannot begin before the change has ended.
        has_cells.wait(0.5)
        return open_for_claims(study)

    def stop_first(*pair: Any) -> int:
        stopped = stop(*pair)
        has_cells.set()
        return stopped

    monkeypatch.setattr(queue, "open_for_claims", open_late)
    monkeypatch.setattr(queue, "stop", stop_first)

    def stop_pair() -> bool:
        imported.wait(TIMEOUT_S / 2)
        return rounds.stop_pair(study, STOP)

    change = partial(call_command, "change_study", study.slug, reason="More.", add_comparisons=file)
    results = at_once([change, stop_pair])
    assert [result for result in results if isinstance(result, Exception)] == []
    actions = set(AuditEntry.objects.filter(study=study).values_list("action", flat=True))
    assert actions >= {"comparisons.imported", "study.changed", "pair.stopped"}
    assert not list(audit.verify(study))
    assert Cell.objects.get(study=study).stopped_at is not None
    assert not Comparison.objects.filter(study=study, open=True).exists()
