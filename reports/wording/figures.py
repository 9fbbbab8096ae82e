"""Every figure of a report: how it is made, what it takes for granted, where it is explained."""

from __future__ import annotations

from dataclasses import dataclass

ONE_NUMBER = "One number a system explains its wins and losses."
PROMPTS = "Prompts are independent; it speaks of these annotators."
BOTH = "Annotators and prompts are independent draws from those that one asks about."
ITEMS = "Prompts are independent; which response is called a is blind to the outcome."


@dataclass(frozen=True, slots=True)
class FigureMethod:
    """
    Attributes
    ----------
    name : str
        As people call the figure.
    method : str
    assumes : str
        In one line.
    anchor : str
        Of the statistics guide.
    """

    name: str
    method: str
    assumes: str
    anchor: str


# Place in the report's object → the figure. Keys that hold no figure are in NO_FIGURES.
FIGURES: dict[str, FigureMethod] = {
    "leaderboard/strength": FigureMethod(
        "Strength", "half-win Bradley-Terry, errors clustered by annotator and prompt",
        f"{ONE_NUMBER} {BOTH}", "strength",
    ),
    "leaderboard/rating": FigureMethod(
        "Rating", "strength, 400 points to odds of ten to one", f"{ONE_NUMBER} {BOTH}", "strength"
    ),
    "leaderboard/strength/simultaneous": FigureMethod(
        "Ratings together", "simultaneous interval by the largest t", f"{ONE_NUMBER} {BOTH}", "rank"
    ),
    "leaderboard/to_anchor": FigureMethod(
        "Distance to the anchor", "contrast of two strengths, with an error of its own",
        f"{ONE_NUMBER} {BOTH}", "anchor",
    ),
    "leaderboard/rank_low": FigureMethod(
        "Rank range", "step-down rank sets over all pairs of a group", f"{ONE_NUMBER} {BOTH}",
        "rank",
    ),
    "leaderboard/win_rate": FigureMethod(
        "Win rate", "Wilson interval on the effective number of votes",
        f"{BOTH} It depends on whom the system met.", "win-rate",
    ),
    "leaderboard/tie_rate": FigureMethod(
        "Ties and both bad", "shares of the counted votes", "None.", "rates"
    ),
    "head_to_head/win_rate_a": FigureMethod(
        "Win rate of a pair", "Wilson interval on the effective number of votes", BOTH,
        "pair-win-rate",
    ),
    "head_to_head/p_value": FigureMethod(
        "p", "sign-flip permutation test with prompts as units", PROMPTS, "p-value"
    ),
    "head_to_head/p_adjusted": FigureMethod(
        "p adjusted", "Holm's method over the pairs of a group", PROMPTS, "holm"
    ),
    "head_to_head/q_value": FigureMethod(
        "q", "Benjamini and Hochberg over the pairs of a group", PROMPTS, "q-value"
    ),
    "head_to_head/p_value_votes": FigureMethod(
        "p of votes", "exact sign test on decisive votes",
        "Every vote is independent, which is seldom so: for comparison with other programs.",
        "p-value",
    ),
    "head_to_head/p_value_two_way": FigureMethod(
        "p in general", "t test, errors clustered by annotator and prompt", BOTH, "p-value"
    ),
    "head_to_head/enough": FigureMethod(
        "Enough", "effective decisive votes against the plan's number",
        "Further votes are spread like those that are there.", "enough",
    ),
    "head_to_head/sequential": FigureMethod(
        "E-value and confidence sequence", "mixture of betting martingales, e-BH over pairs",
        "Approximate where votes share annotators and prompts: they are deflated for it.",
        "sequential",
    ),
    "against_one/rows": FigureMethod(
        "Several against one", "step-down max-statistic sign-flip test (Westfall and Young)",
        f"The one was named beforehand. {PROMPTS}", "against-one",
    ),
    "agreement/percent": FigureMethod(
        "Percent agreement", "equal pairs of votes over all pairs", "Prompts are independent.",
        "percent",
    ),
    "agreement/fleiss_kappa": FigureMethod(
        "Fleiss' kappa", "chance from the overall shares", ITEMS, "fleiss_kappa"
    ),
    "agreement/krippendorff_alpha": FigureMethod(
        "Krippendorff's alpha, nominal", "chance from pairs of all votes", ITEMS,
        "krippendorff_alpha",
    ),
    "agreement/krippendorff_alpha_ordinal": FigureMethod(
        "Krippendorff's alpha, ordinal", "the same, a tie lying between a and b", ITEMS,
        "krippendorff_alpha_ordinal",
    ),
    "agreement/gwet_ac1": FigureMethod(
        "Gwet's AC1", "chance on comparisons that are hard to tell", ITEMS, "gwet_ac1"
    ),
    "agreement/gwet_ac2": FigureMethod(
        "Gwet's AC2", "AC1 with partial credit for neighbours", ITEMS, "gwet_ac2"
    ),
    "agreement/conger_kappa": FigureMethod(
        "Conger's kappa", "chance from each annotator's shares", ITEMS, "conger_kappa"
    ),
    "agreement/brennan_prediger": FigureMethod(
        "Brennan-Prediger", "chance as if all answers were equally likely",
        "Prompts are independent.", "brennan_prediger",
    ),
    "agreement/cohen_kappa": FigureMethod(
        "Cohen's kappa", "pairs of annotators who share 20 comparisons",
        "Comparisons are independent.", "cohen_kappa",
    ),
    "agreement/split_half": FigureMethod(
        "Split-half reliability", "200 random halvings, ranked each",
        "Halves of the annotators are exchangeable.", "split_half",
    ),
    "side_bias/left_rate": FigureMethod(
        "Left share", "Wilson interval on the effective number of votes", BOTH, "sides"
    ),
    "side_bias/between_equals": FigureMethod(
        "Left share between equals", "Bradley-Terry with a term for the side",
        f"{ONE_NUMBER} {BOTH}", "sides",
    ),
    "side_bias/per_annotator": FigureMethod(
        "Left share of an annotator", "Wilson interval", "That person's votes are independent.",
        "sides",
    ),
    "boards/davidson": FigureMethod(
        "Ties modelled", "Davidson's model", f"Ties have one rate. {BOTH}", "boards"
    ),
    "boards/drop_ties": FigureMethod(
        "Without ties", "Bradley-Terry on decisive votes", f"Ties say nothing. {BOTH}", "boards"
    ),
    "boards/side_adjusted": FigureMethod(
        "Sides evened", "Bradley-Terry with a term for the side",
        f"The side helps every system alike. {BOTH}", "boards",
    ),
    "boards/weighted": FigureMethod(
        "By frequency", "Bradley-Terry weighted by prompts' frequency",
        f"The weights are those of production. {BOTH}", "boards",
    ),
    "boards/style_controlled": FigureMethod(
        "At equal style", "Bradley-Terry with length and Markdown as terms",
        f"Style acts alike for all systems. {BOTH}", "boards",
    ),
    "boards/graded": FigureMethod(
        "By grades", "cumulative link; Wilcoxon's test on margins per pair",
        f"All annotators mean the same by a grade. {BOTH}", "boards",
    ),
    "boards/by_design": FigureMethod(
        "By design", "Bradley-Terry weighted by inverse probability of the draw",
        f"The probabilities of the draws are as stored. {BOTH}", "boards",
    ),
    "boards/with_excluded": FigureMethod(
        "With excluded", "half-win Bradley-Terry on counted and excluded votes",
        f"The excluded votes are worth as much as the others. {BOTH}", "with-excluded",
    ),
    "sensitivity/drop_ties": FigureMethod(
        "Sensitivity, without ties", "conclusions compared with the first board", ONE_NUMBER,
        "sensitivity",
    ),
    "sensitivity/davidson": FigureMethod(
        "Sensitivity, Davidson", "conclusions compared with the first board", ONE_NUMBER,
        "sensitivity",
    ),
    "sensitivity/rao_kupper": FigureMethod(
        "Sensitivity, Rao and Kupper", "conclusions compared with the first board", ONE_NUMBER,
        "sensitivity",
    ),
    "sensitivity/with_excluded": FigureMethod(
        "Sensitivity, with excluded", "ranks and conclusions compared with the first board",
        ONE_NUMBER, "with-excluded",
    ),
    "fit/test": FigureMethod(
        "Goodness of fit", "Pearson's test of all pairs", "Votes are independent.", "fit"
    ),
    "fit/misfits": FigureMethod(
        "Pairs that do not fit", "clustered residuals, Holm's method", BOTH, "fit"
    ),
    "fit/cyclic_triads": FigureMethod(
        "Circles", "cyclic triads against studies drawn from the fit", "Votes are independent.",
        "fit",
    ),
    "slices/category": FigureMethod(
        "Categories", "strengths shrunk by a normal spread (Laplace)",
        f"Systems differ between slices alike. {BOTH}", "slices",
    ),
    "slices/tag": FigureMethod(
        "Tags", "strengths shrunk by a normal spread (Laplace)",
        f"Systems differ between slices alike. {BOTH}", "slices",
    ),
    "slices/profile": FigureMethod(
        "Answers about people", "strengths shrunk by a normal spread (Laplace)",
        f"Systems differ between slices alike. {BOTH}", "slices",
    ),
    "diagnostics/leave_one_annotator_out": FigureMethod(
        "Leave one annotator out", "refits without each annotator", ONE_NUMBER,
        "leave-one-annotator-out",
    ),
    "diagnostics/fewest_votes_that_change_the_winner": FigureMethod(
        "Fewest votes", "approximate maximum influence, refitted (AMIP)", ONE_NUMBER,
        "fewest-votes",
    ),
    "diagnostics/multiplier_bootstrap": FigureMethod(
        "Multiplier bootstrap", "clusters of one dimension reweighted at random",
        "Clusters of that dimension are independent draws; the other one stays as it is.",
        "multiplier-bootstrap",
    ),
    "diagnostics/annotator_reliability": FigureMethod(
        "Annotator reliability", "Crowd-BT, an e-value of agreement, and Dawid-Skene",
        "Most annotators try; unusual taste looks like carelessness.", "annotator-reliability",
    ),
    "adjudication/as_plurality": FigureMethod(
        "Decisions on disagreements", "share decided like the commonest answer",
        "None: only disputed comparisons are decided.", "adjudication",
    ),
    "alignment/agreement": FigureMethod(
        "Judge with votes", "share of votes, Wilson interval by prompt", "Prompts are independent.",
        "judge-agreement",
    ),
    "alignment/agreement_no_ties": FigureMethod(
        "Judge with votes, without ties", "the same where both prefer a side",
        "Prompts are independent.", "agreement_no_ties",
    ),
    "alignment/agreement_majority": FigureMethod(
        "Judge with the majority", "share of comparisons, Wilson interval by prompt",
        "Prompts are independent.", "agreement_majority",
    ),
    "alignment/cohen_kappa": FigureMethod(
        "Judge's kappa", "Cohen's kappa with the majority, bootstrap over prompts",
        "Prompts are independent.", "judge-kappa",
    ),
    "alignment/human_ceiling": FigureMethod(
        "Human ceiling", "equal pairs of votes on the judged comparisons",
        "Prompts are independent.", "human_ceiling",
    ),
    "alignment/constant_guess": FigureMethod(
        "Best constant answer", "share of votes with the commonest answer",
        "Prompts are independent.", "constant_guess",
    ),
    "alignment/position_consistency": FigureMethod(
        "Same in both orders", "share of comparisons; McNemar's exact test of the first place",
        "Prompts are independent.", "position_consistency",
    ),
    "alignment/alt_test": FigureMethod(
        "Stands in for a person", "alternative-annotator test, Benjamini-Yekutieli",
        "The judge may be as much worse as it is cheaper.", "alt_test",
    ),
    "alignment/corrected_win_rates": FigureMethod(
        "Corrected win rates", "Rogan-Gladen and PPI++",
        "Comparisons with votes are a random draw from those that were judged.",
        "corrected_win_rates",
    ),
    "alignment/standing": FigureMethod(
        "May the judge stand in", "alternative-annotator test, and faults that outweigh it",
        "The annotators are of the kind whose place the judge would take.", "standing",
    ),
    "alignment/confusion": FigureMethod(
        "Judge's errors", "counts of its verdicts by the majority and by votes", "None.",
        "confusion",
    ),
    "alignment/missing_share": FigureMethod(
        "Missing verdicts", "share of calls; Fisher's exact test by who wins",
        "Prompts are independent.", "missing_share",
    ),
    "alignment/drift": FigureMethod(
        "Drift", "difference of agreement, t interval by prompt",
        "The sample is a random draw from what the judge saw since.", "drift",
    ),
    "alignment/longer_wins": FigureMethod(
        "Longer response wins", "share beside the same of people, bootstrap over prompts",
        "Prompts are independent.", "longer_wins",
    ),
    "alignment/length_effect": FigureMethod(
        "Length effect", "logistic regression on votes and length, errors by prompt",
        "Votes stand for what people prefer; length acts alike throughout.", "length_effect",
    ),
    "alignment/bait_wins": FigureMethod(
        "Responses that speak to the judge", "mean score beside that of people",
        "The words that are looked for are meant for a judge.", "bait_wins",
    ),
    "alignment/maker_names": FigureMethod(
        "Responses that name a maker", "share of judged pairs, and agreement with and without them",
        "Names are found by a list of public ones and the systems' own.", "maker_names",
    ),
    "alignment/calibration": FigureMethod(
        "Calibration", "equal-mass bins, Brier score and AUROC, bootstrap over prompts",
        "To be right is to say what most people say.", "calibration",
    ),
    "alignment/stated_calibration": FigureMethod(
        "Calibration of stated confidence", "the same of the confidence that the judge states",
        "To be right is to say what most people say.", "calibration",
    ),
    "alignment/ranking": FigureMethod(
        "Ranking by the judge", "win rates of both on the same comparisons, joint bootstrap",
        "Prompts are independent.", "ranking",
    ),
    "alignment/controlled_win_rates": FigureMethod(
        "Judge's win rates at equal style", "Bradley-Terry with length and Markdown as terms",
        "Style acts alike for all systems. Prompts are independent.", "controlled_win_rates",
    ),
    "alignment/length_controlled_win_rates": FigureMethod(
        "Judge's win rates at equal length", "logistic model of length and of each prompt's "
        "difficulty, errors by prompt",
        "Difficulty is normal and moves each system by a slope of its own.",
        "length_controlled_win_rates",
    ),
    "alignment/disagreements": FigureMethod(
        "Disagreements", "comparisons by distance of the judge's score from the mean vote", "None.",
        "disagreements",
    ),
    "alignment/categories": FigureMethod(
        "Judge by category", "agreement, ceiling and guess on each category's comparisons",
        "Prompts are independent.", "judge-categories",
    ),
    "alignment/criteria": FigureMethod(
        "Judge by criterion", "agreement, and kappa with quadratic weights",
        "The steps of the scale are equally far apart.", "judge-criteria",
    ),
    "alignment/self_preference": FigureMethod(
        "Self-preference", "win rate beyond what other judges give, bootstrap over prompts",
        "Other families' judges favour nobody; families are told by names.", "self_preference",
    ),
    "panels/agreement": FigureMethod(
        "Panel of judges", "mean score of the judges, agreement with votes",
        "Prompts are independent.", "panels",
    ),
    "panels/plurality": FigureMethod(
        "Panel by votes", "more than half of the judges, agreement with votes",
        "Prompts are independent.", "panels",
    ),
    "panels/gain": FigureMethod(
        "Panel gain", "difference from the best judge on the same votes, bootstrap over prompts",
        "The best is chosen on the same votes, which holds the gain down.", "panels",
    ),
    "panels/effective_judges": FigureMethod(
        "Effective judges", "from the mean correlation of the judges' errors",
        "Votes stand for what people prefer.", "panels",
    ),
    "panels/weighted": FigureMethod(
        "Weighted panel", "the same with kappa for weights, fitted on other prompts",
        "A judge is as good on some prompts as on the others.", "panels",
    ),
    "panels/spread": FigureMethod(
        "Spread of a panel", "standard deviation of the judges' scores on a comparison", "None.",
        "panels",
    ),
    "panels/spread_templates": FigureMethod(
        "Spread between instructions", "the same between the instructions of one model", "None.",
        "panels",
    ),
    "panels/spread_models": FigureMethod(
        "Spread between models", "the same between the models of one instruction", "None.",
        "panels",
    ),
    "judge_pairs/difference": FigureMethod(
        "Which judge is closer", "difference on the same votes, sign-flip test, Holm's method",
        PROMPTS, "judge-pairs",
    ),
}  # fmt: skip

# What a report holds beside figures: names, counts, settings, and parts of a figure above.
NO_FIGURES = frozenset(
    {
        "study", "title", "notice", "study_version", "seed", "input_sha256", "version", "settings",
        "warnings", "counts", "verdicts",
        # What ratings are measured from.
        "anchor/system", "anchor/rating", "anchor/component", "anchor/reason",
        # The same figures again, for each criterion.
        "criteria",
        "leaderboard/system", "leaderboard/component", "leaderboard/rank", "leaderboard/rank_high",
        "leaderboard/votes", "leaderboard/both_bad_rate",
        "head_to_head/system_a", "head_to_head/system_b", "head_to_head/component",
        "head_to_head/comparisons", "head_to_head/n", "head_to_head/wins_a", "head_to_head/wins_b",
        "head_to_head/ties", "head_to_head/both_bad", "head_to_head/p_method",
        "head_to_head/family", "head_to_head/target", "head_to_head/target_reached",
        "head_to_head/effective_decisive", "head_to_head/needed", "head_to_head/votes_needed",
        "head_to_head/warnings",
        "against_one/anchor", "against_one/reason",
        "agreement/categories",
        "fit/reason", "fit/pairs_tested", "fit/n_misfits",
        "adjudication/cases", "adjudication/decided", "adjudication/with_plurality",
        "alignment/judge", "alignment/judge_version", "alignment/inconsistent", "alignment/n",
        "alignment/asked", "alignment/parsed", "alignment/half", "alignment/missing",
        "alignment/warnings", "alignment/model", "alignment/n_disagreements", "alignment/sample",
        "panels/panel", "panels/judges", "panels/best", "panels/n",
        "judge_pairs/judge_1", "judge_pairs/judge_version_1", "judge_pairs/judge_2",
        "judge_pairs/judge_version_2", "judge_pairs/comparisons", "judge_pairs/p_value",
        "judge_pairs/p_method", "judge_pairs/p_adjusted", "judge_pairs/family",
    }
)  # fmt: skip
