"""How far to trust a judge, in sentences: the answer, why, and what would change it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .judges import judge_name
from .numbers import counted, named_list, percent

Entry = Mapping[str, Any]

PROVISIONAL = 100
FEWEST = 30
RATERS = 3


@dataclass(frozen=True, slots=True)
class TrustInWords:
    """
    Attributes
    ----------
    answer : str
        In one or two words, for a table.
    tone : str
        `ok`, `warning`, `error` or `info`.
    sentence : str
        May it stand in for a person here, why, and every fault that was found.
    scope : str
        For what; empty where nothing is to be said.
    change : str
        What would change the answer.
    """

    answer: str
    tone: str
    sentence: str
    scope: str
    change: str


ANSWERS = {
    "stands_in": ("may stand in", "ok"),
    "does_not": ("does not stand in", "error"),
    "not_decided": ("not decided", "warning"),
    "too_few": ("too little known", "info"),
}


def trust_in_words(entry: Entry, entries: Sequence[Entry]) -> TrustInWords:
    """Everything that is said of one judge version at the head of its page."""
    name, standing = judge_name(entry, entries), entry["standing"]
    answer = standing["answer"]
    reasons = [code for code in standing["findings"] if code in DECIDING[answer]]
    rest = [code for code in standing["findings"] if code not in reasons and code not in UNSAID]
    short, tone = ANSWERS[answer]
    return TrustInWords(
        short,
        tone,
        _sentence(answer, name, entry, reasons, [FINDINGS[code](entry) for code in rest]),
        _scope(answer, standing),
        _change(answer, entry, reasons),
    )


def _sentence(
    answer: str, name: str, entry: Entry, reasons: Sequence[str], rest: Sequence[str]
) -> str:
    so_far = f" So far it {named_list(rest)}." if rest else ""
    if answer == "too_few":
        return (
            f"Too little is known of {name}: people voted on {counted(entry['n'], 'comparison')} "
            f"that it judged, and figures begin at {FEWEST}.{so_far}"
        )
    if answer == "stands_in":
        but = f", but it {named_list(rest)}" if rest else ""
        return (
            f"{name} may stand in for one of these annotators: it agrees with the others as well "
            f"as a person does{but}. {_agreement(entry)}"
        )
    if answer == "does_not":
        why = named_list([*(FINDINGS[code](entry) for code in reasons), *rest])
        return f"{name} does not stand in for a person here: it {why}. {_agreement(entry)}"
    raters = entry["standing"]["more_raters"]
    lacking = []
    if "few_raters" in reasons:
        lacking.append(f"fewer than {RATERS} annotators voted on what it judged")
    if "few_labelled" in reasons:
        if entry["n"] < PROVISIONAL:
            lacking.append(
                f"people voted on {counted(entry['n'], 'comparison')} that it judged, and a "
                f"verdict takes {PROVISIONAL}"
            )
        elif not raters:
            lacking.append("it keeps within the margin so far, on too few comparisons to be sure")
    why = named_list(lacking) or "no annotator shares enough comparisons with another"
    return (
        f"Whether {name} may stand in for a person here is not decided: {why}.{so_far} "
        f"{_agreement(entry)}"
    )


def _agreement(entry: Entry) -> str:
    said, ceiling = entry["agreement"]["estimate"], entry["human_ceiling"]["estimate"]
    guess = entry["constant_guess"]["estimate"]
    if said is None:
        return ""
    beside = []
    if ceiling is not None:
        beside.append(f"two people agree in {percent(ceiling)}")
    if guess is not None:
        beside.append(f"always giving one answer would reach {percent(guess)}")
    return f"It agrees with {percent(said)} of the votes; {named_list(beside)}." if beside else (
        f"It agrees with {percent(said)} of the votes."
    )  # fmt: skip


def _scope(answer: str, standing: Mapping[str, Any]) -> str:
    weak, strong = standing["weak_categories"], standing["strong_categories"]
    if not weak:
        return ""
    below = f"It falls short of people in {named_list([f'“{name}”' for name in weak])}"
    if strong and answer == "stands_in":
        return f"{below}; take it for {named_list([f'“{name}”' for name in strong])} alone."
    return f"{below}."


def _change(answer: str, entry: Entry, reasons: Sequence[str]) -> str:
    standing, tested = entry["standing"], entry["alt_test"]
    more, raters = standing["more_comparisons"], standing["more_raters"]
    if answer in ("too_few", "not_decided"):
        wanted = []
        if more:
            # More comparisons in all below the gate, an annotator's share above it.
            each = "" if entry["n"] < PROVISIONAL else " for each annotator"
            wanted.append(f"votes on about {counted(more, 'judged comparison')}{each}")
            if entry["n"] < PROVISIONAL:
                wanted[-1] = f"votes on {counted(more, 'further judged comparison')}"
        if raters:
            wanted.append(f"{counted(raters, 'further annotator')} on what it judged")
        if not wanted:
            return "More annotators on the same comparisons would decide it."
        return f"What would decide it: {named_list(wanted)}."
    if answer == "stands_in":
        return (
            "It holds for this version, for such prompts and for annotators of this kind; a new "
            "version, other prompts or a sample on which it agrees less would change it."
        )
    needed = tested.get("epsilon_needed")
    if list(reasons) == ["falls_short"] and needed is not None:
        return (
            f"It would pass if it were granted a margin of {round(100 * needed)} points instead "
            f"of {round(100 * tested['epsilon'])}, or in a version that agrees more often. More "
            "votes would not change it."
        )
    return "A version without that fault could pass; more votes would not change it."


def _shares(entry: Entry, figure: str) -> tuple[str, str]:
    found = entry[figure]
    return percent(found["judge" if "judge" in found else "estimate"]), percent(found["humans"])


def _silent(entry: Entry) -> str:
    rows = {row["verdict"]: row for row in entry["missing_share"]["by_majority"]}
    said = [
        f"{percent(rows[side]['missing'] / rows[side]['n'])} where {side} wins"
        for side in ("a", "b")
        if side in rows
    ]
    return f"gives no verdict more often where one side wins ({named_list(said)})"


def _longer(entry: Entry) -> str:
    judge, humans = _shares(entry, "longer_wins")
    return f"prefers the longer response ({judge} of decided pairs, people {humans})"


def _obeys(entry: Entry) -> str:
    judge, humans = _shares(entry, "bait_wins")
    return (
        f"gives in to responses that tell it what to say (they score {judge}, by people {humans})"
    )


def _place(first: bool) -> Callable[[Entry], str]:
    def said(entry: Entry) -> str:
        found = entry["position_consistency"]
        both = found["first_both" if first else "second_both"]
        return (
            f"prefers the response shown {'first' if first else 'second'} ({both} of "
            f"{found['n']} pairs go to it in both orders)"
        )

    return said


def _leans(side: str, other: str) -> Callable[[Entry], str]:
    def said(entry: Entry) -> str:
        errors = entry["standing"]["errors"]
        return (
            f"errs towards {side} (it takes {other} for {side} in "
            f"{percent(errors[f'{side}_for_{other}'])}, {side} for {other} in "
            f"{percent(errors[f'{other}_for_{side}'])})"
        )

    return said


FINDINGS: dict[str, Callable[[Entry], str]] = {
    "falls_short": lambda entry: "falls short of what an annotator reaches",
    "no_better_than_constant": lambda entry: "does worse than always giving one answer",
    "missing_by_outcome": _silent,
    "much_missing": lambda entry: (
        f"gives no verdict in {percent(entry['missing_share']['estimate'])} of its calls"
    ),
    "obeys_responses": _obeys,
    "prefers_longer": _longer,
    "prefers_first": _place(True),
    "prefers_second": _place(False),
    "leans_to_a": _leans("a", "b"),
    "leans_to_b": _leans("b", "a"),
    "drifted": lambda entry: (
        f"agrees less than it did ({percent(entry['drift']['since'])} on the newest sample, "
        f"{percent(entry['drift']['before'])} before)"
    ),
    "one_order": lambda entry: "was asked in one order only, so that its bias of place is unknown",
}

# Said in the sentence where they decide.
DECIDING: dict[str, frozenset[str]] = {
    "stands_in": frozenset(),
    "does_not": frozenset(
        {"falls_short", "no_better_than_constant", "missing_by_outcome", "obeys_responses",
         "drifted"}
    ),
    "not_decided": frozenset({"few_labelled", "few_raters"}),
    "too_few": frozenset({"few_labelled"}),
}  # fmt: skip
UNSAID = frozenset({"few_labelled", "few_raters"})
