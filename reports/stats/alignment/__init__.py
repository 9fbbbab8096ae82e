"""How far a judge can be trusted against people: :func:`alignment`, :func:`judge_pairs`."""

from reports.stats.alignment.between_judges import JudgePair, judge_pairs
from reports.stats.alignment.criteria import CriterionAlignment, criterion_alignment
from reports.stats.alignment.given import Drawn, Texts
from reports.stats.alignment.judgments import MISSING, Comparisons, Judgments, Order, reconcile
from reports.stats.alignment.panel import Make, Panel, panel
from reports.stats.alignment.report import Alignment, alignment
from reports.stats.alignment.self_preference import self_preference
from reports.stats.alignment.standing import Answer, Finding

__all__ = [
    "MISSING",
    "Alignment",
    "Answer",
    "Comparisons",
    "CriterionAlignment",
    "Drawn",
    "Finding",
    "JudgePair",
    "Judgments",
    "Make",
    "Order",
    "Panel",
    "Texts",
    "alignment",
    "criterion_alignment",
    "judge_pairs",
    "panel",
    "reconcile",
    "self_preference",
]
