"""Which makers' models share a family, by their names. Pure.

A judge tends to favour its own family's texts. The table holds what can be told from a name; a name
that says nothing belongs to no family, and no warning is no proof.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# Words of everyday English are the name of a model only beside another word of it.
COMMANDS = ("r", "a", "light", "nightly", "xlarge", "medium")
NOVAS = ("pro", "lite", "micro", "premier")

FAMILIES: dict[str, tuple[str, ...]] = {
    "GPT": ("gpt", "chatgpt", "davinci", "codex", "o1", "o3", "o4"),
    "Claude": ("claude", "opus", "sonnet", "haiku"),
    "Gemini": ("gemini", "gemma", "palm", "palm2", "bard"),
    "Llama": ("llama", "alpaca", "vicuna", "koala"),
    "Mistral": ("mistral", "mixtral", "ministral", "codestral", "magistral"),
    "Qwen": ("qwen", "qwq", "qvq"),
    "DeepSeek": ("deepseek",),
    "Grok": ("grok",),
    "Command": ("cohere", "aya", *(f"command {kind}" for kind in COMMANDS)),
    "Phi": ("phi", "orca"),
    "GLM": ("glm", "chatglm"),
    "Kimi": ("kimi", "moonshot"),
    "Falcon": ("falcon",),
    "Yi": ("yi",),
    "Granite": ("granite",),
    "Nova": (*(f"nova {kind}" for kind in NOVAS), "amazon nova", "amazon titan", "titan text"),
}
BY_NAME = {name: family for family, names in FAMILIES.items() for name in names}
DIGITS = "0123456789"
WORDS = re.compile(r"[a-z]+[0-9]*|[0-9]+")


def family_of(name: str) -> str | None:
    """Return the family that a model's name tells of, or None.

    Whole words of the name are compared, never parts of a word.

    Examples
    --------
    >>> family_of("openai/gpt-4o-mini")
    'GPT'
    >>> family_of("command-r-plus"), family_of("command-line-helper")
    ('Command', None)
    >>> family_of("our-assistant-7b") is None
    True
    """
    words = WORDS.findall(name.lower())
    for word, following in zip(words, [*words[1:], ""], strict=True):
        # `llama3` and `qwen2` carry their number; `o1` is a name with it.
        bare = word.rstrip(DIGITS)
        for known in (word, bare, f"{bare} {following.rstrip(DIGITS)}"):
            if known in BY_NAME:
                return BY_NAME[known]
    return None


def shares_family(model: str, systems: Iterable[str]) -> str | None:
    """The family that the judge's model has in common with a compared system, or None."""
    family = family_of(model)
    if family is None:
        return None
    return family if any(family_of(system) == family for system in systems) else None
