"""Strangers' Markdown (annotating.md P16-P18, reliability.md V10)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.rating.allow_list import ATTRIBUTES, CLASSES, TAGS, sanitise
from annotation.rating.markdown import (
    MAX_BRACKETS,
    MAX_HIGHLIGHTED_CHARS,
    MAX_RENDERED_CHARS,
    render_markdown,
)
from tests.annotation.rating.hostile_texts import EVERY_TEXT
from tests.annotation.rating.rendered import Rendered

PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhg"
    "GAWjR9awAAAABJRU5ErkJggg=="
)


def rendered(text: str, **options: bool) -> Rendered:
    return Rendered(render_markdown(text, **options))


def assert_only_listed(markup: str) -> None:
    for tag, attributes in Rendered(markup).elements:
        assert tag in TAGS
        for name, value in attributes.items():
            if name == "class":
                assert set(value.split()) <= CLASSES.get(tag, set())
                continue
            assert name in ATTRIBUTES.get(tag, set()), (tag, name)
            if name == "src":
                assert value.startswith("data:image/")


@pytest.mark.parametrize("text", EVERY_TEXT)
def test_a_hostile_text_leaves_only_listed_elements(text: str) -> None:
    assert_only_listed(render_markdown(text))


@given(
    st.lists(
        st.one_of(
            st.sampled_from(EVERY_TEXT),
            st.sampled_from(
                ["\n", "\n\n", "> ", "- ", "| ", "`", "```", "$", "**", "[", "](", ")"]
            ),
            st.text(max_size=8),
        ),
        max_size=8,
    ).map("".join)
)
def test_any_mixture_leaves_only_listed_elements(text: str) -> None:
    assert_only_listed(render_markdown(text))


@pytest.mark.parametrize(
    "text",
    [
        "<noinput>",
        "vector<int> and map<string, vector<T>>",
        "a < b and b > c",
        "<script>alert(1)</script>",
        "<|endoftext|>",
        "</s>",
        "<!-- a comment -->",
        "&lt;b&gt; and &amp;amp;",
        "<think>hm</think>",
        "x<sub>2</sub>",
    ],
)
def test_what_looks_like_a_tag_is_read_as_text(text: str) -> None:
    shown = rendered(text).text
    assert shown.strip() == text.replace("&lt;b&gt; and &amp;amp;", "<b> and &amp;")


@pytest.mark.parametrize(
    "text",
    [
        "It costs $5 and then $10 more.",
        "between $5-$10",
        "$1,000 to $2,000",
        "US$5/US$10",
        "5$ or 6$",
        "**$5** and **$10**",
        "$5 million or so (A$)",
    ],
)
def test_two_dollar_amounts_are_money_and_no_formula(text: str) -> None:
    page = rendered(text)
    assert page.text.strip() == text.replace("**", "")
    assert not any("math" in attributes.get("class", "") for attributes in page.all("span"))


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        ("so $x^2$ is", "x^2"),
        ("the $n$th one", "n"),
        ("$2x + 3$", "2x + 3"),
        (r"\(a_b*c*\)", "a_b*c*"),
        ("$$\nE = mc^2\n$$", "E = mc^2"),
        ("\\[\nx\n- y\n\\]", "x\n- y"),
        (r"thus \[a\] holds", "a"),
        ("$$x$$", "x"),
    ],
)
def test_a_formula_keeps_its_source_for_typesetting(text: str, formula: str) -> None:
    page = rendered(text)
    assert any(
        "math" in attributes.get("class", "") for attributes in page.all("span") + page.all("div")
    )
    assert formula in page.text


@pytest.mark.parametrize(
    "text", [r"\(", r"\[", "\\[\n\nx\\]", r"\(\)", "\\[ a", "\\[\nfoo \\[\nx \\]"]
)
def test_an_unfinished_formula_stays_readable(text: str) -> None:
    assert_only_listed(render_markdown(text))


def test_a_link_is_text_that_names_its_host() -> None:
    page = rendered("[your bank](https://evil.example/login?x=1)")
    assert page.text.strip() == "your bank (evil.example)"
    assert "a" not in page.tags
    assert "evil.example/login" not in render_markdown("[your bank](https://evil.example/login)")


def test_a_link_that_shows_another_address_still_names_its_host() -> None:
    shown = rendered("[https://good.example](https://evil.example)").text
    assert shown.strip() == "https://good.example (evil.example)"


def test_an_address_written_out_is_not_named_twice() -> None:
    assert rendered("<https://good.example/a>").text.strip() == "https://good.example/a"


@pytest.mark.parametrize("address", ["http://[::1", "https://a.b:99999999", "http://[", "//"])
def test_an_address_that_cannot_be_read_breaks_nothing(address: str) -> None:
    assert_only_listed(render_markdown(f"[a]({address}) ![b]({address})"))


def test_a_remote_image_becomes_text_that_names_the_host() -> None:
    page = rendered("![a cat](https://images.example/cat.png)")
    assert page.text.strip() == "[Image not shown, from images.example: a cat]"
    assert "img" not in page.tags


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "webp"])
def test_an_image_within_the_text_is_shown(kind: str) -> None:
    [image] = rendered(f"![dot](data:image/{kind};base64,AAAA)").all("img")
    assert image == {"src": f"data:image/{kind};base64,AAAA", "alt": "dot"}


@pytest.mark.parametrize(
    "source", ["data:image/svg+xml;base64,AAAA", "data:text/html;base64,AAAA", "data:image/png,x"]
)
def test_an_image_of_another_kind_is_not_shown(source: str) -> None:
    assert "img" not in rendered(f"![dot]({source})").tags


def test_an_image_above_the_cap_is_named_instead() -> None:
    text = "![dot](data:image/png;base64," + "A" * 90_000 + ")"
    assert "img" in rendered(text).tags
    huge = sanitise('<img src="data:image/png;base64,' + "A" * 300_000 + '" alt="dot">')
    assert Rendered(huge).all("img") == [{"alt": "dot"}]


def test_tables_tasks_and_strikethrough_are_rendered() -> None:
    page = rendered("| a | b |\n|:-:|--:|\n| 1 | 2 |\n\n- [x] one\n- [ ] two\n\n~~gone~~")
    assert {"table", "th", "td", "s"} <= page.tags
    assert [cell.get("class") for cell in page.all("td")] == ["align-center", "align-right"]
    assert [span["aria-label"] for span in page.all("span")] == ["done", "not done"]


def test_no_style_attribute_is_left_anywhere() -> None:
    assert "style=" not in render_markdown("| a |\n|:-:|\n| 1 |")


def test_code_is_coloured_and_says_its_language() -> None:
    markup = render_markdown("```python\nimport os  # <b>\n```")
    assert 'class="kn"' in markup
    assert '<div class="code-language">python</div>' in markup
    assert "&lt;b&gt;" in markup


def test_code_in_an_unknown_language_is_shown_plainly() -> None:
    assert rendered("```nosuch\n<b>\n```").text == "nosuch<b>\n\n"


def test_long_code_is_not_coloured() -> None:
    code = "x = 1\n" * (MAX_HIGHLIGHTED_CHARS // 6 + 1)
    assert "<span" not in render_markdown(f"```python\n{code}```")


def test_every_line_of_code_is_kept() -> None:
    code = "\n\ndef f():\n\treturn '  '\n\n\n"
    text = rendered(f"```python\n{code}```").text
    assert code in text


@pytest.mark.parametrize(
    ("levels", "tags"),
    [
        ([1, 2, 6], ["h3", "h4", "h5"]),
        ([2, 3, 3, 2], ["h3", "h4", "h4", "h3"]),
        ([3, 2, 1], ["h3", "h3", "h3"]),
        ([1, 2, 3, 4, 5, 6], ["h3", "h4", "h5", "h6", "h6", "h6"]),
    ],
)
def test_headings_nest_below_those_of_the_page_without_a_gap(
    levels: list[int], tags: list[str]
) -> None:
    page = rendered("\n\n".join("#" * level + " x" for level in levels))
    assert [tag for tag, _ in page.elements] == tags
    assert [attributes["class"] for _, attributes in page.elements] == [
        f"level-{level}" for level in levels
    ]


def test_a_line_break_of_a_response_is_kept() -> None:
    assert rendered("roses\nviolets").all("br")


def test_instructions_may_be_wrapped_by_their_editor() -> None:
    assert not rendered("one\nsentence", keep_breaks=False).all("br")


def test_blocks_find_their_own_direction_and_code_runs_left_to_right() -> None:
    page = rendered("مرحبا\n\n- أولا\n\n```\nx\n```")
    assert [attributes.get("dir") for attributes in page.all("p") + page.all("ul")] == [
        "auto",
        "auto",
    ]
    # An item with `dir` of its own would not count for the list around it.
    assert page.all("li") == [{}]
    assert page.all("pre") == [{"dir": "ltr"}]


def test_a_very_long_text_is_shown_as_it_is() -> None:
    text = "**bold** <b>\n" * (MAX_RENDERED_CHARS // 13 + 1)
    page = rendered(text)
    assert page.tags == {"div"}
    assert page.text == text


def test_a_text_of_brackets_alone_is_shown_as_it_is() -> None:
    assert rendered("[" * (MAX_BRACKETS + 1)).tags == {"div"}


def test_deep_nesting_ends_in_text() -> None:
    assert_only_listed(render_markdown("> " * 5_000 + "x"))
    assert_only_listed(render_markdown("".join("  " * depth + "- x\n" for depth in range(400))))


@pytest.mark.parametrize(
    "piece", ["![", "[a](<", "\\(aaa", "\\[\n", "a\n\\[\n", "$a ", "**a", "|a", "`a", "&#x202e;"]
)
def test_a_repetition_is_rendered_before_the_suite_loses_patience(piece: str) -> None:
    """A rule that looked ahead without an end took eight minutes for one of these."""
    assert_only_listed(render_markdown(piece * (MAX_RENDERED_CHARS // len(piece))))


def test_an_entity_cannot_bring_back_a_hidden_character() -> None:
    assert "\u202e" not in render_markdown("a&#x202e;b&#8203;c")
    assert rendered("a&#x202e;b&#8203;c").text.strip() == "abc"


def test_both_sides_are_rendered_alike() -> None:
    assert render_markdown(PIXEL + " *x*") == render_markdown(PIXEL + " *x*")


def test_the_page_keeps_the_same_list() -> None:
    """fragment.js is the second allow-list; one that lacks an element would lose text's form."""
    source = Path("annotation/static/annotation/rating/fragment.js").read_text()
    found = re.search(r"TAGS = new Set\(\[(.*?)\]\)", source, re.DOTALL)
    assert found is not None
    assert set(re.findall(r'"([^"]+)"', found[1])) == TAGS
    attributes = re.search(r"ATTRIBUTES = new Set\(\[(.*?)\]\)", source)
    assert attributes is not None
    assert set(re.findall(r'"([^"]+)"', attributes[1])) == set().union(
        *ATTRIBUTES.values(), {"class"}
    )
