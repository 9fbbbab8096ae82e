"""A few pairs of what files would bring, drawn at random in one reading. Pure.

Drawn are the prompts with the smallest digests, and of each the two systems with the smallest
digests together with it: whether one is among them is known at its first row, so that no file is
read for it twice, and no system is shown for its place in the files alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from annotation.importing.digests import key_of
from annotation.importing.formats import ComparisonRow, ResponseRow

SAMPLED_PROMPTS = 3
# Enough to see how texts look; a preview is no place to read them.
LONGEST_SHOWN = 2_000
CUT = "…"


@dataclass(slots=True)
class _Drawn:
    """A prompt that was drawn, and the first response of each of two systems, by their digests."""

    prompt: str
    responses: dict[bytes, tuple[str, str]] = field(default_factory=dict)

    def see(self, key: bytes, system: str, text: str) -> None:
        if key in self.responses:
            return
        self.responses[key] = (system, text)
        if len(self.responses) > len(("left", "right")):
            del self.responses[max(self.responses)]


class Sample:
    """Pairs of the prompts that were drawn so far."""

    def __init__(self) -> None:
        self._drawn: dict[bytes, _Drawn] = {}

    def see(self, row: object) -> None:
        """Take the responses of a row whose prompt is drawn."""
        if isinstance(row, ResponseRow):
            self._take(row, [(row.system, row.text)])
        elif isinstance(row, ComparisonRow) and row.a.system != row.b.system:
            self._take(row, [(row.a.system, row.a.text), (row.b.system, row.b.text)])

    def _take(self, row: ResponseRow | ComparisonRow, given: list[tuple[str, str]]) -> None:
        key = key_of(row.prompt.prompt_id)
        drawn = self._drawn.get(key)
        if drawn is None:
            if len(self._drawn) >= SAMPLED_PROMPTS:
                last = max(self._drawn)
                if key > last:
                    return
                del self._drawn[last]
            drawn = self._drawn[key] = _Drawn(cut(prompt_in(row)))
        for system, text in given:
            drawn.see(key_of(row.prompt.prompt_id, system), system, cut(text))

    def pairs(self) -> list[dict[str, Any]]:
        """As JSON has them: the prompt, and two responses with their systems; none of one alone."""
        return [
            {
                "prompt": drawn.prompt,
                "responses": [list(entry) for _, entry in sorted(drawn.responses.items())],
            }
            for _, drawn in sorted(self._drawn.items())
            if len(drawn.responses) > 1
        ]


def prompt_in(row: ResponseRow | ComparisonRow) -> str:
    """The text of a prompt; a conversation turn by turn."""
    if row.prompt.messages is not None:
        return "\n\n".join(f"{turn['role']}: {turn['content']}" for turn in row.prompt.messages)
    return row.prompt.text or ""


def cut(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + CUT
