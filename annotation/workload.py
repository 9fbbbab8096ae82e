"""How long people will sit over a pair, and what that costs. Pure.

An estimate from the length of the texts, for planning before anybody has rated: adults read about
238 words of English a minute silently (Brysbaert 2019, a meta-analysis of 190 studies), which is
some 23 characters a second with the spaces. The decision itself is added. As soon as a study has
votes, their own times say more.
"""

from __future__ import annotations

from dataclasses import dataclass

CHARACTERS_PER_SECOND = 23.0
DECISION_SECONDS = 12.0
FURTHER_QUESTION_SECONDS = 5.0
"""For each criterion beyond the first."""

LONGEST_READING_SECONDS = 600.0
"""Nobody reads longer before deciding, however long the texts are."""


def seconds_a_pair(
    prompt_characters: float, response_characters: float, questions: int = 1
) -> float:
    """Seconds for one pair: the prompt, both responses, the decision.

    Parameters
    ----------
    prompt_characters, response_characters : float
        Means over the study; of one response.
    questions : int
        Criteria that are asked.

    Examples
    --------
    >>> seconds_a_pair(230, 1150)
    122.0
    """
    reading = (prompt_characters + 2 * response_characters) / CHARACTERS_PER_SECOND
    return (
        min(reading, LONGEST_READING_SECONDS)
        + DECISION_SECONDS
        + FURTHER_QUESTION_SECONDS * max(0, questions - 1)
    )


@dataclass(frozen=True, slots=True)
class Workload:
    """What a number of answers takes."""

    answers: int
    seconds_each: float
    pay_per_hour: float

    @property
    def hours(self) -> float:
        return self.answers * self.seconds_each / 3600

    @property
    def money(self) -> float:
        return self.hours * self.pay_per_hour
