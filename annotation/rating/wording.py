"""What the page says by itself: why there is nothing to rate, and what somebody answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from annotation.blinding import BOTH_BAD, LEFT, RIGHT
from annotation.models import Scale
from annotation.queue import EmptyReason

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

# A title and an explanation each. They must be true whenever the reason is.
EMPTY_TEXTS: dict[EmptyReason, tuple[_StrPromise, _StrPromise]] = {
    EmptyReason.FINISHED: (
        # True as well for somebody who came too late to rate any.
        _("Nothing is left for you to rate"),
        _("Thank you. Every answer you gave is stored. If pairs are added, they will appear here."),
    ),
    EmptyReason.MAXIMUM_REACHED: (
        _("You have reached your share of this study"),
        _(
            "Thank you. Each person rates a limited number of pairs, and you have rated yours. "
            "All your answers are stored."
        ),
    ),
    EmptyReason.DAILY_MAXIMUM_REACHED: (
        _("You have rated your pairs for today"),
        _(
            "Thank you. Each person rates a limited number of pairs a day, and all your answers "
            "are stored. Come back tomorrow for more."
        ),
    ),
    EmptyReason.HELD_BY_OTHERS: (
        _("Other people have the remaining pairs open"),
        _(
            "They may leave some of them, and those would come to you. This page looks again by "
            "itself. You need not wait: you can close it and come back later today."
        ),
    ),
    EmptyReason.STUDY_NOT_OPEN: (
        _("This study has not started yet"),
        _(
            "The people who run it are still preparing it. Come back when they tell you that it is "
            "open."
        ),
    ),
    EmptyReason.STUDY_PAUSED: (
        _("This study is paused"),
        _(
            "The people who run it have stopped it for a while. Your answers are stored. Come back "
            "tomorrow, or when they tell you that it goes on."
        ),
    ),
    EmptyReason.STUDY_CLOSED: (
        _("This study is closed"),
        _("Thank you for taking part. No more answers are needed, and yours are stored."),
    ),
    EmptyReason.INVITATION_PENDING: (
        _("Your invitation is not complete yet"),
        _("Open the link in your invitation once more and finish the steps there."),
    ),
    EmptyReason.QUALIFICATION_PENDING: (
        _("Your practice round is not finished"),
        _(
            "Rating starts after it, and there is no practice pair for you now. Ask the person who "
            "invited you how to go on."
        ),
    ),
    EmptyReason.QUALIFICATION_FAILED: (
        _("The practice round was not passed"),
        _(
            "Thank you for your time. This study has no pairs for you now. The person who invited "
            "you can tell you more."
        ),
    ),
    EmptyReason.ANNOTATOR_PAUSED: (
        _("Your work is being looked at"),
        _(
            "You get no new pairs while the people who run the study look at the answers so far. "
            "Everything you did is stored. They will tell you when you can go on."
        ),
    ),
    EmptyReason.ANNOTATOR_REMOVED: (
        _("Your part in this study has ended"),
        _("The person who invited you can tell you more."),
    ),
}

# How clearly, by the steps of a graded scale to each side. The page's buttons say the same
# (`static/annotation/rating/choices.js`).
BETTER = _("Response %(number)s is better")
MUCH = _("Response %(number)s is much better")
SLIGHTLY = _("Response %(number)s is slightly better")
DEGREES = {
    Scale.FIVE: {2: MUCH, 1: BETTER},
    Scale.SEVEN: {3: MUCH, 2: BETTER, 1: SLIGHTLY},
}
# How sure somebody is, by what is stored of it.
CONFIDENCE = {0.0: _("Not sure"), 0.5: _("Fairly sure"), 1.0: _("Very sure")}


def answer_in_words(choice: str, margin: int | None, scale: str) -> str:
    """An answer as its button was named.

    Examples
    --------
    >>> answer_in_words("right", 1, "seven")
    'Response 2 is slightly better'
    """
    if choice in (LEFT, RIGHT):
        degree = DEGREES.get(Scale(scale), {}).get(margin or 0, BETTER)
        return str(degree) % {"number": 1 if choice == LEFT else 2}
    if choice == BOTH_BAD:
        return gettext("Both responses are bad")
    return gettext("Tie: both are equally good")


def time_in_words(seconds: float) -> str:
    """A duration, as exact as it is of use.

    Examples
    --------
    >>> [time_in_words(seconds) for seconds in (0.4, 42.3, 61, 3600, 5520)]
    ['less than 1 s', '42 s', '1 min', '1 h', '1 h 32 min']
    """
    if seconds < 1:
        return gettext("less than 1 s")
    if seconds < 60:
        return f"{round(seconds)} s" if round(seconds) < 60 else "1 min"
    hours, minutes = divmod(round(seconds / 60), 60)
    return " ".join([*([f"{hours} h"] if hours else []), *([f"{minutes} min"] if minutes else [])])
