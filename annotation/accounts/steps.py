"""What somebody does next in a study, in plain words. Pure: counts in, sentences out."""

from __future__ import annotations

from dataclasses import dataclass

from annotation.models import AnnotatorState, StudyState

# Rows are counted up to here, which takes some milliseconds; one more means "more than".
COUNTED_UP_TO = 10_000


@dataclass(frozen=True, slots=True)
class Step:
    """What is so, and the one thing to do about it: a link or a command, or neither.

    Attributes
    ----------
    text
        One or two sentences.
    label, route
        The words of the link and the name of the page, which takes the study's slug.
    command
        A command for the researcher's terminal, without `manage.py`.
    done, wanted
        The same progress in numbers, for a bar; `wanted` is 0 where there is none to show.
    is_work
        Whether pairs wait to be rated: these links are the page's main buttons.
    """

    text: str
    label: str = ""
    route: str = ""
    command: str = ""
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
    def done(self) -> int:
        """Votes that are in; among very many, as many as there are answers."""
        return min(self.answers, self.wanted_votes) if self.has_many else self.collected_votes

    @property
    def is_complete(self) -> bool:
        return self.is_full if self.has_many else self.collected_votes >= self.wanted_votes


RATING = "rating:page"
REPORT = "reports:report"
ADJUDICATION = "adjudication:desk"

NOT_RATING = {
    AnnotatorState.INVITED: "Your invitation is not complete yet. Ask the person who invited you.",
    AnnotatorState.QUALIFYING: "First come a few practice pairs.",
    AnnotatorState.PAUSED: (
        "There is nothing to rate for you at the moment: your work is being looked through. "
        "What you have rated is kept."
    ),
    AnnotatorState.FAILED: (
        "Thank you for trying the practice pairs. There is nothing more to rate for you here."
    ),
    AnnotatorState.REMOVED: "Your part in this study has ended. What you have rated is kept.",
}

STUDY_NOT_RATING = {
    StudyState.DRAFT: "The study has not begun yet. Come back when you are told that it has.",
    StudyState.PAUSED: "The study is paused. Your votes are kept; come back later.",
    StudyState.CLOSED: "The study is closed. Thank you for your votes.",
    StudyState.ARCHIVED: "The study is closed. Thank you for your votes.",
}


def count(number: int, one: str, many: str) -> str:
    """`1 pair`, `1,200 pairs`; `over 10,000 pairs` where they were not counted further."""
    if number > COUNTED_UP_TO:
        return f"over {COUNTED_UP_TO:,} {many}"
    return f"{number:,} {one if number == 1 else many}"


def sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def annotator_step(state: StudyState, work: OwnWork) -> Step:
    if state in STUDY_NOT_RATING:
        return Step(" ".join(filter(None, (STUDY_NOT_RATING[state], done_so_far(work)))))
    if work.state == AnnotatorState.QUALIFYING:
        return Step(NOT_RATING[work.state], "Start practising", RATING)
    if work.state != AnnotatorState.ACTIVE:
        return Step(NOT_RATING[work.state])
    if work.left == 0 and not work.at_least:
        return Step(
            f"{done_so_far(work) or 'None done yet.'} Nothing is left for you right now; pairs "
            "that others give back may still come.",
            "Look for more",
            RATING,
        )
    return Step(
        f"{work.done:,} done, {left_in_words(work)} left for you.",
        "Rate pairs",
        RATING,
        done=work.done,
        wanted=0 if work.at_least else work.done + work.left,
        is_work=True,
    )


def left_in_words(work: OwnWork) -> str:
    if not work.at_least:
        return f"{work.left:,}"
    return f"at least {work.left:,}" if work.left else "more may be"


def done_so_far(work: OwnWork) -> str:
    if not work.done:
        return ""
    return f"You have rated {work.done:,} {'pair' if work.done == 1 else 'pairs'}."


def researcher_step(slug: str, state: StudyState, progress: StudyProgress, *, sealed: bool) -> Step:
    """For owners and researchers, who see outcomes unless the study is sealed."""
    if state == StudyState.DRAFT:
        return draft_step(slug, progress)
    text = votes_in(progress)
    done, wanted = progress.done, progress.wanted_votes
    if state == StudyState.PAUSED:
        return Step(
            f"{text} The study is paused: annotators wait.",
            command=f"open_study {slug}",
            done=done,
            wanted=wanted,
        )
    if state == StudyState.OPEN and progress.annotators == 0:
        return Step(
            "The study is open, but nobody is invited to rate yet.",
            command=f"invite {slug} --role annotator --count 3",
        )
    if not sealed:
        return Step(text, "Read the report", REPORT, done=done, wanted=wanted)
    if state == StudyState.OPEN:
        return Step(
            f"{text} Results are sealed until the study is closed and unblinded.",
            command=f"close_study {slug}" if progress.is_complete else "",
            done=done,
            wanted=wanted,
        )
    return Step(f"{text} The results are sealed.", command=f"unblind_study {slug}")


def draft_step(slug: str, progress: StudyProgress) -> Step:
    if progress.imported_votes:
        votes = count(progress.imported_votes, "imported vote", "imported votes")
        pairs = count(progress.comparisons, "pair", "pairs")
        return Step(sentence(f"{votes} on {pairs}."), "Read the report", REPORT)
    if progress.comparisons:
        pairs = count(progress.comparisons, "pair is", "pairs are")
        return Step(
            sentence(
                f"{pairs} ready to be rated. Opening the study freezes its content and rubric."
            ),
            command=f"open_study {slug}",
        )
    if progress.responses:
        responses = count(progress.responses, "response is", "responses are")
        text = sentence(f"{responses} in. Next, pair them up.")
        return Step(text, command=f"generate_comparisons {slug}")
    return Step(
        "Nothing is imported yet. Start with a file of the systems' responses.",
        command=f"import_responses {slug} FILE",
    )


def monitor_step(state: StudyState, progress: StudyProgress, *, unblinded: bool) -> Step:
    """For monitors: progress, and outcomes only after unblinding."""
    if state == StudyState.DRAFT:
        return Step("The study has not begun yet.")
    text = votes_in(progress)
    done, wanted = progress.done, progress.wanted_votes
    if unblinded:
        return Step(text, "Read the report", REPORT, done=done, wanted=wanted)
    return Step(f"{text} Results can be read after unblinding.", done=done, wanted=wanted)


def adjudicator_step(state: StudyState, waiting: int, *, whole: bool = True) -> Step:
    """For adjudicators; `waiting` is how many pairs wait for this one's decision.

    At least so many, unless the `whole` study was looked through.
    """
    if state == StudyState.DRAFT:
        return Step("There is nothing to decide yet: the study has not begun.")
    if state == StudyState.ARCHIVED:
        return Step("The study is archived and takes no more decisions.")
    if not waiting and not whole:
        return Step(
            "Pairs may wait for your decision: the study is large, and not all of it was looked "
            "through.",
            "Look for disagreements",
            ADJUDICATION,
        )
    if not waiting:
        return Step(
            "There is no disagreement for you to decide at the moment.", "Look again", ADJUDICATION
        )
    pairs = count(waiting, "pair waits", "pairs wait")
    return Step(
        f"{pairs if whole else f'At least {pairs}'} for your decision: people disagreed.",
        "Decide disagreements",
        ADJUDICATION,
        is_work=True,
    )


def votes_in(progress: StudyProgress) -> str:
    people = count(progress.annotators, "annotator", "annotators")
    if progress.has_many:
        return (
            f"{progress.answers:,} answers are in, checks and repeats among them, from {people}; "
            f"{progress.wanted_votes:,} votes are wanted."
        )
    return f"{progress.collected_votes:,} of {progress.wanted_votes:,} votes are in, from {people}."
