"""Does the judge rank the systems as people do?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from reports.stats.alignment.humans import Humans
from reports.stats.alignment.judgments import MISSING, Comparisons, Reconciled
from reports.stats.alignment.resampling import DRAWS, bootstrapped, sums_by_prompt
from reports.stats.connectivity import weak_components
from reports.stats.intervals import critical_value
from reports.stats.ratings import Floats, Integers
from reports.stats.results import Estimate, WarningCode, generator, undefined
from reports.stats.votes import VERDICT_SCORE

__all__ = ["Rankings", "rankings"]

# Draws at a time: bounds the memory of many systems.
_CELLS = 1 << 23


@dataclass(frozen=True, slots=True)
class Rankings:
    """Win rates of the systems by people and by the judge, on the same comparisons.

    Attributes
    ----------
    spearman, kendall : Estimate
        Rank correlation of the two rows of win rates (tau-b); `n` counts systems.
    gap : Estimate
        Mean absolute difference of the two win rates.
    separability, separability_humans : Estimate
        Share of the pairs of systems whose 95 % intervals of the win rate do not touch.
    same_conclusions : Estimate
        Over the pairs that people separate: 1 where the judge separates them likewise, one half
        where its intervals touch, 0 where it has them the other way round.
    forecast : Estimate
        Brier score of the judge's chance that one system of a pair does better with people than
        the other; .25 is a coin. ``details``: `log_loss`.
    systems : tuple of mapping
        `system`, `n` comparisons, `judge` and `humans` (win rates).
    """

    spearman: Estimate
    kendall: Estimate
    gap: Estimate
    separability: Estimate
    separability_humans: Estimate
    same_conclusions: Estimate
    forecast: Estimate
    systems: tuple[dict[str, Any], ...]

    FIGURES: ClassVar[tuple[str, ...]] = (
        "spearman",
        "kendall",
        "gap",
        "separability",
        "separability_humans",
        "same_conclusions",
        "forecast",
    )

    def as_dict(self) -> dict[str, Any]:
        out: dict[str, Any] = {name: getattr(self, name).as_dict() for name in self.FIGURES}
        out["systems"] = [dict(row) for row in self.systems]
        return out


def rankings(
    judge: Reconciled,
    humans: Humans,
    comparisons: Comparisons,
    *,
    seed: int,
    level: float = 0.95,
    draws: int = DRAWS,
) -> Rankings:
    """Compare the two rankings on comparisons with a majority and a judgment.

    The win rate counts ties as half, of the majority and of the judge's category alike. Intervals
    of the correlations and of the gap come of one bootstrap that draws prompts for both at once;
    those that keep systems apart are t intervals with prompts as clusters.

    Returns
    -------
    Rankings
        The rank correlations are None with `disconnected` where systems fall in groups that
        never meet, and with `degenerate_scale` below two systems or where a side has them all
        alike.
    """
    used = (judge.category != MISSING) & (humans.majority != MISSING)
    a, b = comparisons.system_a[used], comparisons.system_b[used]
    by_judge = VERDICT_SCORE[judge.category[used]]
    by_humans = VERDICT_SCORE[humans.majority[used]]
    met = np.zeros((comparisons.n_systems, comparisons.n_systems))
    np.add.at(met, (a, b), 1)
    component = weak_components(met + met.T)
    systems = np.flatnonzero(component >= 0)
    size = int(systems.size)
    prompt = comparisons.prompt[used]
    reason, code = "", WarningCode.DEGENERATE_SCALE
    if size < 2:
        reason = "fewer than two systems have comparisons with a majority and a judgment"
        code = WarningCode.NO_VOTES if size == 0 else WarningCode.DEGENERATE_SCALE
    elif np.unique(component[systems]).size > 1:
        reason, code = "systems fall in groups that never meet", WarningCode.DISCONNECTED
    if size == 0:
        none = {name: undefined(name, 0, code, reason=reason) for name in Rankings.FIGURES}
        return Rankings(**none, systems=())
    place = np.full(comparisons.n_systems, -1)
    place[systems] = np.arange(size)
    sums = _sums(place[a], place[b], by_judge, by_humans, prompt, size)
    total = sums.sum(axis=0)
    n, judged, voted = total[:size], total[size : 2 * size], total[2 * size :]
    rows = tuple(
        {
            "system": int(system),
            "n": int(n[i]),
            "judge": float(judged[i] / n[i]),
            "humans": float(voted[i] / n[i]),
        }
        for i, system in enumerate(systems.tolist())
    )
    drawn = _bootstrap(sums, size, seed, draws)
    prompts = int(sums.shape[0])
    shared = _Shared(size, prompts, seed, level)
    rates = np.stack([judged / n, voted / n])[None]
    correlations = (
        shared.figure("ranking_spearman", _spearman, rates, drawn, reason, code),
        shared.figure("ranking_kendall", _kendall, rates, drawn, reason, code),
    )
    gap = shared.figure("win_rate_gap", _gap, rates, drawn, "", code)
    return Rankings(
        *correlations, gap, *shared.pairs(rates[0], _errors(sums, size), reason, code), rows
    )


def _sums(
    a: Integers, b: Integers, by_judge: Floats, by_humans: Floats, prompt: Integers, size: int
) -> Floats:
    """Each prompt's comparisons, judge's and people's points of each system."""
    rows = np.arange(a.size)
    columns = np.zeros((a.size, 3 * size))
    columns[rows, a] = columns[rows, b] = 1
    columns[rows, size + a], columns[rows, size + b] = by_judge, 1 - by_judge
    columns[rows, 2 * size + a], columns[rows, 2 * size + b] = by_humans, 1 - by_humans
    return sums_by_prompt(prompt, columns)


def _errors(sums: Floats, size: int) -> Floats | None:
    """Standard errors of the win rates by judge and people, shape (2, systems), by prompt.

    Linearised, so that they hang on no draw, and on no order of systems or prompts.
    """
    prompts = int(sums.shape[0])
    if prompts < 2:
        return None
    n = sums[:, :size]
    total = n.sum(axis=0)
    out = []
    for part in (1, 2):
        points = sums[:, part * size : (part + 1) * size]
        influence = (points - points.sum(axis=0) / total * n) / total
        out.append(np.sqrt(prompts / (prompts - 1) * (influence**2).sum(axis=0)))
    return np.array(out)


def _bootstrap(sums: Floats, size: int, seed: int, draws: int) -> Floats | None:
    """Win rates of judge and people in each draw, shape (draws, 2, systems)."""
    prompts = int(sums.shape[0])
    if prompts < 2:
        return None
    # Prompts with equal rows are interchangeable; in the order of their content no name counts.
    kinds, frequency = np.unique(sums, axis=0, return_counts=True)
    random = generator(seed, "rankings")
    piece = max(1, min(draws, _CELLS // kinds.shape[0]))
    parts = []
    for start in range(0, draws, piece):
        number = min(piece, draws - start)
        totals = random.multinomial(prompts, frequency / prompts, size=number) @ kinds
        n = totals[:, :size]
        with np.errstate(divide="ignore", invalid="ignore"):
            parts.append(
                np.stack([totals[:, size : 2 * size] / n, totals[:, 2 * size :] / n], axis=1)
            )
    return np.concatenate(parts)


def _ranks(values: Floats) -> Floats:
    """Average ranks along the last axis."""
    less = (values[..., None, :] < values[..., :, None]).sum(axis=-1)
    equal = (values[..., None, :] == values[..., :, None]).sum(axis=-1)
    return np.asarray(less + (equal + 1) / 2, dtype=np.float64)


def _correlation(first: Floats, second: Floats) -> Floats:
    one = first - first.mean(axis=-1, keepdims=True)
    other = second - second.mean(axis=-1, keepdims=True)
    scale = np.sqrt((one**2).sum(axis=-1) * (other**2).sum(axis=-1))
    with np.errstate(divide="ignore", invalid="ignore"):
        r = (one * other).sum(axis=-1) / scale
    return np.asarray(np.where(scale > 1e-12, r, np.nan), dtype=np.float64)


def _spearman(rates: Floats) -> Floats:
    return _correlation(_ranks(rates[:, 0]), _ranks(rates[:, 1]))


def _kendall(rates: Floats) -> Floats:
    signs = np.sign(np.round(rates[..., :, None] - rates[..., None, :], 12))
    upper = np.triu_indices(rates.shape[-1], 1)
    one, other = signs[:, 0][:, upper[0], upper[1]], signs[:, 1][:, upper[0], upper[1]]
    scale = np.sqrt((one != 0).sum(axis=1) * (other != 0).sum(axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        tau = (one * other).sum(axis=1) / scale
    return np.asarray(np.where(scale > 0, tau, np.nan), dtype=np.float64)


def _gap(rates: Floats) -> Floats:
    return np.asarray(np.abs(rates[:, 0] - rates[:, 1]).mean(axis=-1), dtype=np.float64)


def _apart(low: Floats, high: Floats) -> NDArray[np.float64]:
    """+1 where the first of a pair is above the second, -1 below, 0 where intervals touch."""
    upper = np.triu_indices(low.size, 1)
    first, second = upper
    return (low[first] > high[second]).astype(np.float64) - (high[first] < low[second])


@dataclass(frozen=True, slots=True)
class _Shared:
    size: int
    prompts: int
    seed: int
    level: float

    def _share(self, value: float, method: str, n: int, **details: Any) -> Estimate:
        """A figure of the intervals themselves, which has none."""
        return Estimate(
            value, None, None, method, n, n_clusters={"prompts": self.prompts}, level=None,
            seed=self.seed, details=details,
        )  # fmt: skip

    def figure(
        self,
        method: str,
        statistic: Any,
        rates: Floats,
        drawn: Floats | None,
        reason: str,
        code: WarningCode,
    ) -> Estimate:
        value = float(statistic(rates)[0])
        if reason or not np.isfinite(value):
            why = reason or "one side has all systems alike"
            return undefined(method, self.size, code, reason=why)
        return bootstrapped(
            value,
            self._interval(None if drawn is None else statistic(drawn)),
            method=method,
            n=self.size,
            prompts=self.prompts,
            seed=self.seed,
            level=self.level,
        )

    def _interval(self, values: Floats | None) -> tuple[float | None, float | None]:
        if values is None:
            return None, None
        known = values[np.isfinite(values)]
        if known.size < values.size / 2:
            return None, None
        tail = 50 * (1 - self.level)
        low, high = np.percentile(known, [tail, 100 - tail])
        return float(low), float(high)

    def pairs(
        self, rates: Floats, se: Floats | None, reason: str, code: WarningCode
    ) -> tuple[Estimate, Estimate, Estimate, Estimate]:
        number = self.size * (self.size - 1) // 2
        if reason or se is None:
            why = reason or "all comparisons belong to one prompt"
            judge, humans, same, forecast = (
                undefined(name, number, code, reason=why)
                for name in (
                    "separability_judge", "separability_humans", "same_conclusions", "forecast"
                )
            )  # fmt: skip
            return judge, humans, same, forecast
        half = critical_value(self.level, float(self.prompts - 1)) * se
        judged, voted = (_apart(rates[k] - half[k], rates[k] + half[k]) for k in (0, 1))
        separated = voted != 0
        n_separated = int(separated.sum())
        if n_separated:
            points = np.where(judged == 0, 0.5, (judged == voted).astype(np.float64))
            same = self._share(float(points[separated].mean()), "same_conclusions", n_separated)
        else:
            why = "people separate no pair of systems"
            same = undefined("same_conclusions", 0, WarningCode.DEGENERATE_SCALE, reason=why)
        return (
            self._share(float((judged != 0).mean()), "separability_judge", number),
            self._share(float((voted != 0).mean()), "separability_humans", number),
            same,
            self._forecast(rates, se, number),
        )

    def _forecast(self, rates: Floats, se: Floats, number: int) -> Estimate:
        first, second = np.triu_indices(self.size, 1)
        scale = np.sqrt(se[0, first] ** 2 + se[0, second] ** 2)
        difference = rates[0, first] - rates[0, second]
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.where(scale > 0, difference / scale, np.sign(difference) * np.inf)
        # Where it is sure, a log loss must not be infinite for one pair.
        chance = np.clip(ndtr(np.nan_to_num(z, posinf=40, neginf=-40)), 1e-6, 1 - 1e-6)
        better = np.sign(np.round(rates[1, first] - rates[1, second], 12)) / 2 + 0.5
        brier = float(((chance - better) ** 2).mean())
        loss = -float((better * np.log(chance) + (1 - better) * np.log(1 - chance)).mean())
        return self._share(brier, "forecast", number, log_loss=loss)
