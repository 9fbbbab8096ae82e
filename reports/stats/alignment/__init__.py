"""How far a judge can be trusted against people. Entry point: :func:`alignment`."""

from reports.stats.alignment.judgments import MISSING, Comparisons, Judgments, Order
from reports.stats.alignment.report import Alignment, alignment

__all__ = ["MISSING", "Alignment", "Comparisons", "Judgments", "Order", "alignment"]
