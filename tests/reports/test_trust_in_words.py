"""One plain sentence on a judge: the answer, why, and what would change it."""

from __future__ import annotations

from typing import Any

import pytest

from reports.stats.alignment import Answer, Finding
from reports.stats.alignment.standing import DISQUALIFYING
from reports.wording.trust import DECIDING, FINDINGS, UNSAID, trust_in_words
from tests.reports import results
from tests.stats.alignment.planted_judges import aligned, first_shown, honest, known_study
from tests.stats.alignment.test_standing import PLANTED

WORDS = {
    "known confusion": "errs towards a (it takes b for a in",
    "first shown": "prefers the response shown first",
    "longest wins": "prefers the longer response",
    "obeying": "gives in to responses that tell it what to say",
    "silent where a wins": "gives no verdict more often where one side wins",
}


def entry_of(found: Any) -> dict[str, Any]:
    entry = {"judge": "gpt", "judge_version": 1, **found.as_dict()}
    entry["standing"] |= {"weak_categories": [], "strong_categories": []}
    return entry


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_named_in_the_sentence(name: str) -> None:
    known = known_study(1)
    entry = entry_of(aligned(known, PLANTED[name][0](known)))
    words = trust_in_words(entry, [entry])
    assert WORDS[name] in words.sentence
    others = [text for other, text in WORDS.items() if other != name]
    assert not any(text in words.sentence for text in others)


@pytest.mark.parametrize(("n", "raters"), [(24, 4), (60, 4), (400, 2)])
def test_a_fault_is_named_also_where_no_answer_can_be_given(n: int, raters: int) -> None:
    known = known_study(1, n=n, raters=raters)
    entry = entry_of(aligned(known, first_shown(known, 0.6)))
    words = trust_in_words(entry, [entry])
    assert "So far it prefers the response shown first (" in words.sentence


def test_an_honest_judge_may_stand_in_and_for_what_is_said() -> None:
    known = known_study(2)
    entry = entry_of(aligned(known, honest(known)))
    entry["standing"] |= {"weak_categories": ["law"], "strong_categories": ["code"]}
    words = trust_in_words(entry, [entry])
    assert words.answer == "may stand in"
    assert words.sentence.startswith("gpt may stand in for one of these annotators")
    assert words.scope == "It falls short of people in “law”; take it for “code” alone."
    assert "new version" in words.change


def test_every_finding_has_its_words_and_every_answer_its_reasons() -> None:
    assert set(FINDINGS) | UNSAID == {str(finding) for finding in Finding}
    assert set(DECIDING) == {str(answer) for answer in Answer}
    assert {str(finding) for finding in DISQUALIFYING} <= DECIDING["does_not"]


@pytest.mark.parametrize(
    ("n", "raters", "said", "change"),
    [
        (12, 4, "people voted on 12 comparisons that it judged", "88 further judged comparisons"),
        (60, 4, "a verdict takes 100", "40 further judged comparisons"),
        (400, 2, "fewer than 3 annotators", "1 further annotator"),
    ],
)
def test_little_data_are_said_with_what_they_lack(
    n: int, raters: int, said: str, change: str
) -> None:
    known = known_study(3, n=n, raters=raters)
    entry = entry_of(aligned(known, honest(known)))
    words = trust_in_words(entry, [entry])
    assert said in words.sentence
    assert change in words.change


def test_a_judge_that_falls_short_is_told_its_margin() -> None:
    known = known_study(4)
    entry = entry_of(aligned(known, honest(known, 0.6)))
    words = trust_in_words(entry, [entry])
    needed = round(100 * entry["alt_test"]["epsilon_needed"])
    assert f"a margin of {needed} points instead of 15" in words.change
    assert "falls short of what an annotator reaches" in words.sentence


def test_versions_are_told_apart_by_number() -> None:
    first, second = (results.alignment("gpt") | {"judge_version": number} for number in (1, 2))
    assert "gpt (version 2)" in trust_in_words(second, [first, second]).sentence
