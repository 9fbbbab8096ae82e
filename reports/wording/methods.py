"""What a method does, in a line."""

from __future__ import annotations

RANKING = {
    "bt_half": (
        "Bradley-Terry strengths, a tie being half a win for each side; no prior, no anchor"
    ),
    "bt_drop": "Bradley-Terry strengths of decisive votes alone",
    "bt_ridge": (
        "Bradley-Terry strengths drawn together by a normal prior, since the votes alone would "
        "put them infinitely far apart"
    ),
    "bt_side": "Bradley-Terry strengths with a term for the side on which a response was shown",
    "bt_davidson": (
        "Davidson's strengths: ties have a rate of their own, and the strengths speak of the odds "
        "of winning"
    ),
    "bt_rao_kupper": "Rao and Kupper's strengths: a tie where the difference is too small to tell",
    "bt_graded": "strengths from graded votes by a cumulative link",
    "bt_style": "Bradley-Terry strengths at equal length and Markdown",
}
VARIATION = {
    "two_way": "the interval allows for other annotators and other prompts",
    "annotator": "the interval allows for other annotators, not for other prompts",
    "prompt": "the interval allows for other prompts, not for other annotators",
    "iid": "the interval takes every vote for independent, since nothing else can be told apart",
    "ridge": "the interval is drawn together with the strengths",
}
SHARES = {
    "agreement_with_votes": "share of votes that say what the judge says",
    "agreement_no_ties": "the same share, where both the judge and the vote prefer a side",
    "agreement_with_majority": "share of comparisons on which the judge says what most people say",
    "constant_guess": "what always giving the commonest answer would score",
    "position_consistency": "share of comparisons with the same verdict in both orders",
}
COEFFICIENTS = {
    "percent_pooled_ratio": "equal pairs of votes over all pairs of votes on a comparison",
    "percent_item_mean": "the share of equal pairs, averaged over comparisons",
    "fleiss_classical": "on the comparisons with the commonest number of votes",
    "fleiss_generalised": "on all comparisons with at least two votes",
    "krippendorff_nominal": "a, tie and b as categories without order",
    "krippendorff_ordinal": "a, tie, b as steps of a scale",
    "gwet_ac1": "chance agreement that does not break down when one answer is common",
    "gwet_ac2": "the same with partial credit for neighbouring answers",
    "conger": "chance agreement from each annotator's own habits",
    "brennan_prediger": "chance agreement as if all answers were equally likely",
    "cohen_kappa_weighted": "for two raters, with partial credit for neighbouring answers",
    "cohen_kappa": "for two raters, chance agreement from each one's own habits",
    "split_half": "200 random halvings of the votes: do both halves rank the systems alike?",
    "alt_test": (
        "share of annotators whom the judge could stand in for (alternative-annotator test)"
    ),
}
OTHER = {
    "bt_slices_shrunk": (
        "strengths within a slice, drawn towards the whole as far as the votes demand"
    ),
    "bt_slices_laplace_grid": (
        "spread of strengths between slices, where the approximate marginal likelihood is largest"
    ),
    "wilcoxon_exact": (
        "Wilcoxon's signed-rank test on margins with prompts as units, exact distribution"
    ),
    "wilcoxon_asymptotic": (
        "Wilcoxon's signed-rank test on margins with prompts as units, normal approximation"
    ),
    "chi_squared": "Pearson's test of fit, votes taken for independent",
    "simulated": "Pearson's test of fit against studies drawn from the fit, as cells are small",
    "wilson": (
        "Wilson interval on the number of independent votes that these are worth, ties being "
        "half a win"
    ),
    "confidence_sequence": (
        "confidence sequence: valid at every look, also where the votes decided when to stop"
    ),
    "missing_share": "share of calls without a verdict",
    "agreement_drift": "agreement on a new random sample, less that before",
    "longer_wins": "share of comparisons that the judge gives to the longer response",
    "length_effect": "slope of length in a logistic regression that knows the votes",
    "length_and_prompt": (
        "win rate at equal length by a logistic model of length and of each prompt's difficulty"
    ),
    "length": "win rate at equal length by a logistic model of length alone",
    "maker_named": "share of judged comparisons in which a response names a maker",
    "bait_wins": "score of responses that tell a judge what to say",
    "self_preference": "what the judge adds to a system of its family beyond other judges",
    "score_error": "distance of score and accuracy over bins of equal mass",
    "score_brier": "squared distance of score and being right",
    "score_auroc": "chance that the surer of a right and a wrong answer is right",
    "score_mapped_brier": "the same after a map that was fitted on other prompts",
    "stated_error": "distance of stated confidence and accuracy over bins of equal mass",
    "stated_brier": "squared distance of stated confidence and being right",
    "stated_auroc": "chance that the surer of a right and a wrong answer is right",
    "stated_mapped_brier": "the same after a map that was fitted on other prompts",
    "ranking_spearman": "rank correlation of the win rates by judge and by people",
    "ranking_kendall": "Kendall's tau-b of the win rates by judge and by people",
    "win_rate_gap": "mean distance of the win rates by judge and by people",
    "separability_judge": "share of pairs of systems that the judge's intervals keep apart",
    "separability_humans": "share of pairs of systems that people's intervals keep apart",
    "same_conclusions": "agreement on the pairs of systems that people keep apart",
    "forecast": "squared distance of the judge's forecast and what people say of a pair",
    "panel_agreement": "share of votes that say what the averaged judges say",
    "panel_plurality": "share of votes that say what more than half of the judges say",
    "panel_weighted": (
        "share of votes that say what the judges say on average, each weighing as much as it "
        "agrees with people on other prompts"
    ),
    "panel_gain": "agreement of the panel less that of its best judge",
    "effective_judges": "independent judges that the panel is worth",
    "rogan_gladen": "win rate corrected by the judge's known errors",
    "bt_powered": "Bradley-Terry strength by human votes, sharpened by the judge's",
    "ppi_plus_plus": "human votes, sharpened by the judge's",
    "multiplier_normal": (
        "Strengths under normal weights of whole clusters, one dimension at a time"
    ),
    "multiplier_webb": (
        "Strengths under Webb's six-point weights of whole clusters, one dimension at a time"
    ),
    "sign_flip_exact": (
        "exact sign-flip test with prompts as units, which speaks of these annotators"
    ),
    "sign_flip_draws": (
        "sign-flip test with prompts as units by random draws, which speaks of these annotators"
    ),
    "sign_flip_max": (
        "sign-flip test of the largest statistic over all opponents of one system, step by step, "
        "which speaks of these annotators"
    ),
    "agreement_difference": ("difference of two judges' shares on the same votes"),
    "sign_flip_saddlepoint": (
        "sign-flip test with prompts as units, by a saddlepoint value in the far tail, which "
        "speaks of these annotators"
    ),
}
# The longest name first, so that `cohen_kappa_weighted` is not taken for `cohen_kappa`.
KNOWN = sorted(
    {**RANKING, **SHARES, **COEFFICIENTS, **OTHER}.items(), key=lambda entry: -len(entry[0])
)


def explain(method: str) -> str:
    """One line on a method's name; an unknown name stands for itself."""
    for name, words in KNOWN:
        if method == name or method.startswith(name + "_"):
            rest = method[len(name) :]
            variation = variation_of(rest) if name in RANKING or name == "wilson" else ""
            if rest.endswith("by_prompt"):
                variation = "what is said on one prompt is taken together"
            if rest.endswith("by_score"):
                variation = (
                    "interval of two shares by Newcombe's method, as all prompts of each are alike"
                )
            if "bootstrap" in rest:
                variation = "interval by resampling prompts"
            return f"{words}; {variation}" if variation else words
    return method


def variation_of(rest: str) -> str:
    """The clause on what an interval allows for, from the tail of a method's name."""
    for name, words in VARIATION.items():
        if rest.startswith("_" + name):
            return words
    return ""


TIES = {
    "half": "A tie counts as half a win for each side.",
    "drop": "Ties are left out.",
    "davidson": "Ties have a parameter of their own (Davidson).",
    "rao_kupper": "Ties have a parameter of their own (Rao and Kupper).",
}
BOTH_BAD = {
    "tie": "“Both bad” counts as a tie in scores, and has a rate of its own beside the tie rate.",
    "drop": "“Both bad” is left out.",
    "category": "“Both bad” is an answer of its own.",
}
MULTIPLICITY = {
    "holm": (
        "p-values of pairs are adjusted by Holm's method for the number of pairs that have votes "
        "in one group."
    ),
}
