"""Figures are rounded to what is known, and every code and method has its words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.models import Study
from reports import analysis
from reports.presentation.notes import methods_in_words
from reports.stats.results import WarningCode
from reports.wording import methods, numbers, warnings
from tests.factories import make_annotator, make_comparison, make_imported_vote, make_study
from tests.reports.results import figure
from tests.reports.voted import make_rich_study, make_voted_study

NBSP = "\u00a0"


def test_a_share_stands_with_its_interval() -> None:
    assert numbers.percent_with_interval(figure(0.583, low=0.541, high=0.622)) == (
        f"58.3{NBSP}%",
        "[54.1, 62.2]",
    )


def test_a_wide_interval_has_no_tenths() -> None:
    wide = figure(0.583, low=0.42, high=0.73)
    assert numbers.percent_with_interval(wide) == (f"58{NBSP}%", "[42, 73]")


def test_without_an_interval_there_are_no_brackets() -> None:
    alone = figure(0.5, low=None, high=None)
    assert numbers.percent_with_interval(alone) == (f"50.0{NBSP}%", "")
    assert numbers.rating_with_interval(figure(1234.4, low=None, high=None)) == ("1,234", "")


def test_negative_numbers_have_a_real_minus_and_zero_has_none() -> None:
    assert numbers.decimal(-0.126, 2) == "\u22120.13"
    assert numbers.decimal(-0.001, 2) == "0.00"
    assert numbers.rating(-12.4) == "\u221212"
    assert numbers.rating(-0.4) == "0"


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (None, "\u2013"),
        (0.0, f"<{NBSP}0.001"),
        (0.00099, f"<{NBSP}0.001"),
        (0.001, "0.001"),
        (0.0461, "0.046"),
        (0.0499, "0.050"),
        (0.0501, "0.050"),
        (0.2, "0.20"),
        (0.997, "1.00"),
        (1.0, "1.00"),
    ],
)
def test_p_values_keep_the_digits_that_matter(p: float | None, text: str) -> None:
    assert numbers.p_value(p) == text


@pytest.mark.parametrize(("value", "rounded"), [(7, 7), (99, 99), (143, 140), (1260, 1300)])
def test_a_forecast_is_rounded_to_two_digits(value: int, rounded: int) -> None:
    assert numbers.about(value) == rounded


def test_counts_agree_with_their_nouns() -> None:
    assert numbers.counted(1, "vote") == "1 vote"
    assert numbers.counted(1234, "vote") == "1,234 votes"
    assert numbers.named_list(["A", "B", "C"]) == "A, B and C"
    assert numbers.named_list([]) == ""


@given(st.floats(0, 1), st.floats(0, 0.5), st.floats(0, 0.5))
def test_a_printed_interval_holds_its_printed_value(
    value: float, below: float, above: float
) -> None:
    printed = figure(value, low=max(0, value - below), high=min(1, value + above))
    text, interval = numbers.percent_with_interval(printed)
    low, high = (float(part) for part in interval.strip("[]").split(","))
    assert low <= float(text.split(NBSP)[0]) <= high


@pytest.mark.parametrize("code", list(WarningCode))
def test_every_warning_has_a_plain_sentence(code: WarningCode) -> None:
    sentence = warnings.sentence(code)
    assert sentence.endswith(".")
    assert "!" not in sentence
    assert code.value not in sentence.split()
    assert 0 < len(warnings.short(code)) <= 30


def test_a_code_of_a_newer_version_stands_for_itself() -> None:
    assert "brand_new" in warnings.sentence("brand_new")
    assert warnings.why_undefined(None, ("brand_new",)) == "undefined: brand_new"


def test_an_empty_cell_gives_the_reason_that_was_recorded() -> None:
    assert warnings.why_undefined("one rater", ("no_votes",)) == "undefined: one rater"


@pytest.mark.django_db
def test_every_method_of_a_report_has_its_line() -> None:
    """Of a rich study, of one annotator, of one prompt, of unanimous votes, of two groups."""
    studies = [
        make_rich_study(),
        make_voted_study("alone", annotators=("ann-1",)),
        make_voted_study("one-prompt", prompts=1),
        make_unanimous_study(),
        make_study("empty"),
    ]
    for study in studies:
        words = methods_in_words(analysis.run(study).result)
        assert words or study.slug == "empty"
        assert [name for name, line in words if line == name] == []


def make_unanimous_study() -> Study:
    study = make_study("unanimous")
    people = [make_annotator(study) for _ in range(3)]
    for pair in (("alpha", "beta"), ("gamma", "delta")):
        for _ in range(5):
            comparison = make_comparison(study, *pair)
            for person in people:
                make_imported_vote(comparison, annotator=person)
    return study


def test_the_line_says_what_the_interval_allows_for() -> None:
    assert "other annotators and other prompts" in methods.explain("bt_half_two_way_cr3")
    assert "not for other annotators" in methods.explain("wilson_prompt_t")
    assert "resampling prompts" in methods.explain("cohen_kappa_prompt_bootstrap")
    assert "partial credit" in methods.explain("cohen_kappa_weighted")
    # Also of methods that read judgments and no votes.
    by_prompt = methods.explain("length_and_prompt_by_prompt")
    assert by_prompt.endswith("difficulty; what is said on one prompt is taken together")
    assert methods.explain("something_new") == "something_new"
