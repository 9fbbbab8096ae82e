"""What the explanations of training pairs say to annotators, and should not.

An explanation is one text for everybody, while the sides are drawn for each annotator: one that
speaks of the first response tells half of them the opposite. English only; it warns and refuses
nothing, since a word can mean something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from annotation import quality
from annotation.models import Comparison, ComparisonKind, Study, System

# What somebody may call one of the two.
CARD = r"(?:response|answer|reply|text|output|option|candidate|one|side|card|column)"
VERB = r"(?:is|was|has|does|gives|says|states|names|gets|makes|follows|misses|invents|ignores|wins)"
SIDES = (
    rf"(?:first|second|1st|2nd|left(?:-hand)?|right-hand|upper|lower|top|bottom) {CARD}",
    # "The right answer" is the correct one.
    r"right (?:response|side|card|column)",
    r"(?:on|to) the (?:left|right)(?:-hand side)?",
    rf"the (?:first|second|left|right) {VERB}",
    r"(?:response|reply|option|candidate) (?:[12]|one|two)",
    # The canonical order, which annotators never see. Small letters would be articles.
    rf"(?-i:(?:[Rr]esponse|[Aa]nswer|[Rr]eply|[Oo]ption) [AB]|[AB] {VERB})",
    r"response_[ab]",
)
SIDE = re.compile(rf"\b(?:{'|'.join(SIDES)})\b", re.IGNORECASE)

# Shorter names of systems are words of any text.
LEAST_OF_A_NAME = 3


def side_named_in(text: str) -> str | None:
    """The words of a text that name one of two responses by its place; None if none do.

    Examples
    --------
    >>> side_named_in("The **first response** names the year.")
    'first response'
    >>> side_named_in("The right answer is 42, and only one response has it.")
    """
    # Marks of Markdown stand around words, an underscore of a name within one.
    plain = " ".join(re.sub(r"(?<!\w)[*_`]+|[*_`]+(?!\w)", "", text).split())
    found = SIDE.search(plain)
    return None if found is None else found.group()


def warnings_of_explanations(study: Study) -> Iterator[str]:
    """What annotators would read after a training pair and should not, or would miss.

    Names no system. Nothing is said of pairs that nobody will be shown.
    """
    if not quality.needs_training(study):
        return
    names = System.objects.filter(study=study).values_list("name", flat=True)
    systems = [name for name in names if len(name) >= LEAST_OF_A_NAME]
    pairs = Comparison.objects.filter(study=study, kind=ComparisonKind.TRAINING)
    for item_id, text in pairs.order_by("item_id").values_list("item_id", "explanation"):
        if not text.strip():
            yield (
                f"{item_id}: it is a training pair without an explanation. Annotators read what "
                "was expected and not why; import it with `explanation`."
            )
            continue
        if side := side_named_in(text):
            yield (
                f"{item_id}: its explanation says {side!r}, but sides are drawn for each "
                "annotator. Say what the better response does instead."
            )
        if any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.I) for name in systems):
            yield (
                f"{item_id}: its explanation has the name of a system, which annotators must not "
                "learn. Leave it out."
            )
