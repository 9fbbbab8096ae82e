"""Which words of a response are taken for the name of a system or of its maker."""

from __future__ import annotations

import pytest

from annotation.importing.naming import (
    MASK,
    chosen_pattern,
    maker_pattern,
    names_in,
    names_pattern,
)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("as chatgpt by openai", ["chatgpt", "openai"]),
        ("I am gpt-4.", ["gpt-4"]),
        ("This is GPT 4o.", ["GPT 4o"]),
        ("deepseek-v3 here", ["deepseek-v3"]),
        ("_ChatGPT_ and **Claude**", ["ChatGPT", "Claude"]),
        ("a non-Claude answer", ["Claude"]),
        ("a large model, trained by Google.", ["trained by Google"]),
        ("llama-3 and mistral-7b", ["llama-3", "mistral-7b"]),
        ("Ask Bard or Copilot.", ["Bard", "Copilot"]),
    ],
)
def test_a_name_is_found_as_it_is_typed(text: str, names: list[str]):
    assert names_in(text, names_pattern()) == names


@pytest.mark.parametrize(
    "text",
    [
        "The bard sat under a palm with his alpaca, a llama and a vicuna.",
        "To grok it, the parts must cohere: the copilot felt the mistral.",
        "A minimax search; I googled it on Google.",
        "Bardolino, geminiano and claudette.",
    ],
)
def test_words_are_no_names(text: str):
    assert names_in(text, names_pattern()) == []


def test_what_was_found_is_what_is_masked():
    text = "_ChatGPT_, non-Claude, trained by Google."
    pattern = chosen_pattern(names_in(text, names_pattern()))
    assert pattern is not None
    assert pattern.sub(MASK, text) == f"_{MASK}_, non-{MASK}, {MASK}."


def test_a_system_that_is_called_by_a_plain_word_is_no_sign_of_a_maker() -> None:
    pattern = maker_pattern(["short", "Base", "Human", "System A", "öl", "100", "1.5"])
    text = "In short, at the base: a human, a Human, 100 or 1.5 of system a and System A, an öl."
    assert names_in(f"{text} By Anthropic.", pattern) == ["Anthropic"]


def test_other_systems_are_found_as_whole_words_as_they_are_written() -> None:
    pattern = maker_pattern(["alder-2", "Birch7", "tuned_b"])
    text = "I am alder-2, no Alder-2, alder-21 or birch7: Birch7 (tuned_b), and chatgpt."
    assert names_in(text, pattern) == ["alder-2", "Birch7", "tuned_b", "chatgpt"]
