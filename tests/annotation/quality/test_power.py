"""The default rules catch who does not try and leave alone who does: simulated, 60 answers each.

The gates are those of the release: always left and ten times too fast 99 %, a random clicker 80 %,
of those who try at most 1 %. `tests.benchmarks.bench_quality` prints the table.
"""

from __future__ import annotations

import pytest

from tests.annotation.quality.simulated_raters import CAREFREE, World, measure

GATES = {
    "always left": 0.99,
    "a tenth of the time": 0.99,
    "random, four buttons": 0.80,
    "random, three buttons": 0.80,
}


@pytest.mark.parametrize("kind", GATES)
def test_a_dozen_studies_are_enough_to_see_a_rule_that_broke(kind):
    power = measure(World(), kind, 12, every=25)
    assert power.caught >= GATES[kind] * power.of
    assert power.flagged <= 0.03 * power.honest


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", GATES)
def test_the_gates_are_held(kind):
    power = measure(World(), kind, 300)
    assert power.caught >= GATES[kind] * power.of
    assert power.flagged <= 0.01 * power.honest


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("taste", [(0.0, 0.2), (0.2, 0.4)])
def test_who_tries_for_long_is_left_alone(taste):
    power = measure(World(answers=300, taste=taste), None, 40, every=20)
    assert power.flagged <= 0.01 * power.honest + 2


def test_every_gate_is_of_somebody_who_can_be_simulated():
    assert GATES.keys() <= CAREFREE.keys()
