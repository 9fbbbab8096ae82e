"""How far people agree on the same pairs, and how far they would by chance. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .figures import Concord

# The others must have met on so many pairs before their agreement is a measure for anybody.
LEAST_PAIRS = 15


@dataclass(slots=True)
class Meeting:
    """Agreement of several people on several pairs, every pair with the same weight."""

    pairs: int = 0
    agreement: float = 0.0
    verdicts: Counter[str] = field(default_factory=Counter)

    def add(self, verdicts: Counter[str], weight: int = 1) -> None:
        """Add the verdicts on one pair, or with weight -1 take them out again."""
        n = verdicts.total()
        if n < 2:
            return
        self.pairs += weight
        same = sum(count * (count - 1) for count in verdicts.values())
        self.agreement += weight * same / (n * (n - 1))
        for verdict, count in verdicts.items():
            self.verdicts[verdict] += weight * count

    def beyond_chance(self) -> float | None:
        """Fleiss' kappa; None where too few pairs have two verdicts, or all are one verdict."""
        if self.pairs < LEAST_PAIRS:
            return None
        total = self.verdicts.total()
        chance = sum((count / total) ** 2 for count in self.verdicts.values())
        return None if chance >= 1 else (self.agreement / self.pairs - chance) / (1 - chance)


def concords(
    votes: Mapping[int, Mapping[int, str]], annotators: Mapping[int, Iterable[int]]
) -> dict[int, Concord]:
    """The concord of each annotator with all others.

    Parameters
    ----------
    votes : mapping
        Verdicts by comparison and annotator.
    annotators : mapping
        By annotator, the comparisons whose answers are looked at.
    """
    everybody = Meeting()
    verdicts_on = {pk: Counter(given.values()) for pk, given in votes.items()}
    for verdicts in verdicts_on.values():
        everybody.add(verdicts)
    own_pairs: dict[int, list[int]] = {}
    for comparison, given in votes.items():
        for annotator in given:
            own_pairs.setdefault(annotator, []).append(comparison)
    found = {}
    for annotator, looked_at in annotators.items():
        without = Meeting(everybody.pairs, everybody.agreement, everybody.verdicts.copy())
        for comparison in own_pairs.get(annotator, ()):
            without.add(verdicts_on[comparison], -1)
            without.add(verdicts_on[comparison] - Counter([votes[comparison][annotator]]))
        found[annotator] = concord(annotator, looked_at, votes, without.beyond_chance())
    return found


def concord(
    annotator: int,
    looked_at: Iterable[int],
    votes: Mapping[int, Mapping[int, str]],
    others_agreement: float | None,
) -> Concord:
    own: Counter[str] = Counter()
    others: Counter[str] = Counter()
    pairs = []
    for comparison in looked_at:
        given = dict(votes.get(comparison, {}))
        verdict = given.pop(annotator, None)
        if verdict is None or not given:
            continue
        own[verdict] += 1
        others.update(given.values())
        pairs.append(sum(other == verdict for other in given.values()) / len(given))
    if not pairs:
        return Concord(others=others_agreement)
    chance = sum(
        count / own.total() * others[verdict] / others.total() for verdict, count in own.items()
    )
    return Concord(tuple(pairs), chance, others_agreement)
