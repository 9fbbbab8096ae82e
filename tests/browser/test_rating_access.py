"""The rating page for everyone: axe, keys, focus, small screens (annotating.md P3, P24, P25)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from annotation.models import Prompt, Study
from tests import factories
from tests.browser.rating_desk import Desk, make_small_study, make_study_of, set_scale
from tests.browser.watching import accessibility_faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DeskFor = Callable[..., Desk]

RICH = (
    "## Heading\n\nText with `code`, **bold** and [a link](https://example.org).\n\n"
    "```python\nimport os  # a comment\nprint('x', 1)\n"
    + "x" * 400
    + "\n```\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n- [x] done\n- [ ] open\n\n> quoted\n\n$x^2$"
)
TURNS = [
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": RICH},
    {"role": "user", "content": "Bye"},
]


# In which languages the texts of the study stand on the page, and those of the page itself.
LANGUAGE_OF = """() => {
  const said = places => Object.fromEntries(places.map(place =>
    [place, document.querySelector(place)?.closest("[lang]").lang ?? null]));
  return {
    own: said([".rating-top__title", "#welcome .prose > *", "#guidelines .prose > *",
      ".level__what", ".level__example > :last-child", "#prompt-body .prose > *",
      "#prompt-body .source", "#left-text .prose > *", "#left-text .source",
      "#reference-body .prose > *", "[data-criterion=clarity] .question__text",
      "[data-further=tags] .choice-button__label", "#feedback-text"]),
    page: said([".rating-top__home", "#right-text .nothing", "#prompt-body .turn__speaker",
      "[data-criterion=overall] .question__text", "[data-further=tags] .question__text",
      "[data-criterion=overall] .choice-button__label", "#left-heading"]),
  };
}"""


def make_rich_study() -> Study:
    study = make_study_of([(TURNS, RICH, ""), ("Q?", "A.", "B.")])
    factories.make_criterion(study, "clarity", scale="five", required=False, both_bad=True)
    study.criteria.update(levels=[{"description": "Good.", "example": "It helps."}])
    return study


def box(locator: Locator) -> dict[str, float]:
    found = locator.bounding_box()
    assert found is not None
    return dict(found)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_any_state(desk_for: DeskFor, scheme: str) -> None:
    desk = desk_for(make_rich_study(), welcomed=False, color_scheme=scheme)
    page = desk.page
    expect(page.locator("#welcome")).to_be_visible()
    assert accessibility_faults(page) == []
    desk.press("Enter")
    desk.wait_until_armed(1)
    assert accessibility_faults(page) == []
    desk.press("v")
    assert accessibility_faults(page) == []
    desk.press("v")
    desk.press("m")
    desk.press("1")
    desk.press("r")
    assert accessibility_faults(page) == []
    desk.press("Escape")
    desk.press("g")
    assert accessibility_faults(page) == []
    desk.press("Escape")
    for key, dialog in (("?", "#help"), ("s", "#skip-dialog"), ("f", "#flag-dialog")):
        desk.press(key)
        expect(page.locator(dialog)).to_be_visible()
        assert accessibility_faults(page) == []
        desk.press("Escape")
    desk.press("Control+Enter")
    desk.wait_until_armed(2)
    assert accessibility_faults(page) == []
    desk.press("u")
    desk.wait_until_armed(1)
    assert accessibility_faults(page) == []
    desk.press("Escape")
    desk.wait_until_armed(2)
    desk.press("2")
    desk.press("Enter")
    expect(page.locator("#state-title")).to_contain_text("Nothing is left")
    assert accessibility_faults(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_a_phone(desk_for: DeskFor, scheme: str) -> None:
    desk = desk_for(make_rich_study(), viewport={"width": 360, "height": 740}, color_scheme=scheme)
    desk.wait_until_armed(1)
    assert accessibility_faults(desk.page) == []


def test_axe_finds_nothing_on_an_error_page(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(1))
    desk.page.goto(f"{desk.watch.origin}/nothing/here")
    expect(desk.page.locator("h1")).to_have_text("There is no such page")
    assert accessibility_faults(desk.page) == []


def test_each_pair_moves_the_focus_to_its_prompt_and_is_announced(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(2))
    desk.wait_until_armed(1)
    desk.page.get_by_role("button", name="Response 1 is better").click()
    desk.wait_until_armed(2)
    expect(desk.page.get_by_role("heading", name="Prompt Pair 2")).to_be_focused()
    expect(desk.page.locator("#announcer")).to_have_text("")
    expect(desk.page.locator("#last-text")).to_have_text("Your last answer: Response 1 is better.")


def test_the_tree_of_the_page_reads_in_order(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(1))
    desk.wait_until_armed(1)
    expect(desk.page.locator("#rating")).to_match_aria_snapshot(
        """
        - banner:
          - link "My studies"
          - heading "A small study" [level=1]
        - main:
          - region "Prompt Pair 1":
            - heading "Prompt Pair 1" [level=2]
            - group "View"
            - group "Prompt Pair 1":
              - paragraph: Question 1?
          - region "Response 1":
            - heading "Response 1" [level=2]
            - group "Response 1":
              - paragraph: First 1.
          - region "Response 2":
            - heading "Response 2" [level=2]
            - group "Response 2":
              - paragraph: Second 1.
        - region "Your answer":
          - group "Which response is better?":
            - button "Response 1 is better"
            - 'button "Tie: both are equally good"'
            - button "Both responses are bad"
            - button "Response 2 is better"
        """
    )


def test_everything_is_reached_by_tab_alone(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(1))
    desk.wait_until_armed(1)
    reached = set()
    for _ in range(40):
        desk.press("Tab")
        reached.add(
            desk.page.evaluate(
                "document.activeElement.dataset.action || document.activeElement.dataset.choice"
                " || document.activeElement.id"
            )
        )
    assert {
        "source", "linked", "prompt", "prompt-body", "left-text", "right-text", "left", "tie",
        "both_bad", "right", "reason", "flag", "skip", "guidelines", "help",
    } <= reached  # fmt: skip


def test_the_columns_are_equal_and_the_bar_covers_no_text(desk_for: DeskFor) -> None:
    long = "\n\n".join(f"Paragraph {n}." for n in range(80))
    desk = desk_for(
        make_study_of([(long, long, "Short.")]), viewport={"width": 1440, "height": 900}
    )
    desk.wait_until_armed(1)
    left, right = box(desk.page.locator("#left-section")), box(desk.page.locator("#right-section"))
    assert abs(left["width"] - right["width"]) < 1
    assert left["y"] == right["y"]
    assert left["height"] == right["height"]
    decision = box(desk.page.locator("#decision"))
    assert left["y"] + left["height"] <= decision["y"]
    assert decision["y"] + decision["height"] <= 900
    prompt = box(desk.page.locator("#prompt-section"))
    assert prompt["y"] + prompt["height"] <= left["y"]


@pytest.mark.parametrize("scale", ["ternary", "five", "seven"])
@pytest.mark.parametrize("width", [320, 360, 720])
def test_a_narrow_window_stacks_and_never_scrolls_sideways(
    desk_for: DeskFor, scale: str, width: int
) -> None:
    study = make_rich_study()
    set_scale(study, scale)
    desk = desk_for(study, viewport={"width": width, "height": 640})
    desk.wait_until_armed(1)
    left, right = box(desk.page.locator("#left-section")), box(desk.page.locator("#right-section"))
    assert right["y"] > left["y"] + left["height"]
    for open_more in (False, True):
        if open_more:
            desk.page.locator("#more").click()
        assert desk.page.evaluate("document.documentElement.scrollWidth") <= width
        for button in desk.page.locator(".choice-button:visible").all():
            assert not overflows(button)


def overflows(locator: Locator) -> Any:
    return locator.evaluate("element => element.scrollWidth > element.clientWidth + 1")


def test_the_answers_stay_in_reach_and_the_jump_finds_each_part(desk_for: DeskFor) -> None:
    long = "\n\n".join(f"Paragraph {n}." for n in range(60))
    desk = desk_for(make_study_of([(long, long, long)]), viewport={"width": 360, "height": 740})
    desk.wait_until_armed(1)
    for name, place in (("Response 1", "left"), ("Response 2", "right"), ("Prompt", "prompt")):
        desk.page.get_by_role("link", name=name, exact=True).click()
        expect(desk.page.locator(f"#{place}-section")).to_be_in_viewport()
        expect(desk.page.get_by_role("button", name="Response 1 is better")).to_be_in_viewport()


@pytest.mark.parametrize("width", [360, 1280])
def test_targets_are_large_enough(desk_for: DeskFor, width: int) -> None:
    desk = desk_for(make_small_study(1), viewport={"width": width, "height": 800})
    desk.wait_until_armed(1)
    for button in desk.page.locator(".choice-button:visible").all():
        assert min(box(button)["height"], box(button)["width"]) >= 44
    for control in desk.page.locator("button:visible, a:visible").all():
        assert box(control)["height"] >= 24


def test_the_theme_is_a_choice_that_stays(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(1))
    desk.wait_until_armed(1)
    desk.press("?")
    desk.page.get_by_role("button", name="Dark").click()
    desk.page.reload()
    assert desk.page.evaluate("document.documentElement.dataset.theme") == "dark"
    background = desk.page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert background == "rgb(22, 22, 23)"


def test_nothing_moves_under_reduced_motion(desk_for: DeskFor) -> None:
    desk = desk_for(make_small_study(1), reduced_motion="reduce")
    desk.wait_until_armed(1)
    moving = desk.page.evaluate(
        "[...document.querySelectorAll('*')].filter((element) => {"
        "const style = getComputedStyle(element);"
        "return parseFloat(style.transitionDuration) > 0 || style.animationName !== 'none'}).length"
    )
    assert moving == 0


@pytest.mark.parametrize("language", ["", "ar"])
def test_the_texts_of_the_study_are_in_its_language_and_the_page_in_its_own(
    desk_for: DeskFor, language: str
) -> None:
    """Where the study does not say, in none: a reader must not speak them as the page's (3.1.2)."""
    rules = {
        "texts": {"language": language} if language else {},
        "answering": {"tags": ["Clearer"], "show_reference": True},
    }
    study = make_study_of([(TURNS, "Text.", "")], rules=rules)
    Prompt.objects.update(reference="Reference.")
    study.criteria.update(levels=[{"description": "Good.", "example": "It helps."}])
    factories.make_criterion(study, "clarity", question="Which is clearer?", required=False)
    desk = desk_for(study, locale="de-DE", welcomed=False)
    desk.page.get_by_role("button", name="Mit dem Bewerten beginnen").click()
    expect(desk.page.locator("#prompt-heading")).to_contain_text("Paar 1")
    expect(desk.page.locator("#decision")).to_have_attribute("aria-busy", "false")
    desk.press("m")
    spoken = desk.page.evaluate(LANGUAGE_OF)
    assert spoken["own"] == dict.fromkeys(spoken["own"], language)
    assert spoken["page"] == dict.fromkeys(spoken["page"], "de")
    assert accessibility_faults(desk.page) == []


# -- small windows, zoom, other colours -------------------------------------------------------


def make_study_of_many_questions() -> Study:
    study = make_study_of(
        [(TURNS, RICH, RICH), (TURNS, RICH, RICH)],
        rules={
            "answering": {
                "confidence": "optional",
                "tags": ["More correct", "Clearer", "Better tone", "Shorter"],
            }
        },
    )
    factories.make_criterion(study, "clarity", scale="five", required=False, both_bad=True)
    return study


def is_in_sight(locator: Locator) -> bool:
    """Whether nothing lies over its middle, and no box that scrolls has cut it off."""
    return bool(
        locator.evaluate(
            "element => { const { x, y, width, height } = element.getBoundingClientRect();"
            "const shown = document.elementFromPoint(x + width / 2, y + height / 2);"
            "return element.contains(shown); }"
        )
    )


def test_on_a_phone_every_answer_and_the_reason_can_be_brought_into_sight(
    desk_for: DeskFor,
) -> None:
    desk = desk_for(make_study_of_many_questions(), viewport={"width": 360, "height": 740})
    desk.wait_until_armed(1)
    desk.press("m")
    for button in desk.page.locator(".choice-button:visible").all():
        button.evaluate("element => element.scrollIntoView({ block: 'nearest' })")
        assert is_in_sight(button)
    desk.press("r")
    reason = desk.page.locator("#reason-text")
    expect(reason).to_be_focused()
    assert is_in_sight(reason)
    assert is_in_sight(desk.page.locator("#submit"))


def test_on_a_phone_the_next_pair_begins_with_its_first_question(desk_for: DeskFor) -> None:
    desk = desk_for(make_study_of_many_questions(), viewport={"width": 360, "height": 740})
    desk.wait_until_armed(1)
    top = box(desk.page.locator(".rating-top"))["height"]
    desk.press("m")
    overall = desk.page.locator('[data-criterion="overall"] [data-choice="left"]')
    overall.click()
    last = desk.page.locator('[data-further="tags"] .choice-button').last
    last.click()
    scrolled = "document.querySelector('#decision').scrollTop"
    assert desk.page.evaluate(scrolled) > 0
    desk.press("Control+Enter")
    desk.wait_until_armed(2)
    assert desk.page.evaluate(scrolled) == 0
    assert is_in_sight(overall)
    desk.wait_until_saved()
    # What says so has its place: nothing moves under the reader.
    assert box(desk.page.locator(".rating-top"))["height"] == top


@pytest.mark.parametrize("width", [820, 1024, 1280])
def test_no_answer_is_cut_off_beside_the_guidelines(desk_for: DeskFor, width: int) -> None:
    study = make_study_of_many_questions()
    set_scale(study, "seven", "clarity")
    desk = desk_for(study, viewport={"width": width, "height": 900})
    desk.wait_until_armed(1)
    desk.press("m")
    bar = box(desk.page.locator("#questions"))
    for button in desk.page.locator(".choice-button:visible").all():
        place = box(button)
        assert place["x"] + place["width"] <= bar["x"] + bar["width"] + 1
    if width == 1280:
        desk.press("g")
        bar = box(desk.page.locator("#questions"))
        for button in desk.page.locator(".choice-button:visible").all():
            place = box(button)
            assert place["x"] + place["width"] <= bar["x"] + bar["width"] + 1
            assert not overflows(button)


@pytest.mark.parametrize("window", [(1280, 800), (1366, 768)])
def test_at_200_percent_everything_is_there_and_nothing_scrolls_sideways(
    desk_for: DeskFor, window: tuple[int, int]
) -> None:
    """As a browser zooms: half the pixels of the page, each twice as large (1.4.4, 1.4.10)."""
    width, height = window[0] // 2, window[1] // 2
    desk = desk_for(
        make_study_of_many_questions(),
        viewport={"width": width, "height": height},
        device_scale_factor=2,
        welcomed=False,
    )
    start = desk.page.get_by_role("button", name="Start rating")
    expect(start).to_be_visible()
    assert is_in_sight(start)
    start.click()
    desk.wait_until_armed(1)
    desk.press("m")
    assert desk.page.evaluate("document.documentElement.scrollWidth") <= width
    # The bar leaves room to read, whatever stands in it.
    assert box(desk.page.locator("#decision"))["height"] <= 0.6 * height
    for button in desk.page.locator(".choice-button:visible").all():
        button.evaluate("element => element.scrollIntoView({ block: 'nearest' })")
        assert is_in_sight(button)
        assert not overflows(button)
    for key, dialog in (("?", "#help"), ("s", "#skip-dialog"), ("f", "#flag-dialog")):
        desk.press(key)
        shown = box(desk.page.locator(dialog))
        assert shown["x"] >= 0
        assert shown["x"] + shown["width"] <= width
        assert shown["y"] >= 0
        assert shown["y"] + shown["height"] <= height
        desk.press("Escape")
    desk.press("1")
    desk.press("Control+Enter")
    desk.wait_until_armed(2)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_with_forced_colours_what_was_chosen_and_what_has_the_focus_is_seen(
    desk_for: DeskFor, scheme: str
) -> None:
    """Windows' contrast themes take every background: shape and outline must say it."""
    desk = desk_for(make_study_of_many_questions(), forced_colors="active", color_scheme=scheme)
    desk.wait_until_armed(1)
    desk.press("m")
    chosen = desk.page.locator('[data-criterion="overall"] [data-choice="left"]')
    other = desk.page.locator('[data-criterion="overall"] [data-choice="tie"]')
    chosen.click()
    desk.page.mouse.move(0, 0)
    desk.press("ArrowDown")
    style = (
        "element => getComputedStyle(element).outlineStyle + getComputedStyle(element).outlineWidth"
    )
    assert chosen.evaluate(style) == "solid3px"
    assert other.evaluate(style) != chosen.evaluate(style)
    other.focus()
    assert other.evaluate("element => parseFloat(getComputedStyle(element).outlineWidth)") >= 2
    pressed = desk.page.locator('[data-action="linked"]')
    borders = [
        desk.page.locator(f'[data-action="{action}"]').evaluate(
            "element => getComputedStyle(element).borderColor + getComputedStyle(element).outline"
        )
        for action in ("linked", "source")
    ]
    assert pressed.get_attribute("aria-pressed") == "true"
    assert borders[0] != borders[1], "a pressed tool looks like one that is not"
    ink, ground = chosen.evaluate(
        "element => [getComputedStyle(element.lastElementChild).color,"
        " getComputedStyle(element).backgroundColor]"
    )
    assert {ink, ground} == {"rgb(0, 0, 0)", "rgb(255, 255, 255)"}
