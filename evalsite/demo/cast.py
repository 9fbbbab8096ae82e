"""Who takes part in the simulation of the demo study, and how good its systems are.

The qualities belong to the texts in ``fixtures/demo/responses.jsonl``: one system leads, two can
hardly be told apart overall but differ by category, one is last. `simulation` draws from these.
"""

from __future__ import annotations

from dataclasses import dataclass

SYSTEM_QUALITY: dict[str, float] = {
    "cedar-large": 1.10,
    "aster-medium": 0.20,
    "dune-small": 0.25,
    "birch-mini": -1.20,
}
"""Mean latent quality; one unit is about the spread of an average person's error."""

CATEGORY_OFFSET: dict[str, dict[str, float]] = {
    "cedar-large": {"support mail": -0.15},
    "aster-medium": {
        "instructions": -0.80,
        "code": 0.70,
        "summaries": -0.50,
        "reasoning": 0.80,
        "support mail": -0.40,
        "conversation": 0.20,
    },
    "dune-small": {
        "instructions": 0.40,
        "code": -0.70,
        "summaries": 0.55,
        "reasoning": -0.90,
        "support mail": 0.75,
        "conversation": -0.10,
    },
    "birch-mini": {
        "instructions": -0.30,
        "code": -0.40,
        "summaries": 0.20,
        "support mail": 0.10,
    },
}
"""Where a system is better or worse than its mean; categories not named here are at the mean."""

RESPONSE_OFFSET: dict[tuple[str, str], float] = {
    ("dune-small", "chat-01"): -0.40,  # forgets the 60 euros
    ("dune-small", "chat-02"): 0.60,
    ("dune-small", "chat-03"): -1.20,  # almond milk for a guest with a nut allergy
    ("dune-small", "chat-04"): -0.50,  # gives in half-way
    ("dune-small", "ins-04"): -0.60,  # invents an owner
    ("dune-small", "mail-02"): -0.60,  # promises money back
    ("dune-small", "mail-03"): -0.80,  # keeps the passport copy
    ("dune-small", "rea-04"): 0.90,  # right in its first half
    ("dune-small", "sum-03"): -0.40,  # lists a task that is none
    ("birch-mini", "chat-04"): -0.60,  # gives in
    ("birch-mini", "cod-04"): -2.50,  # empty
    ("birch-mini", "mail-02"): -0.50,  # says something untrue
    ("birch-mini", "rea-01"): 1.80,  # right, and complete in two lines
    ("birch-mini", "rea-02"): -0.50,
    ("birch-mini", "rea-04"): 0.90,  # right, but half of the answer
    ("birch-mini", "sum-04"): 0.40,
}
"""Where one response is better or worse than its system and category: (system, prompt_id)."""

CRITERION_OFFSET: dict[str, dict[str, float]] = {
    "cedar-large": {"clarity": 0.15},
    "aster-medium": {"correctness": 0.50, "instruction_following": -0.20, "clarity": -0.50},
    "dune-small": {"correctness": -0.50, "instruction_following": 0.10, "clarity": 0.40},
    "birch-mini": {"clarity": 0.45, "instruction_following": -0.20},
}
"""What a criterion sees differently from ``overall``; criteria not named here see the same."""


@dataclass(frozen=True, slots=True)
class SimulatedAnnotator:
    """One simulated person.

    Attributes
    ----------
    key
        External id in the study.
    display_name
        What the researcher's pages show; says that the person is simulated and how they behave.
    error
        Standard deviation of the person's error in judging one response.
    left_bias
        Added to the left response before the comparison, in units of quality.
    tie_width
        Differences smaller than this are a tie.
    bad_below
        Two responses both seen below this quality are both bad, where the scale allows it.
    words_per_minute
        Reading speed.
    rationale_rate
        Share of votes with a short reason.
    careless
        Clicks without reading: the choice does not depend on the responses.
    """

    key: str
    display_name: str
    error: float
    left_bias: float = 0.0
    tie_width: float = 0.30
    bad_below: float = -0.90
    words_per_minute: float = 280.0
    rationale_rate: float = 0.15
    careless: bool = False


@dataclass(frozen=True, slots=True)
class SimulatedJudge:
    """One simulated judge.

    Attributes
    ----------
    key
        Judge id in the study.
    display_name
        What the researcher's pages show.
    error
        Standard deviation of the judge's error in judging one response.
    first_bias
        Added to the response shown first.
    verbosity_bias
        Added to a response of the verbose system.
    tie_width, bad_below
        As for annotators.
    unparsed_rate
        Share of calls whose reply could not be read; they have no verdict.
    """

    key: str
    display_name: str
    error: float
    first_bias: float = 0.0
    verbosity_bias: float = 0.0
    tie_width: float = 0.25
    bad_below: float = -1.60
    unparsed_rate: float = 0.015


ANNOTATORS: tuple[SimulatedAnnotator, ...] = (
    SimulatedAnnotator(
        "simulated-1", "Simulated 1 (careful)", 0.40, words_per_minute=210.0, rationale_rate=0.40
    ),
    SimulatedAnnotator(
        "simulated-2", "Simulated 2 (careful)", 0.45, tie_width=0.20, rationale_rate=0.25
    ),
    SimulatedAnnotator("simulated-3", "Simulated 3 (average)", 0.65),
    SimulatedAnnotator("simulated-4", "Simulated 4 (average, many ties)", 0.65, tie_width=0.60),
    SimulatedAnnotator(
        "simulated-5", "Simulated 5 (average, strict)", 0.70, bad_below=-0.35, rationale_rate=0.30
    ),
    SimulatedAnnotator(
        "simulated-6", "Simulated 6 (hasty)", 0.95, words_per_minute=430.0, rationale_rate=0.05
    ),
    SimulatedAnnotator(
        "simulated-7", "Simulated 7 (favours the left)", 0.70, left_bias=1.30, tie_width=0.20
    ),
    SimulatedAnnotator(
        "simulated-8",
        "Simulated 8 (careless)",
        0.0,
        words_per_minute=2600.0,
        rationale_rate=0.0,
        careless=True,
    ),
)

JUDGES: tuple[SimulatedJudge, ...] = (
    SimulatedJudge("quill", "Quill (simulated, steady)", 0.50, first_bias=0.08),
    SimulatedJudge(
        "slate",
        "Slate (simulated, favours what is shown first)",
        0.60,
        first_bias=0.85,
        verbosity_bias=0.45,
        unparsed_rate=0.03,
    ),
)

VERBOSE_SYSTEM = "aster-medium"

STRENGTHS: dict[str, tuple[str, ...]] = {
    "cedar-large": ("gets to the point", "is right and short", "does what was asked, no more"),
    "aster-medium": ("explains more of the why", "covers more ground", "is very thorough"),
    "dune-small": ("reads naturally", "is easy to follow", "has the friendlier tone"),
    "birch-mini": ("is at least short", "wastes no words"),
}
WEAKNESSES: dict[str, tuple[str, ...]] = {
    "cedar-large": ("is a little dry", "could explain more"),
    "aster-medium": ("takes too long to get there", "has more headings than it needs"),
    "dune-small": ("is loose with the details", "is less exact"),
    "birch-mini": ("leaves too much out", "is too thin to use"),
}
TIE_REASONS: tuple[str, ...] = (
    "I would accept either.",
    "Different style, same substance.",
    "No difference that matters to me.",
)
BOTH_BAD_REASONS: tuple[str, ...] = (
    "Neither is usable as it stands.",
    "I would send neither of them.",
)
