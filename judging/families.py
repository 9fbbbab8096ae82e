"""Which makers' models share a family, by their names. Pure.

A judge tends to favour its own family's texts. The table holds what can be told from a name; a name
that says nothing belongs to no family, and no warning is no proof.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

FAMILIES: dict[str, tuple[str, ...]] = {
    "GPT": ("gpt", "chatgpt", "davinci", "codex", "o1", "o3", "o4"),
    "Claude": ("claude", "opus", "sonnet", "haiku"),
    "Gemini": ("gemini", "gemma", "palm", "palm2", "bard"),
    "Llama": ("llama", "alpaca", "vicuna", "koala"),
    "Mistral": ("mistral", "mixtral", "ministral", "codestral", "magistral"),
    "Qwen": ("qwen", "qwq", "qvq"),
    "DeepSeek": ("deepseek",),
    "Grok": ("grok",),
    "Command": ("command", "cohere", "aya"),
    "Phi": ("phi", "orca"),
    "GLM": ("glm", "chatglm"),
    "Kimi": ("kimi", "moonshot"),
    "Falcon": ("falcon",),
    "Yi": ("yi",),
    "Granite": ("granite",),
    "Nova": ("nova", "titan"),
}
BY_WORD = {word: family for family, words in FAMILIES.items() for word in words}
WORDS = re.compile(r"[a-z]+[0-9]*|[0-9]+")


def family_of(name: str) -> str | None:
    """The family that a model's name tells of, or None.

    Examples
    --------
    >>> family_of("openai/gpt-4o-mini")
    'GPT'
    >>> family_of("our-assistant-7b") is None
    True
    """
    for word in WORDS.findall(name.lower()):
        # `llama3` and `qwen2` carry their number; `o1` is a name with it.
        family = BY_WORD.get(word) or BY_WORD.get(word.rstrip("0123456789"))
        if family is not None:
            return family
    return None


def shares_family(model: str, systems: Iterable[str]) -> str | None:
    """The family that the judge's model has in common with a compared system, or None."""
    family = family_of(model)
    if family is None:
        return None
    return family if any(family_of(system) == family for system in systems) else None
