"""Dawid & Skene's own data to the digit, a likelihood that never falls, and planted annotators."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.stats.dawid_skene import DawidSkene, fit_dawid_skene
from reports.stats.results import NegativeCount, ShapeMismatch
from tests.stats.shared_sets import references

ROWS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=40
)


def fit(rows: list[tuple[int, int, int]], **sizes: int) -> DawidSkene:
    item, annotator, label = np.array(rows, dtype=int).reshape(-1, 3).T
    return fit_dawid_skene(
        item, annotator, label, **{"n_items": 6, "n_annotators": 4, "n_labels": 3, **sizes}
    )


def test_the_anaesthetists_are_reproduced(shared_data: Path) -> None:
    data = references(shared_data)["dawid_skene_1979"]
    found = fit(data["rows"], n_items=45, n_annotators=5, n_labels=4)
    assert found.prior.round(2).tolist() == data["published"]["class_marginals"]
    computed = data["computed"]
    assert found.prior == pytest.approx(computed["class_marginals"], abs=1e-6)
    assert found.log_likelihood == pytest.approx(computed["log_likelihood"], abs=1e-6)
    assert found.confusion[0] == pytest.approx(np.array(computed["confusion_observer_0"]), abs=1e-6)
    assert found.posterior.argmax(axis=1).tolist() == computed["map_labels"]
    assert found.converged
    assert found.iterations > 20  # a known program stops after four


@settings(max_examples=60)
@given(ROWS)
def test_the_likelihood_never_falls(rows: list[tuple[int, int, int]]) -> None:
    found = fit(rows)
    assert (np.diff(found.history) >= -1e-9).all()
    assert found.posterior.sum(axis=1) == pytest.approx(np.ones(6))
    assert found.prior.sum() == pytest.approx(1.0)
    assert found.confusion.sum(axis=2) == pytest.approx(np.ones((4, 3)))
    assert np.isfinite(found.log_likelihood)


@settings(max_examples=40)
@given(ROWS)
def test_the_likelihood_is_that_of_the_formula(rows: list[tuple[int, int, int]]) -> None:
    """After one iteration the estimates are those of the shares, in plain loops."""
    item, annotator, label = np.array(rows).T
    found = fit_dawid_skene(
        item, annotator, label, n_items=6, n_annotators=4, n_labels=3, max_iterations=1
    )
    total = 0.0
    for i in np.unique(item):
        joint = found.prior.copy()
        for g, said in zip(annotator[item == i], label[item == i], strict=True):
            joint *= found.confusion[g, :, said]
        total += np.log(joint.sum())
        assert found.posterior[i] == pytest.approx(joint / joint.sum(), abs=1e-9)
    assert found.log_likelihood == pytest.approx(total, abs=1e-9)
    assert not found.converged


@settings(max_examples=30)
@given(ROWS, st.permutations(range(4)), st.permutations(range(3)))
def test_names_do_not_matter(
    rows: list[tuple[int, int, int]], people: list[int], labels: list[int]
) -> None:
    one = fit(rows)
    other = fit([(i, people[g], labels[said]) for i, g, said in rows])
    assert other.log_likelihood == pytest.approx(one.log_likelihood, abs=1e-6)
    assert other.votes[people].tolist() == one.votes.tolist()


def test_a_careless_annotator_stands_out() -> None:
    random = np.random.default_rng(2)
    truth = random.integers(0, 3, 200)
    rows = []
    for annotator, accuracy in enumerate((0.9, 0.9, 0.8, 1 / 3)):
        right = random.random(200) < accuracy
        said = np.where(right, truth, (truth + random.integers(1, 3, 200)) % 3)
        rows += [(item, annotator, int(said[item])) for item in range(200)]
    found = fit(rows, n_items=200)
    assert found.accuracy == pytest.approx([0.9, 0.9, 0.8, 1 / 3], abs=0.07)
    assert (found.posterior.argmax(axis=1) == truth).mean() > 0.9


def test_annotators_and_items_without_votes_have_no_accuracy_and_the_prior() -> None:
    found = fit([(0, 0, 0), (0, 1, 0), (1, 0, 1), (1, 1, 1)])
    assert np.isnan(found.accuracy[2:]).all()
    assert found.accuracy[:2] == pytest.approx([1.0, 1.0])
    assert found.posterior[5] == pytest.approx(found.prior)


def test_without_votes_nothing_is_known() -> None:
    found = fit([])
    assert (found.iterations, found.converged) == (0, True)
    assert np.isnan(found.accuracy).all()


def test_misuse_is_refused() -> None:
    with pytest.raises(ShapeMismatch, match="code 3, but there are 3"):
        fit([(0, 0, 3)])
    with pytest.raises(NegativeCount, match="code -1"):
        fit([(-1, 0, 0)])
    with pytest.raises(ShapeMismatch, match="at least 2"):
        fit([(0, 0, 0)], n_labels=1)
    with pytest.raises(ShapeMismatch, match="entries"):
        fit_dawid_skene([0], [0, 1], [0], n_items=1, n_annotators=2, n_labels=2)
    with pytest.raises(ShapeMismatch, match="integer codes"):
        fit_dawid_skene([0.5], [0], [0], n_items=1, n_annotators=2, n_labels=2)
