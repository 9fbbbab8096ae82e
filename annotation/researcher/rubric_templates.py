"""Rubrics to begin with. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from annotation.lifecycle.rubric import CriterionDraft
from annotation.models import Scale


@dataclass(frozen=True, slots=True)
class RubricTemplate:
    """A rubric that can be taken over and changed."""

    key: str
    label: str
    what: str
    criteria: tuple[CriterionDraft, ...]


def level(identifier: str, description: str) -> dict[str, str]:
    return {"id": identifier, "description": description}


CORRECT = CriterionDraft(
    "correct",
    "Whose statements are more correct?",
    Scale.TERNARY,
    required=False,
    levels=(
        level("wrong", "States something important that is wrong."),
        level("flawed", "Is right in the main, with errors that matter little."),
        level("right", "Everything that can be checked is right."),
    ),
)
CLEAR = CriterionDraft(
    "clear",
    "Which is easier to follow?",
    Scale.TERNARY,
    required=False,
    levels=(
        level("hard", "Has to be read twice, or leaves open what is meant."),
        level("fair", "Can be followed, with detours."),
        level("easy", "Says what matters first, in words that the reader knows."),
    ),
)

TEMPLATES = (
    RubricTemplate(
        "preference",
        "One question: which is better?",
        "Left, right, tie, or both are bad. The quickest to answer.",
        (CriterionDraft("overall", "Which response is better?", Scale.TERNARY, both_bad=True),),
    ),
    RubricTemplate(
        "graded",
        "One question, with degrees",
        "Five steps from much better to much better: tells clear wins from close ones.",
        (
            CriterionDraft(
                "overall", "Which response is better, and by how much?", Scale.FIVE, True
            ),
        ),
    ),
    RubricTemplate(
        "helpful",
        "Helpful, correct, clear",
        "An overall preference, and two optional questions that say why.",
        (
            CriterionDraft(
                "overall",
                "Which response would you rather have got?",
                Scale.TERNARY,
                both_bad=True,
                levels=(
                    level("useless", "Misses what was asked, or harms whoever follows it."),
                    level("partial", "Helps in part; the rest has to be found elsewhere."),
                    level("helpful", "Does what was asked, completely and without padding."),
                ),
            ),
            CORRECT,
            CLEAR,
        ),
    ),
    RubricTemplate(
        "summary",
        "Summaries",
        "Overall, faithful to the source, and whether what matters is in it.",
        (
            CriterionDraft(
                "overall", "Which summary would you rather pass on?", Scale.TERNARY, both_bad=True
            ),
            CriterionDraft(
                "faithful",
                "Which is more faithful to the source?",
                Scale.TERNARY,
                required=False,
                levels=(
                    level("invents", "States something that the source does not say."),
                    level("shifts", "Shifts weight or certainty, and invents nothing."),
                    level("faithful", "Says only what the source says, as surely as it does."),
                ),
            ),
            CriterionDraft(
                "covers",
                "Which has more of what matters?",
                Scale.TERNARY,
                required=False,
                levels=(
                    level("misses", "Leaves out a main point."),
                    level("covers", "Has the main points and little else."),
                ),
            ),
        ),
    ),
    RubricTemplate(
        "code",
        "Program code",
        "Overall, whether it would work, and whether it could be kept.",
        (
            CriterionDraft(
                "overall", "Which solution would you rather merge?", Scale.TERNARY, both_bad=True
            ),
            CriterionDraft(
                "works",
                "Which is more likely to work as asked?",
                Scale.TERNARY,
                required=False,
                levels=(
                    level("fails", "Does not run, or solves another problem."),
                    level("partly", "Works for the example and fails in cases that will come."),
                    level("works", "Works for what was asked, with its edge cases."),
                ),
            ),
            CriterionDraft(
                "readable",
                "Which would you rather maintain?",
                Scale.TERNARY,
                required=False,
                levels=(
                    level("opaque", "Has to be taken apart to be understood."),
                    level("plain", "Says what it does, no longer than it must be."),
                ),
            ),
        ),
    ),
    RubricTemplate(
        "support",
        "Answers to customers",
        "Overall, whether it solves the matter, and its tone.",
        (
            CriterionDraft(
                "overall", "Which answer would you rather send?", Scale.TERNARY, both_bad=True
            ),
            CriterionDraft(
                "solves",
                "Which is more likely to settle the matter?",
                Scale.TERNARY,
                required=False,
                levels=(
                    level("misses", "The customer has to ask again."),
                    level("settles", "The customer knows what happens next."),
                ),
            ),
            CriterionDraft(
                "tone",
                "Whose tone fits better?",
                Scale.TERNARY,
                required=False,
                levels=(
                    level("off", "Cold, servile or pushing."),
                    level("fits", "Polite and to the point."),
                ),
            ),
        ),
    ),
)
BY_KEY = {template.key: template for template in TEMPLATES}
