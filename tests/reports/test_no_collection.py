"""The collector rests while a report is made, and never longer."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from reports import analysis
from reports.no_collection import no_collection
from tests.factories import make_comparison, make_imported_vote, make_study


@pytest.fixture(autouse=True)
def at_work() -> Iterator[None]:
    gc.enable()
    yield
    gc.enable()


def test_it_rests_within_and_works_after() -> None:
    with no_collection():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_works_after_a_fault() -> None:
    with pytest.raises(ValueError, match="broken"), no_collection():
        raise ValueError("broken")
    assert gc.isenabled()


def test_it_goes_on_resting_where_it_rested_before() -> None:
    gc.disable()
    with no_collection():
        assert not gc.isenabled()
    assert not gc.isenabled()


@pytest.mark.django_db
def test_a_report_is_made_while_it_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    study = make_study()
    make_imported_vote(make_comparison(study))
    seen: list[bool] = []
    made = analysis.report

    def watched(*args: object) -> dict[str, object]:
        seen.append(gc.isenabled())
        return made(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(analysis, "report", watched)
    analysis.run(study)
    assert seen == [False]
    assert gc.isenabled()
