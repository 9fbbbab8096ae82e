"""Win rates by a judge at equal length, with a part for how hard each prompt is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse.csgraph import connected_components
from scipy.special import expit, logit

from reports.stats.alignment.gates import FEWEST_LABELLED, SETTLED_LABELLED
from reports.stats.alignment.judgments import MISSING, Comparisons, Reconciled
from reports.stats.alignment.prompt_mixture import TRAIT, Met, Mixture, fit_mixture
from reports.stats.alignment.resampling import sums_by_prompt
from reports.stats.intervals import NO_ERROR, critical_value
from reports.stats.ratings import Floats, Integers
from reports.stats.results import Estimate, WarningCode, undefined
from reports.stats.votes import VERDICT_SCORE

__all__ = ["FEWEST", "EqualLength", "WinRateOver", "equal_length_win_rates"]

METHOD = "length_and_prompt_by_prompt"
METHOD_WITHOUT_PROMPTS = "length_by_prompt"

FEWEST = FEWEST_LABELLED
"""Prompts of its own below which a rate is not given."""


@dataclass(frozen=True, slots=True)
class WinRateOver:
    """Attributes
    ----------
    system : int
        The opponent.
    win_rate : Estimate
    """

    system: int
    win_rate: Estimate

    def as_dict(self) -> dict[str, Any]:
        return {"system": self.system, "win_rate": self.win_rate.as_dict()}


@dataclass(frozen=True, slots=True)
class EqualLength:
    """Attributes
    ----------
    system : int
    win_rate : Estimate
        By the judge, over the comparisons that the system is in, were all of equal length; `n`
        counts them, `n_clusters` their prompts. ``details``: `length_slope`, phi in logits;
        `prompt_slope`, how many logits one standard deviation of difficulty moves the system,
        without its sign.
    over : tuple of WinRateOver
        The same against each system that it met, by code.
    """

    system: int
    win_rate: Estimate
    over: tuple[WinRateOver, ...]

    def as_dict(self) -> dict[str, Any]:
        return {
            "system": self.system,
            "win_rate": self.win_rate.as_dict(),
            "over": [one.as_dict() for one in self.over],
        }


def equal_length_win_rates(
    judge: Reconciled,
    comparisons: Comparisons,
    longer_by: Integers | None,
    *,
    level: float = 0.95,
) -> tuple[EqualLength, ...]:
    """Length-controlled win rates with a term for each prompt (:mod:`.prompt_mixture`).

    The judge's verdicts are points, a tie and both-bad half of one. Lengths are scaled by the root
    of their mean square, which is their standard deviation when each comparison counts both ways
    round. The error is a sandwich by prompt: prompts are the sample, of traits as of judgments.

    Parameters
    ----------
    longer_by : int array of shape (comparisons,), optional
        Characters of response a less those of b; None where the texts were not read.

    Returns
    -------
    tuple of EqualLength
        By system; empty where texts were not read or all lengths are equal. A rate whose own
        comparisons lie on fewer than 30 prompts is None with `too_few_prompts`; on fewer than 100
        it is provisional (`few_prompts`). Where all prompts are fewer than 30 nothing is fitted.
        Where a group of systems has all points that passed between it and the others, a rate that
        rests on these comparisons carries `separated`, and has no interval if it rests on no
        others; nor has one where judgments do not vary (`degenerate_scale`).
    """
    row = np.flatnonzero(
        (judge.category != MISSING) & (comparisons.system_a != comparisons.system_b)
    )
    if longer_by is None or row.size == 0 or not np.any(longer_by[row]):
        return ()
    systems, codes = np.unique(
        np.concatenate([comparisons.system_a[row], comparisons.system_b[row]]), return_inverse=True
    )
    prompts, prompt = np.unique(comparisons.prompt[row], return_inverse=True)
    if prompts.size < FEWEST:
        counts = np.bincount(codes, minlength=systems.size)
        return tuple(
            EqualLength(int(system), _too_few(METHOD, int(n)), ())
            for system, n in zip(systems, counts, strict=True)
        )
    difference = longer_by[row].astype(np.float64)
    # Sorted, the sum is the same whatever the order of rows.
    scale = float(np.sqrt(np.sort(difference**2).sum() / row.size))
    mixture = fit_mixture(
        Met(
            prompt.reshape(-1),
            codes[: row.size],
            codes[row.size :],
            np.asarray(VERDICT_SCORE)[judge.category[row]],
            np.tanh(difference / scale),
        )
    )
    board = _Board(mixture, level)
    names = systems.tolist()
    return tuple(
        EqualLength(
            names[own],
            board.rate(own),
            tuple(WinRateOver(names[other], rate) for other, rate in board.against(own)),
        )
        for own in range(systems.size)
    )


def _too_few(method: str, n: int) -> Estimate:
    reason = f"comparisons on fewer than {FEWEST} prompts"
    return undefined(method, n, WarningCode.TOO_FEW_PROMPTS, reason=reason)


class _Board:
    """Win rates read off a fitted mixture."""

    def __init__(self, mixture: Mixture, level: float) -> None:
        self._mixture, self._level = mixture, level
        met = mixture.met
        # Every comparison from both ends.
        self._own = np.concatenate([met.a, met.b])
        self._other = np.concatenate([met.b, met.a])
        self._prompt = np.concatenate([met.prompt, met.prompt])
        points = np.zeros((met.n_systems, met.n_systems))
        np.add.at(points, (met.a, met.b), met.score)
        np.add.at(points, (met.b, met.a), 1 - met.score)
        # Systems whose distances are finite without a prior, however long their responses.
        _, self._group = connected_components(points > 0, directed=True, connection="strong")
        spread = bool(np.any(mixture.prompt_slopes))
        self._method = METHOD if spread else METHOD_WITHOUT_PROMPTS

    def rate(self, own: int) -> Estimate:
        slopes = self._mixture.prompt_slopes
        return self._estimate(
            np.flatnonzero(self._own == own),
            length_slope=float(self._mixture.length_slopes[own]),
            prompt_slope=abs(float(slopes[own] - slopes.mean())),
        )

    def against(self, own: int) -> list[tuple[int, Estimate]]:
        met = np.unique(self._other[self._own == own]).tolist()
        return [
            (other, self._estimate(np.flatnonzero((self._own == own) & (self._other == other))))
            for other in met
        ]

    def _estimate(self, row: Integers, **details: float) -> Estimate:
        """Mean chance of the rows, and how far one prompt more or less moves it."""
        mixture, prompt = self._mixture, self._prompt[row]
        own, other, n = self._own[row], self._other[row], row.size
        met = np.unique(prompt)
        if met.size < FEWEST:
            return _too_few(self._method, n)
        posterior = mixture.posterior[prompt]
        chance = mixture.chances(own, other)
        expected = (posterior * chance).sum(axis=1)
        rate = float(expected.sum() / n)
        through = self._gradient(own, other, prompt, chance) / n
        sums = sums_by_prompt(prompt, np.column_stack([expected - rate]))
        influence = np.asarray(mixture.scores @ (mixture.bread @ through))
        influence[met] += sums[:, 0] / n
        influence -= influence.mean()
        # Other prompts speak of the slopes alone: what is known of the rate rests on its own.
        prompts = int(met.size)
        se = float(np.sqrt(prompts / (prompts - 1) * np.sort(influence**2).sum()))
        codes = [WarningCode.FEW_PROMPTS] if prompts < SETTLED_LABELLED else []
        if not mixture.converged:
            codes.append(WarningCode.NOT_CONVERGED)
        df = float(prompts - 1)
        spread = se / (rate * (1 - rate)) * critical_value(self._level, df)
        crossing = self._group[own] != self._group[other]
        if crossing.any():
            # One of the two has all points that passed between them and theirs: the prior alone
            # holds their distance.
            codes.append(WarningCode.SEPARATED)
        known = spread > NO_ERROR and not crossing.all()
        if not known and not crossing.any():
            codes.append(WarningCode.DEGENERATE_SCALE)
        return Estimate(
            rate,
            float(expit(logit(rate) - spread)) if known else None,
            float(expit(logit(rate) + spread)) if known else None,
            self._method,
            n,
            n_clusters={"prompts": prompts},
            se=se if known else None,
            df=df if known else None,
            level=self._level if known else None,
            converged=mixture.converged,
            warnings=tuple(codes),
            details=details,
        )

    def _gradient(self, own: Integers, other: Integers, prompt: Integers, chance: Floats) -> Floats:
        """Of the summed expected chances by the parameters: through the chances, and through what
        the prompts' judgments say of the trait."""
        mixture = self._mixture
        m = mixture.met.n_systems
        posterior = mixture.posterior[prompt]
        slope = posterior * chance * (1 - chance)
        out = np.zeros(mixture.point.size)
        for offset, value in ((0, slope.sum(axis=1)), (2 * m + 1, slope @ TRAIT)):
            out[offset : offset + m] += np.bincount(own, value, m) - np.bincount(other, value, m)
        # How much a prompt's expected chances at each trait weigh.
        weighed = np.zeros_like(mixture.posterior)
        np.add.at(weighed, prompt, chance)
        return np.asarray(out + mixture.through_traits(weighed))
