"""Does the judge's verdict depend on which response it saw first?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from reports.stats.alignment.judgments import MISSING, Comparisons, Judgments, Order, Reconciled
from reports.stats.alignment.shares import share_by_prompt
from reports.stats.results import Estimate, VerdictCode, WarningCode, undefined

__all__ = ["position_consistency"]


def position_consistency(
    judgments: Judgments, judge: Reconciled, comparisons: Comparisons, *, level: float = 0.95
) -> Estimate:
    """Share of comparisons with the same verdict in both orders, on those parsed in both.

    Returns
    -------
    Estimate
        `n` counts comparisons. ``details``: `first_both` (`second_both`), comparisons in which
        the response shown first (second) won both times; `preference`, their difference over
        n; `p_value`, two-sided exact binomial test that they are equally likely; `first_share`
        of all parsed calls won by the response shown first; `stability` of replicates, the
        mean share of the commonest answer. None with `one_order` for a judge who was asked in
        one order only or whose verdicts came already reconciled.
    """
    method = "position_consistency"
    if not judge.two_orders:
        reason = "no comparison was judged in both orders"
        return undefined(method, 0, WarningCode.ONE_ORDER, reason=reason)
    ab, ba = judge.by_order
    both = (ab != MISSING) & (ba != MISSING)
    ab, ba = ab[both], ba[both]
    first = int(np.count_nonzero((ab == VerdictCode.A) & (ba == VerdictCode.B)))
    second = int(np.count_nonzero((ab == VerdictCode.B) & (ba == VerdictCode.A)))
    figure = share_by_prompt(
        ab == ba,
        comparisons.prompt[both],
        method=method,
        level=level,
        empty=WarningCode.ONE_ORDER,
    )
    if figure.estimate is None:
        return figure
    order, verdict = judgments.order, judgments.verdict
    shown = judgments.parsed & (order != Order.BOTH)
    winner_first = np.where(order == Order.AB, VerdictCode.A, VerdictCode.B)
    won = int(np.count_nonzero(shown & (verdict == winner_first)))
    # Imported here: scipy.stats takes a second to load, and few studies have a judge.
    from scipy.stats import binomtest

    test = binomtest(first, first + second, 0.5) if first + second else None
    return replace(
        figure,
        details={
            **figure.details,
            "first_both": first,
            "second_both": second,
            "preference": (first - second) / figure.n,
            "p_value": 1.0 if test is None else float(test.pvalue),
            "first_share": won / int(np.count_nonzero(shown)),
            "stability": judge.stability,
        },
    )
