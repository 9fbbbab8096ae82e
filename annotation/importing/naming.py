"""Responses that name who wrote them: found on word boundaries, masked or left out. Pure.

A response that says "as ChatGPT I ..." sways whoever reads it. What is found are names of systems
and makers that are public, and the names that the study's own systems have. A name can be innocent,
such as a painter's: so the researcher decides by name, and nothing is changed unasked.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from annotation.importing.formats import (
    ComparisonRow,
    Fields,
    ResponseRow,
    RowFormat,
)
from annotation.importing.formats.problems import RowLeftOut

# In any letters.
PUBLIC_NAMES = (
    r"ChatGPT", r"GPT[ -]?\d[\w.\-]*", r"OpenAI", r"Claude(?:[ -](?:\d[\w.]*|Opus|Sonnet|Haiku))*",
    r"Anthropic", r"Gemini(?:[ -](?:\d[\w.]*|Pro|Flash|Ultra))*", r"Google (?:AI|DeepMind)",
    r"DeepMind", r"PaLM[ -]?2", r"Gemma(?:[ -]?\d[\w.]*)?", r"Meta AI", r"Llama[ -]?\d[\w.\-]*",
    r"Mistral(?: AI|-\w[\w.\-]*)", r"Mixtral[\w.\-]*", r"Qwen[\w.\-]*", r"Tongyi",
    r"DeepSeek[\w.\-]*", r"Grok[ -]?\d[\w.]*", r"Phi-\d[\w.\-]*", r"Vicuna-\d[\w.\-]*",
    r"Falcon-\d[\w.\-]*", r"Yi-\d[\w.\-]*", r"ERNIE[ -]Bot", r"Kimi", r"Moonshot AI",
    r"ChatGLM\w*", r"Zhipu AI", r"Jamba[\w.\-]*", r"Hunyuan\w*", r"Doubao",
    # These make much else than models, and are named for much else.
    r"(?:trained|made|built|created|developed) by (?:Google|Meta|Microsoft|Amazon|Alibaba|Baidu|"
    r"NVIDIA|IBM|Apple)",
)  # fmt: skip
# Only as they are written: otherwise these are words, as "palm" is and "to cohere".
PUBLIC_NAMES_AS_WRITTEN = (
    r"Bard", r"PaLM", r"L[Ll]a[Mm]A", r"L[Ll]aM[Aa]", r"Llama", r"Mistral", r"Grok", r"xAI",
    r"Cohere", r"Command R\+?", r"Copilot", r"Vicuna", r"Alpaca", r"ERNIE",
    r"Nova (?:Pro|Lite|Micro)", r"MiniMax",
)  # fmt: skip
# Names are set off by anything but letters and digits, as in _ChatGPT_ and non-Claude.
BEFORE, AFTER = r"(?<![^\W_])", r"(?![^\W_])"

# A shorter name of a system is a word of any text.
LEAST_OF_A_NAME = 3
MASK = "[name]"
EXCERPT_AROUND = 40


class NamingPolicy(StrEnum):
    """What is done with responses that name a system or its maker."""

    FLAG = "flag"  # they are stored as they are, and listed
    MASK = "mask"  # the names are replaced
    EXCLUDE = "exclude"  # these rows are left out


def names_pattern(systems: Iterable[str] = ()) -> re.Pattern[str]:
    """What finds public names and those of the given systems in any letters, longer ones first."""
    return _pattern([*_own_names(systems), *PUBLIC_NAMES], PUBLIC_NAMES_AS_WRITTEN)


def _own_names(systems: Iterable[str]) -> list[str]:
    own = {name for name in systems if len(name.strip()) >= LEAST_OF_A_NAME}
    return [re.escape(name) for name in sorted(own, key=lambda name: (-len(name), name))]


def _pattern(in_any_letters: Iterable[str], as_they_are: Iterable[str]) -> re.Pattern[str]:
    found, as_written = "|".join(in_any_letters), "|".join(as_they_are)
    return re.compile(rf"{BEFORE}(?:(?i:{found})|{as_written}){AFTER}")


def maker_pattern(systems: Iterable[str]) -> re.Pattern[str]:
    """What finds public names, and as they are written those of systems that are no plain words.

    Nobody looks at what it finds: systems called "Short", "System A" or "100" would be found in any
    text, so that of a system's name both a letter and more than letters is asked.
    """
    own = _own_names(name for name in systems if not _is_plain(name))
    return _pattern(PUBLIC_NAMES, [*own, *PUBLIC_NAMES_AS_WRITTEN])


def _is_plain(name: str) -> bool:
    """Letters and spaces alone, or no letter at all."""
    signs = "".join(name.split())
    return signs.isalpha() or not any(sign.isalpha() for sign in signs)


def names_in(text: str, pattern: re.Pattern[str]) -> list[str]:
    """The names in a text, each once, in their order.

    Examples
    --------
    >>> names_in("I am ChatGPT by OpenAI.", names_pattern())
    ['ChatGPT', 'OpenAI']
    >>> names_in("Bardolino is a wine, and a llama is an animal.", names_pattern())
    []
    """
    return list(dict.fromkeys(match.group().rstrip("._-") for match in pattern.finditer(text)))


def around(text: str, name: str) -> str:
    """A name with the words around it, on one line."""
    place = max(text.find(name), 0)
    start, end = max(0, place - EXCERPT_AROUND), place + len(name) + EXCERPT_AROUND
    cut = " ".join(text[start:end].split())
    return f"{'…' if start else ''}{cut}{'…' if end < len(text) else ''}"


def chosen_pattern(names: Iterable[str]) -> re.Pattern[str] | None:
    """What finds just the names that somebody chose; None without any."""
    chosen = sorted({name for name in names if name}, key=lambda name: (-len(name), name))
    if not chosen:
        return None
    return re.compile(rf"{BEFORE}(?:{'|'.join(map(re.escape, chosen))}){AFTER}")


@dataclass(slots=True)
class Treatment:
    """What is done with rows that hold one of the names, and with how many it was done.

    Attributes
    ----------
    policy : NamingPolicy
    names : tuple of str
        Those that somebody chose.
    rows : int
        Rows that were masked, or left out, since `begin`.
    """

    policy: NamingPolicy
    names: tuple[str, ...]
    rows: int = 0

    @classmethod
    def of(cls, policy: NamingPolicy, names: Iterable[str]) -> Treatment | None:
        """None where rows are stored as they are."""
        chosen = tuple(sorted({name for name in names if name}))
        return cls(policy, chosen) if chosen and policy is not NamingPolicy.FLAG else None

    def begin(self) -> None:
        """A reading begins; each reads every row once more."""
        self.rows = 0

    def of_content(self, sha256: str) -> str:
        """What stands for a file together with the treatment: another one stores other texts."""
        stated = "\n".join([sha256, self.policy, *self.names])
        return hashlib.sha256(stated.encode("utf-8", "surrogatepass")).hexdigest()

    def as_logged(self) -> dict[str, Any]:
        """For the log, which is read while a study is sealed: how many names, and not which."""
        return {"policy": self.policy.value, "names": len(self.names), "rows": self.rows}

    def as_dict(self) -> dict[str, Any]:
        """For those who set the study up."""
        return {"policy": self.policy.value, "names": list(self.names), "rows": self.rows}

    def applied(self, form: RowFormat[Any]) -> RowFormat[Any]:
        """A form of rows whose responses are masked, or left out, where they have such a name."""
        chosen = chosen_pattern(self.names)
        assert chosen is not None  # noqa: S101  # see `of`

        def parse(fields: Fields) -> object:
            row = form.parse(fields)
            if not any(chosen.search(text) for text in texts_of(row)):
                return row
            self.rows += 1
            if self.policy is NamingPolicy.EXCLUDE:
                raise RowLeftOut
            return masked(row, chosen)

        return dataclasses.replace(form, parse=parse)


def texts_of(row: object) -> tuple[str, ...]:
    """The responses that a row brings."""
    if isinstance(row, ResponseRow):
        return (row.text,)
    if isinstance(row, ComparisonRow):
        return row.a.text, row.b.text
    return ()


def masked(row: object, pattern: re.Pattern[str]) -> object:
    if isinstance(row, ResponseRow):
        return dataclasses.replace(row, text=pattern.sub(MASK, row.text))
    if isinstance(row, ComparisonRow):
        return dataclasses.replace(
            row,
            a=dataclasses.replace(row.a, text=pattern.sub(MASK, row.a.text)),
            b=dataclasses.replace(row.b, text=pattern.sub(MASK, row.b.text)),
        )
    return row
