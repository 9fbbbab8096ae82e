"""Rows about cells, findings and reviews that the database must refuse."""

from __future__ import annotations

from tests import factories

from .world import BadRow, change, twice

BAD_COLLECTION: list[BadRow] = [
    ("a second cell of one pair", "cell_once", lambda w: twice(w.cell)),
    (
        "a cell of one system",
        "cell_of_two_systems",
        lambda w: w.cell(system_b=w.comparison.system_a),
    ),
    ("a negative weight of a cell", "cell_weight_not_negative", lambda w: w.cell(weight=-1)),
    (
        "a cell with a system of another study",
        "a cell is of two systems of its study",
        lambda w: w.cell(system_b=factories.make_system(factories.make_study())),
    ),
    (
        "a comparison in the cell of another pair",
        "a comparison lies in the cell of its two systems",
        lambda w: change(
            w.comparison, cell=w.cell(system_b=factories.make_system(w.study, "zeta")).pk
        ),
    ),
    ("a finding that does nothing", "finding_action_known", lambda w: w.finding(action="shout")),
    (
        "a finding under another study's rules",
        "a finding is of an annotator and a version of one study",
        lambda w: w.finding(study_version=factories.make_study_version(factories.make_study())),
    ),
    ("a review without an outcome", "review_outcome_known", lambda w: w.review(outcome="hm")),
]
