"""Invisible and direction-changing characters are neutralised for display (annotating.md P18)."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.rating.visible_text import visible_text


@pytest.mark.parametrize(
    "hidden",
    [
        "\u200b", "\u2060", "\ufeff", "\u00ad", "\u180e", "\u034f", "\u3164", "\u115f", "\u2062",
        "\u202a", "\u202b", "\u202d", "\u202e", "\u202c", "\u2066", "\u2067", "\u2069",
        "\u200e", "\u200f", "\u061c", "\x00", "\x08", "\x1b", "\x7f", "\x9b", "\ufff9",
        "\U000e0041", "\U000e0001", "\ufe00", "\ufe01", "\u200c", "\u200d", "\ufe0f", "\U000e0100",
    ],
)  # fmt: skip
def test_a_character_that_hides_or_reorders_is_taken_out(hidden: str) -> None:
    assert visible_text(f"a{hidden}b") == "ab"
    assert visible_text(f"{hidden}{hidden}") == ""


@pytest.mark.parametrize(
    "text",
    [
        "plain, with tabs\tand\nlines",
        "می‌خواهم",  # Persian needs the non-joiner
        "क्‍ष",  # Devanagari needs the joiner
        "👩‍👩‍👧‍👦",  # a family is joined
        "❤️ ☎︎ 1️⃣",  # emoji selectors
        "葛\U000e0100",  # form of an ideograph
        "🇩🇪 naïve café ﷽",
    ],
)
def test_what_shapes_letters_and_emoji_stays(text: str) -> None:
    assert visible_text(text) == text


def test_every_kind_of_line_break_becomes_a_line_feed() -> None:
    assert visible_text("a\r\nb\rc\u2028d\u2029e\x0bf\x0cg\x85h") == "\n".join("abcdefgh")


def test_half_a_surrogate_pair_becomes_the_replacement_character() -> None:
    shown = visible_text("a\ud800b\udfffc")
    assert shown == "a\ufffdb\ufffdc"
    shown.encode()


def test_a_watermark_of_joiners_does_not_survive() -> None:
    marked = "The\u200c \u200ccapital\u200d is\u200b Canberra"
    assert visible_text(marked) == "The capital is Canberra"


@given(st.text())
def test_what_is_left_can_be_encoded_and_does_not_change_again(text: str) -> None:
    once = visible_text(text)
    once.encode()
    assert visible_text(once) == once
    assert not any(
        unicodedata.category(character) == "Cc" and character not in "\t\n" for character in once
    )


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "Zs"])))
def test_ordinary_text_is_untouched(text: str) -> None:
    fillers = "\u115f\u1160\u3164\uffa0"
    assert visible_text(text) == "".join(c for c in text if c not in fillers)
