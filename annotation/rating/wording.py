"""What the page says by itself: why there is nothing to rate, and what somebody answered."""

from __future__ import annotations

from annotation.blinding import BOTH_BAD, LEFT, RIGHT
from annotation.models import Scale
from annotation.queue import EmptyReason

# A title and an explanation each. They must be true whenever the reason is.
EMPTY_TEXTS: dict[EmptyReason, tuple[str, str]] = {
    EmptyReason.FINISHED: (
        # True as well for somebody who came too late to rate any.
        "Nothing is left for you to rate",
        "Thank you. Every answer you gave is stored. If pairs are added, they will appear here.",
    ),
    EmptyReason.MAXIMUM_REACHED: (
        "You have reached your share of this study",
        "Thank you. Each person rates a limited number of pairs, and you have rated yours. "
        "All your answers are stored.",
    ),
    EmptyReason.DAILY_MAXIMUM_REACHED: (
        "You have rated your pairs for today",
        "Thank you. Each person rates a limited number of pairs a day, and all your answers are "
        "stored. Come back tomorrow for more.",
    ),
    EmptyReason.HELD_BY_OTHERS: (
        "Other people have the remaining pairs open",
        "They may leave some of them, and those would come to you. This page looks again by "
        "itself. You need not wait: you can close it and come back later today.",
    ),
    EmptyReason.STUDY_NOT_OPEN: (
        "This study has not started yet",
        "The people who run it are still preparing it. Come back when they tell you that it is "
        "open.",
    ),
    EmptyReason.STUDY_PAUSED: (
        "This study is paused",
        "The people who run it have stopped it for a while. Your answers are stored. Come back "
        "tomorrow, or when they tell you that it goes on.",
    ),
    EmptyReason.STUDY_CLOSED: (
        "This study is closed",
        "Thank you for taking part. No more answers are needed, and yours are stored.",
    ),
    EmptyReason.INVITATION_PENDING: (
        "Your invitation is not complete yet",
        "Open the link in your invitation once more and finish the steps there.",
    ),
    EmptyReason.QUALIFICATION_PENDING: (
        "Your practice round is not finished",
        "Rating starts after it, and there is no practice pair for you now. Ask the person who "
        "invited you how to go on.",
    ),
    EmptyReason.QUALIFICATION_FAILED: (
        "The practice round was not passed",
        "Thank you for your time. This study has no pairs for you now. The person who invited you "
        "can tell you more.",
    ),
    EmptyReason.ANNOTATOR_PAUSED: (
        "Your work is being looked at",
        "You get no new pairs while the people who run the study look at the answers so far. "
        "Everything you did is stored. They will tell you when you can go on.",
    ),
    EmptyReason.ANNOTATOR_REMOVED: (
        "Your part in this study has ended",
        "The person who invited you can tell you more.",
    ),
}

# How clearly, by the steps of a graded scale to each side. The page's buttons say the same
# (`static/annotation/rating/choices.js`).
DEGREES = {
    Scale.FIVE: {2: "much better", 1: "better"},
    Scale.SEVEN: {3: "much better", 2: "better", 1: "slightly better"},
}
# How sure somebody is, by what is stored of it.
CONFIDENCE = {0.0: "Not sure", 0.5: "Fairly sure", 1.0: "Very sure"}


def answer_in_words(choice: str, margin: int | None, scale: str) -> str:
    """An answer as its button was named.

    Examples
    --------
    >>> answer_in_words("right", 1, "seven")
    'Response 2 is slightly better'
    """
    if choice in (LEFT, RIGHT):
        degree = DEGREES.get(Scale(scale), {}).get(margin or 0, "better")
        return f"Response {1 if choice == LEFT else 2} is {degree}"
    return "Both responses are bad" if choice == BOTH_BAD else "Tie: both are equally good"


def time_in_words(seconds: float) -> str:
    """A duration, as exact as it is of use.

    Examples
    --------
    >>> [time_in_words(seconds) for seconds in (0.4, 42.3, 61, 3600, 5520)]
    ['less than 1 s', '42 s', '1 min', '1 h', '1 h 32 min']
    """
    if seconds < 1:
        return "less than 1 s"
    if seconds < 60:
        return f"{round(seconds)} s" if round(seconds) < 60 else "1 min"
    hours, minutes = divmod(round(seconds / 60), 60)
    return " ".join([*([f"{hours} h"] if hours else []), *([f"{minutes} min"] if minutes else [])])
