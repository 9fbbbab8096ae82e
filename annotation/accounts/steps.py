"""What somebody does next in a study, in plain words. Pure: counts in, sentences out."""

from __future__ import annotations

from dataclasses import dataclass

from annotation.models import AnnotatorState, StudyState


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
    """An annotator's own counts in a study, and nothing of anybody else's."""

    state: AnnotatorState
    done: int
    left: int


@dataclass(frozen=True, slots=True)
class StudyProgress:
    """A study's rows, counted."""

    responses: int
    comparisons: int
    wanted_votes: int
    collected_votes: int
    imported_votes: int
    annotators: int


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
    """`1 pair`, `1,200 pairs`."""
    return f"{number:,} {one if number == 1 else many}"


def annotator_step(state: StudyState, work: OwnWork) -> Step:
    if state in STUDY_NOT_RATING:
        return Step(" ".join(filter(None, (STUDY_NOT_RATING[state], done_so_far(work)))))
    if work.state == AnnotatorState.QUALIFYING:
        return Step(NOT_RATING[work.state], "Start practising", RATING)
    if work.state != AnnotatorState.ACTIVE:
        return Step(NOT_RATING[work.state])
    if work.left == 0:
        return Step(
            f"{done_so_far(work) or 'None done yet.'} Nothing is left for you right now; pairs "
            "that others give back may still come.",
            "Look for more",
            RATING,
        )
    return Step(
        f"{work.done:,} done, {work.left:,} left for you.",
        "Rate pairs",
        RATING,
        done=work.done,
        wanted=work.done + work.left,
        is_work=True,
    )


def done_so_far(work: OwnWork) -> str:
    return f"You have rated {count(work.done, 'pair', 'pairs')}." if work.done else ""


def researcher_step(slug: str, state: StudyState, progress: StudyProgress, *, sealed: bool) -> Step:
    """For owners and researchers, who see outcomes unless the study is sealed."""
    if state == StudyState.DRAFT:
        return draft_step(slug, progress)
    text = votes_in(progress)
    done, wanted = progress.collected_votes, progress.wanted_votes
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
        complete = done >= wanted
        return Step(
            f"{text} Results are sealed until the study is closed and unblinded.",
            command=f"close_study {slug}" if complete else "",
            done=done,
            wanted=wanted,
        )
    return Step(f"{text} The results are sealed.", command=f"unblind_study {slug}")


def draft_step(slug: str, progress: StudyProgress) -> Step:
    if progress.imported_votes:
        votes = count(progress.imported_votes, "imported vote", "imported votes")
        pairs = count(progress.comparisons, "pair", "pairs")
        return Step(f"{votes} on {pairs}.", "Read the report", REPORT)
    if progress.comparisons:
        pairs = count(progress.comparisons, "pair is", "pairs are")
        return Step(
            f"{pairs} ready to be rated. Opening the study freezes its content and rubric.",
            command=f"open_study {slug}",
        )
    if progress.responses:
        responses = count(progress.responses, "response is", "responses are")
        return Step(f"{responses} in. Next, pair them up.", command=f"generate_comparisons {slug}")
    return Step(
        "Nothing is imported yet. Start with a file of the systems' responses.",
        command=f"import_responses {slug} FILE",
    )


def monitor_step(state: StudyState, progress: StudyProgress, *, unblinded: bool) -> Step:
    """For monitors: progress, and outcomes only after unblinding."""
    if state == StudyState.DRAFT:
        return Step("The study has not begun yet.")
    text = votes_in(progress)
    done, wanted = progress.collected_votes, progress.wanted_votes
    if unblinded:
        return Step(text, "Read the report", REPORT, done=done, wanted=wanted)
    return Step(f"{text} Results can be read after unblinding.", done=done, wanted=wanted)


def adjudicator_step(state: StudyState, waiting: int) -> Step:
    """For adjudicators; `waiting` is how many pairs wait for this one's decision."""
    if state == StudyState.DRAFT:
        return Step("There is nothing to decide yet: the study has not begun.")
    if state == StudyState.ARCHIVED:
        return Step("The study is archived and takes no more decisions.")
    if not waiting:
        return Step(
            "There is no disagreement for you to decide at the moment.", "Look again", ADJUDICATION
        )
    pairs = count(waiting, "pair waits", "pairs wait")
    return Step(
        f"{pairs} for your decision: people disagreed.",
        "Decide disagreements",
        ADJUDICATION,
        is_work=True,
    )


def votes_in(progress: StudyProgress) -> str:
    people = count(progress.annotators, "annotator", "annotators")
    return f"{progress.collected_votes:,} of {progress.wanted_votes:,} votes are in, from {people}."
