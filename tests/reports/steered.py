"""Studies whose votes were drawn by a policy, or whose pairs were stopped early, in the tables."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from annotation.models import AssignmentState, Cell, Choice, Comparison, Study, System
from annotation.rules import Policy
from tests.factories import (
    make_annotator,
    make_assignment,
    make_comparison,
    make_open_study,
    make_system,
    make_vote,
)

# Policy and probability of a cell's draws, and how many votes each of its comparisons got.
Draw = tuple[str, float | None, int]


def make_cells(study: Study, names: tuple[str, ...], comparisons: int) -> dict[str, Cell]:
    """A cell for each pair, named like `alpha-beta`, with comparisons of overlap 3."""
    systems = {name: make_system(study, name) for name in names}
    cells = {}
    for first, second in combinations(sorted(names), 2):
        cell = Cell.objects.create(
            study=study, system_a=systems[first], system_b=systems[second], stratum=""
        )
        for _ in range(comparisons):
            make_comparison(study, systems[first], systems[second], cell=cell)
        cells[f"{first}-{second}"] = cell
    return cells


def make_drawn_study(draws: dict[str, Draw], *, comparisons: int = 12, **fields: Any) -> Study:
    """alpha beats gamma always and draws with beta; beta beats gamma always.

    `draws` says for each pair, such as `alpha-beta`, how its votes came about; the rules have the
    policy of the draws.
    """
    policies = {policy for policy, *_ in draws.values()} - {Policy.UNIFORM}
    if policies:
        fields.setdefault("rules", {"priorities": {"policy": max(policies)}})
    study = make_open_study(**fields)
    people = [make_annotator(study, external_id=f"ann-{number}") for number in range(4)]
    cells = make_cells(study, ("alpha", "beta", "gamma"), comparisons)
    for name, (policy, probability, votes) in draws.items():
        for number, comparison in enumerate(comparisons_of(cells[name])):
            for turn in range(votes):
                held = make_assignment(
                    comparison,
                    people[(number + turn) % 4],
                    state=AssignmentState.SUBMITTED,
                    policy=policy,
                    selection_probability=probability,
                )
                close = name == "alpha-beta" and number % 2
                make_vote(comparison, Choice.RIGHT if close else Choice.LEFT, assignment=held)
    return study


def comparisons_of(cell: Cell) -> list[Comparison]:
    return list(Comparison.objects.filter(cell=cell).order_by("pk"))


def codes_of(study: Study) -> dict[str, str]:
    """Give each system a code, as opening does; code by name."""
    codes = {}
    for number, system in enumerate(System.objects.filter(study=study).order_by("-name"), 1):
        system.code = f"A{number}"
        system.save()
        codes[system.name] = system.code
    return codes
