"""What a warning code means to a researcher: what is so, and what to make of it."""

from __future__ import annotations

from reports.stats.results import WarningCode

SENTENCES: dict[str, str] = {
    WarningCode.DISCONNECTED: (
        "Some systems were never compared with each other, not even by way of others, so each "
        "group has a ranking of its own. Ratings of different groups cannot be compared."
    ),
    WarningCode.SEPARATED: (
        "A system, or a group of them, won or lost everything against the rest, by the votes or by "
        "a judge. How far apart they are cannot be known from that; the figures are drawn together "
        "to stay finite."
    ),
    WarningCode.FEW_ANNOTATORS: (
        "Fewer than five annotators did most of the work. The intervals allow for other "
        "annotators judging otherwise, and are wide for that reason: more people narrow them, "
        "more votes by the same people hardly do."
    ),
    WarningCode.FEW_PROMPTS: (
        "The votes are on few prompts. The intervals allow for other prompts turning out "
        "otherwise, and are wide for that reason."
    ),
    WarningCode.SINGLE_ANNOTATOR: (
        "One annotator gave all the votes. The figures speak of this person only."
    ),
    WarningCode.NOT_PSD: (
        "The two sources of variation, annotators and prompts, could not be added up; the larger "
        "of the two was taken."
    ),
    WarningCode.NOT_CONVERGED: (
        "The computation stopped before it had settled. Do not use this figure."
    ),
    WarningCode.SPARSE_CELLS: (
        "Some combinations have very few votes, so that this figure is rough."
    ),
    WarningCode.TIES_DROPPED: "Ties were left out of this figure.",
    WarningCode.BOTH_BAD_FOLDED: (
        "Votes that both responses are bad count as ties here: half a win for each."
    ),
    WarningCode.ORIENTATION_SENSITIVE: (
        "The value depends on which response is called a and which b. The order used here is "
        "blind to the outcome, but a reader should not lean on the second decimal."
    ),
    WarningCode.DEGENERATE_SCALE: (
        "All the votes or judgments are alike, or too few are left, so that chance agreement or "
        "variation cannot be worked out."
    ),
    WarningCode.SEQUENTIAL_LOOK: (
        "Results are open while votes still come in. A p-value read at a moment of one's own "
        "choosing is too small: wait for the planned number of votes before deciding."
    ),
    WarningCode.ONE_ORDER: (
        "The responses were only ever shown in one order, or the order is not known, so an "
        "effect of position cannot be told from a preference."
    ),
    WarningCode.NO_VOTES: "There are no votes for this figure.",
    WarningCode.TOO_FEW_PROMPTS: (
        "There are too few prompts for this test: even if every vote went the same way it could "
        "not decide. More prompts are needed, not more votes."
    ),
    WarningCode.P_VALUES_DIFFER: (
        "For these annotators the difference counts as found, for annotators in general it does "
        "not, or the other way round. More annotators would settle it."
    ),
    WarningCode.NOT_RANDOM_SAMPLE: (
        "The comparisons that people voted on are not a random draw from those the judge saw, so "
        "that a correction of the judge's figures would rest on sand."
    ),
    WarningCode.PARTIAL_SAMPLE: (
        "Voting ended before the whole random sample had its votes. The part that came back stands "
        "for all of it, which is right only if chance decided which part that was."
    ),
    WarningCode.POOLED: "Votes of the study that this one continues are counted as well.",
    WarningCode.VERSIONS_POOLED: (
        "The study was changed while votes came in, and votes of several versions are counted "
        "together. What changed, and why, is in the log."
    ),
    WarningCode.ADAPTIVE_SAMPLING: (
        "Pairs whose order was open were drawn oftener than others (policy adaptive). A system's "
        "overall win rate leans to the opponents it met most; the board by design beside the first "
        "undoes that."
    ),
    WarningCode.STOPPED_EARLY: (
        "Voting ended early on this pair, by the rule fixed before the study opened. Its interval, "
        "if it has one, is the confidence sequence, which stays valid however often the votes were "
        "looked at; a p-value does not, so there is none. The win rate itself leans a little "
        "outwards, since voting ended when the difference looked large. A stop is final: where "
        "votes excluded since leave the pair undecided, it is not opened again."
    ),
    WarningCode.ON_REQUEST: (
        "With so many votes this takes longer than the rest of the report, and is made only for "
        "those who ask: analyze --diagnostics."
    ),
    WarningCode.ONE_JUDGE: (
        "There is no judge of another family to compare with, so that a judge which exaggerates "
        "every difference cannot be told from one that favours its own."
    ),
    WarningCode.ANCHOR_NOT_USED: (
        "The system that ratings were to be measured from has no votes here, or is in a group "
        "whose distances cannot be known. The mean rating of each group is 1,000, as without an "
        "anchor."
    ),
}

# One or two words, for a table's cell.
SHORT: dict[str, str] = {
    WarningCode.DISCONNECTED: "separate groups",
    WarningCode.SEPARATED: "won or lost everything",
    WarningCode.FEW_ANNOTATORS: "few annotators",
    WarningCode.FEW_PROMPTS: "few prompts",
    WarningCode.SINGLE_ANNOTATOR: "one annotator",
    WarningCode.NOT_PSD: "one source of variation",
    WarningCode.NOT_CONVERGED: "did not settle",
    WarningCode.SPARSE_CELLS: "sparse",
    WarningCode.TIES_DROPPED: "ties left out",
    WarningCode.BOTH_BAD_FOLDED: "both bad as tie",
    WarningCode.ORIENTATION_SENSITIVE: "depends on orientation",
    WarningCode.DEGENERATE_SCALE: "no variation",
    WarningCode.SEQUENTIAL_LOOK: "looked early",
    WarningCode.ONE_ORDER: "one order only",
    WarningCode.NO_VOTES: "no votes",
    WarningCode.TOO_FEW_PROMPTS: "too few prompts",
    WarningCode.P_VALUES_DIFFER: "tests differ",
    WarningCode.NOT_RANDOM_SAMPLE: "not a random sample",
    WarningCode.PARTIAL_SAMPLE: "part of a sample",
    WarningCode.POOLED: "pooled votes",
    WarningCode.VERSIONS_POOLED: "several versions",
    WarningCode.ADAPTIVE_SAMPLING: "drawn adaptively",
    WarningCode.STOPPED_EARLY: "stopped early",
    WarningCode.ON_REQUEST: "on request",
    WarningCode.ONE_JUDGE: "one judge only",
    WarningCode.ANCHOR_NOT_USED: "anchor not used",
}


def sentence(code: str) -> str:
    """The code in words; a code of a newer version stands for itself."""
    return SENTENCES.get(code, f"Warning {code}.")


def short(code: str) -> str:
    return SHORT.get(code, code)


def why_undefined(reason: str | None, codes: tuple[str, ...]) -> str:
    """`undefined: …` for an empty cell: the reason given, or else what the warnings say."""
    if reason and WarningCode.ON_REQUEST in codes:
        return f"not made: {reason}"
    said = reason or (short(codes[0]) if codes else "no reason was recorded")
    return f"undefined: {said}"
