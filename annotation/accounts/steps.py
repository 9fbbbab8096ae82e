"""What somebody does next in a study, in plain words. Pure: counts in, sentences out."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from annotation.models import AnnotatorState, StudyState

# Rows are counted up to here, which takes some milliseconds; one more means "more than".
COUNTED_UP_TO = 10_000


@dataclass(frozen=True, slots=True)
class Step:
    """What is so, and the one thing to do about it: a link, or nothing.

    Attributes
    ----------
    text
        One or two sentences.
    label, route
        The words of the link and the name of the page, which takes the study's slug.
    done, wanted
        The same progress in numbers, for a bar; `wanted` is 0 where there is none to show.
    is_work
        Whether pairs wait to be rated: these links are the page's main buttons.
    """

    text: str
    label: str = ""
    route: str = ""
    done: int = 0
    wanted: int = 0
    is_work: bool = False


@dataclass(frozen=True, slots=True)
class OwnWork:
    """An annotator's own counts in a study, and nothing of anybody else's.

    `left` is how many pairs are left at least, where there are too many to count.
    """

    state: AnnotatorState
    done: int
    left: int
    at_least: bool = False


@dataclass(frozen=True, slots=True)
class StudyProgress:
    """A study's rows; none is counted further than one beyond `COUNTED_UP_TO`.

    Attributes
    ----------
    responses, comparisons, imported_votes : int
        Of drafts only.
    annotators, wanted_votes : int
        Of opened studies, as all that follows; these two are whole.
    collected_votes : int
    answers : int
        All that annotators answered, with checks, repeats and surplus; whole as well.
    is_full : bool
        Whether nothing is open and nobody holds anything.
    """

    responses: int = 0
    comparisons: int = 0
    imported_votes: int = 0
    annotators: int = 0
    wanted_votes: int = 0
    collected_votes: int = 0
    answers: int = 0
    is_full: bool = False

    @property
    def has_many(self) -> bool:
        """Whether there are too many votes to count them for a page."""
        return self.collected_votes > COUNTED_UP_TO

    @property
    def shown_progress(self) -> tuple[int, int]:
        """Votes that are in, of how many; nothing where these were not counted to the end."""
        return (0, 0) if self.has_many else (self.collected_votes, self.wanted_votes)


RATING = "rating:page"
REPORT = "reports:report"
PROGRESS = "progress:page"
SET_UP = "studio:overview"
RUNNING = "studio:running"
PEOPLE = "people:members"
DESIGN = "studio:design"
OPEN = "studio:open"
ADJUDICATION = "adjudication:desk"

NOT_RATING = {
    AnnotatorState.INVITED: _(
        "Your invitation is not complete yet. Ask the person who invited you."
    ),
    AnnotatorState.QUALIFYING: _("First come a few practice pairs."),
    AnnotatorState.PAUSED: _(
        "There is nothing to rate for you at the moment: your work is being looked through. "
        "What you have rated is kept."
    ),
    AnnotatorState.FAILED: _(
        "Thank you for trying the practice pairs. There is nothing more to rate for you here."
    ),
    AnnotatorState.REMOVED: _("Your part in this study has ended. What you have rated is kept."),
}

STUDY_NOT_RATING = {
    StudyState.DRAFT: _("The study has not begun yet. Come back when you are told that it has."),
    StudyState.PAUSED: _("The study is paused. Your votes are kept; come back later."),
    StudyState.CLOSED: _("The study is closed. Thank you for your votes."),
    StudyState.ARCHIVED: _("The study is closed. Thank you for your votes."),
}


def written(number: int) -> str:
    """As the reader's language writes it: `1,200` or `1.200`."""
    return number_format(number, force_grouping=True)


def counted(number: int) -> str:
    """As `written`; `over 10,000` where they were not counted further."""
    if number > COUNTED_UP_TO:
        return gettext("over %(number)s") % {"number": written(COUNTED_UP_TO)}
    return written(number)


def sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def annotator_step(state: StudyState, work: OwnWork) -> Step:
    if state in STUDY_NOT_RATING:
        return Step(" ".join(filter(None, (str(STUDY_NOT_RATING[state]), done_so_far(work)))))
    if work.state == AnnotatorState.QUALIFYING:
        return Step(str(NOT_RATING[work.state]), gettext("Start practising"), RATING)
    if work.state != AnnotatorState.ACTIVE:
        return Step(str(NOT_RATING[work.state]))
    if work.left == 0 and not work.at_least:
        done = done_so_far(work) or gettext("None done yet.")
        nothing_left = gettext(
            "Nothing is left for you right now; pairs that others give back may still come."
        )
        return Step(f"{done} {nothing_left}", gettext("Look for more"), RATING)
    return Step(
        what_is_left(work) % {"done": written(work.done), "left": written(work.left)},
        gettext("Rate pairs"),
        RATING,
        done=work.done,
        wanted=0 if work.at_least else work.done + work.left,
        is_work=True,
    )


def what_is_left(work: OwnWork) -> str:
    if not work.at_least:
        return gettext("%(done)s done, %(left)s left for you.")
    if work.left:
        return gettext("%(done)s done, at least %(left)s left for you.")
    return gettext("%(done)s done, more may be left for you.")


def done_so_far(work: OwnWork) -> str:
    if not work.done:
        return ""
    return ngettext(
        "You have rated %(done)s pair.", "You have rated %(done)s pairs.", work.done
    ) % {"done": written(work.done)}


def researcher_step(state: StudyState, progress: StudyProgress, *, sealed: bool) -> Step:
    """For owners and researchers, who see outcomes unless the study is sealed."""
    if state == StudyState.DRAFT:
        return draft_step(progress)
    text = votes_in(progress)
    done, wanted = progress.shown_progress
    if state == StudyState.PAUSED:
        return Step(
            f"{text} {gettext('The study is paused: annotators wait.')}",
            gettext("Resume or close it"),
            RUNNING,
            done=done,
            wanted=wanted,
        )
    if state == StudyState.OPEN and progress.annotators == 0:
        return Step(
            gettext("The study is open, but nobody is invited to rate yet."),
            gettext("Invite people"),
            PEOPLE,
        )
    if not sealed:
        return Step(text, gettext("Read the report"), REPORT, done=done, wanted=wanted)
    if state == StudyState.OPEN:
        seal = gettext("Results are sealed until the study is closed and unblinded.")
        return Step(
            f"{text} {seal}",
            gettext("Close the study") if progress.is_full else gettext("Watch progress"),
            RUNNING if progress.is_full else PROGRESS,
            done=done,
            wanted=wanted,
        )
    return Step(
        f"{text} {gettext('The results are sealed.')}",
        gettext("Unblind the study"),
        RUNNING,
    )


def draft_step(progress: StudyProgress) -> Step:
    pairs = {"pairs": counted(progress.comparisons)}
    if progress.imported_votes:
        votes = ngettext(
            "%(votes)s imported vote", "%(votes)s imported votes", progress.imported_votes
        ) % {"votes": counted(progress.imported_votes)}
        on_pairs = ngettext("on %(pairs)s pair", "on %(pairs)s pairs", progress.comparisons) % pairs
        return Step(sentence(f"{votes} {on_pairs}."), gettext("Read the report"), REPORT)
    if progress.comparisons:
        ready = ngettext(
            "%(pairs)s pair is ready to be rated.",
            "%(pairs)s pairs are ready to be rated.",
            progress.comparisons,
        )
        freezes = gettext("Opening the study freezes its content and rubric.")
        return Step(sentence(f"{ready % pairs} {freezes}"), gettext("Check and open it"), OPEN)
    if progress.responses:
        responses = ngettext(
            "%(responses)s response is in. Next, pair them up.",
            "%(responses)s responses are in. Next, pair them up.",
            progress.responses,
        ) % {"responses": counted(progress.responses)}
        return Step(sentence(responses), gettext("Choose the design"), DESIGN)
    return Step(
        gettext("Nothing is imported yet. Start with a file of the systems' responses."),
        gettext("Continue the set-up"),
        SET_UP,
    )


def monitor_step(state: StudyState, progress: StudyProgress, *, unblinded: bool) -> Step:
    """For monitors: progress, and outcomes only after unblinding."""
    if state == StudyState.DRAFT:
        return Step(gettext("The study has not begun yet."))
    text = votes_in(progress)
    done, wanted = progress.shown_progress
    if unblinded:
        return Step(text, gettext("Read the report"), REPORT, done=done, wanted=wanted)
    later = gettext("Results can be read after unblinding.")
    return Step(f"{text} {later}", gettext("Watch progress"), PROGRESS, done=done, wanted=wanted)


def adjudicator_step(state: StudyState, waiting: int, *, whole: bool = True) -> Step:
    """For adjudicators; `waiting` is how many pairs wait for this one's decision.

    At least so many, unless the `whole` study was looked through.
    """
    if state == StudyState.DRAFT:
        return Step(gettext("There is nothing to decide yet: the study has not begun."))
    if state == StudyState.ARCHIVED:
        return Step(gettext("The study is archived and takes no more decisions."))
    if not waiting and not whole:
        return Step(
            gettext(
                "Pairs may wait for your decision: the study is large, and not all of it was "
                "looked through."
            ),
            gettext("Look for disagreements"),
            ADJUDICATION,
        )
    if not waiting:
        return Step(
            gettext("There is no disagreement for you to decide at the moment."),
            gettext("Look again"),
            ADJUDICATION,
        )
    return Step(
        sentence(what_waits(waiting, whole=whole) % {"pairs": counted(waiting)}),
        gettext("Decide disagreements"),
        ADJUDICATION,
        is_work=True,
    )


def what_waits(waiting: int, *, whole: bool) -> str:
    if whole:
        return ngettext(
            "%(pairs)s pair waits for your decision: people disagreed.",
            "%(pairs)s pairs wait for your decision: people disagreed.",
            waiting,
        )
    return ngettext(
        "At least %(pairs)s pair waits for your decision: people disagreed.",
        "At least %(pairs)s pairs wait for your decision: people disagreed.",
        waiting,
    )


def votes_in(progress: StudyProgress) -> str:
    figures = {
        "answers": written(progress.answers),
        "collected": written(progress.collected_votes),
        "wanted": written(progress.wanted_votes),
        "people": counted(progress.annotators),
    }
    if progress.has_many:
        many = ngettext(
            "%(answers)s answers are in, checks and repeats among them, from %(people)s annotator; "
            "%(wanted)s votes are wanted.",
            "%(answers)s answers are in, checks and repeats among them, from %(people)s "
            "annotators; %(wanted)s votes are wanted.",
            progress.annotators,
        )
        return many % figures
    few = ngettext(
        "%(collected)s of %(wanted)s votes are in, from %(people)s annotator.",
        "%(collected)s of %(wanted)s votes are in, from %(people)s annotators.",
        progress.annotators,
    )
    return few % figures
