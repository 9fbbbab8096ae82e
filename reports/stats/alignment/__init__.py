"""How far a judge can be trusted against people: :func:`alignment`, :func:`judge_pairs`."""

from reports.stats.alignment.between_judges import JudgePair, judge_pairs
from reports.stats.alignment.judgments import MISSING, Comparisons, Judgments, Order
from reports.stats.alignment.report import Alignment, alignment

__all__ = [
    "MISSING",
    "Alignment",
    "Comparisons",
    "JudgePair",
    "Judgments",
    "Order",
    "alignment",
    "judge_pairs",
]
