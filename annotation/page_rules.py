"""What the rating page asks beside the criteria, shows, and says at the end. Pure.

Sections of `annotation.rules`: written in the study's rules, frozen with them, and read by what
takes votes in as well as by the page. A field whose metadata has `read` brings its own reader:
place, value and list of faults in, the value out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from annotation.shown_values import shown
from annotation.storable import is_storable

# What fits beside a vote and is read at a glance; see `voting.answers`.
MOST_TAGS = 20
LONGEST_TAG = 64
# A longer reason than this is asked of nobody, and a longer one than 10,000 is not taken.
LONGEST_MINIMUM = 2_000
LONGEST_CODE = 64
LONGEST_URL = 400
# A name as it stands before "=" in an address.
PARAMETER = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
CODE_PLACE = "{code}"
# BCP 47 as pages need it: a language, and perhaps script, region or variant.
LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
LONGEST_LANGUAGE = 35


class Ask(StrEnum):
    """Whether something is asked with an answer."""

    OFF = "off"
    OPTIONAL = "optional"
    REQUIRED = "required"


def one_of_ask(place: str, raw: object, faults: list[str]) -> Ask:
    if not isinstance(raw, str) or raw not in list(Ask):
        faults.append(f"{place} must be one of {', '.join(Ask)}, not {shown(raw)}.")
        return Ask.OFF
    return Ask(raw)


def read_tags(place: str, raw: object, faults: list[str]) -> tuple[str, ...]:
    if not isinstance(raw, (list, tuple)) or not all(isinstance(tag, str) for tag in raw):
        faults.append(f"{place} must be a list of texts, not {shown(raw)}.")
        return ()
    tags = tuple(raw)
    if len(tags) > MOST_TAGS:
        faults.append(f"{place} names {len(tags)} reasons; {MOST_TAGS} are the most.")
    for tag in tags:
        # In CSV, tags are split by "|".
        if not tag.strip() or tag != tag.strip() or len(tag) > LONGEST_TAG or "|" in tag:
            faults.append(
                f"{place}: {shown(tag)} must be 1 to {LONGEST_TAG} characters without | and "
                "without a space at either end."
            )
        elif not is_storable(tag):
            faults.append(f"{place}: {shown(tag)} holds a character that cannot be stored.")
    faults += [
        f"{place}: {shown(tag)} comes {tags.count(tag)} times."
        for tag in dict.fromkeys(tags)
        if tags.count(tag) > 1
    ]
    return tags


def read_parameter(place: str, raw: object, faults: list[str]) -> str:
    if not isinstance(raw, str) or PARAMETER.fullmatch(raw) is None:
        faults.append(
            f"{place} must be the name of a parameter such as PROLIFIC_PID, not {shown(raw)}."
        )
        return ""
    return raw


def read_code(place: str, raw: object, faults: list[str]) -> str:
    if not isinstance(raw, str) or not is_storable(raw) or len(raw) > LONGEST_CODE:
        faults.append(f"{place} must be a text of at most {LONGEST_CODE} characters.")
        return ""
    return raw.strip()


def read_language(place: str, raw: object, faults: list[str]) -> str:
    if raw == "":
        return ""
    good = isinstance(raw, str) and len(raw) <= LONGEST_LANGUAGE and LANGUAGE_TAG.fullmatch(raw)
    if not good or not isinstance(raw, str):
        faults.append(f"{place} must be a language as in HTML, such as en, de-AT or zh-Hant.")
        return ""
    return raw


def read_return_url(place: str, raw: object, faults: list[str]) -> str:
    """An address to go back to, of another site; `{code}` in it stands for the code."""
    if raw == "":
        return ""
    good = isinstance(raw, str) and is_storable(raw) and len(raw) <= LONGEST_URL
    if good and isinstance(raw, str):
        try:
            parts = urlsplit(raw)
        except ValueError:
            good = False
        else:
            good = parts.scheme == "https" and bool(parts.hostname) and not set(raw) & set(' "<>\\')
    if not good or not isinstance(raw, str):
        faults.append(
            f"{place} must be an address that begins with https:// and may hold {CODE_PLACE}, "
            f"not {shown(raw)}."
        )
        return ""
    return raw


@dataclass(frozen=True, slots=True)
class Answering:
    """What goes with an answer, what is shown beside the pair, and when a break is proposed.

    Attributes
    ----------
    rationale : Ask
        A reason in the annotator's own words.
    rationale_min : int
        Its least number of characters, where it is required.
    confidence : Ask
        How sure the annotator is, in three steps, stored as 0, 0.5 and 1.
    tags : tuple of str
        Reasons to tick, optional; at most 20.
    revise_earlier : bool
        Whether any own answer can be changed while the study takes votes; otherwise the last one.
    show_reference : bool
        Whether the prompt's reference answer is shown, folded, below the prompt.
    by_script : bool
        Whether annotators may get pairs and vote through the REST API, without the page.
    break_after_minutes : int or None
        After so many minutes of active time without a pause a break is proposed.
    """

    rationale: Ask = field(default=Ask.OPTIONAL, metadata={"read": one_of_ask})
    rationale_min: int = field(default=1, metadata={"least": 1, "most": LONGEST_MINIMUM})
    confidence: Ask = field(default=Ask.OFF, metadata={"read": one_of_ask})
    tags: tuple[str, ...] = field(default=(), metadata={"read": read_tags})
    revise_earlier: bool = False
    show_reference: bool = False
    by_script: bool = False
    break_after_minutes: int | None = field(default=45, metadata={"least": 5, "most": 480})

    @property
    def shortest_rationale(self) -> int:
        """Characters that a reason must have; 0 where none is required."""
        return self.rationale_min if self.rationale is Ask.REQUIRED else 0


@dataclass(frozen=True, slots=True)
class Crowd:
    """How people come from a recruitment platform, and with which code they go back.

    Attributes
    ----------
    participant, study, session : str
        The names of the parameters in which the platform says who comes.
    completed_code, no_work_code, screened_out_code : str
        Shown at the end, each where it is earned; empty shows none.
    return_url : str
        An address of the platform; `{code}` in it stands for the code.
    """

    participant: str = field(default="PROLIFIC_PID", metadata={"read": read_parameter})
    study: str = field(default="STUDY_ID", metadata={"read": read_parameter})
    session: str = field(default="SESSION_ID", metadata={"read": read_parameter})
    completed_code: str = field(default="", metadata={"read": read_code})
    no_work_code: str = field(default="", metadata={"read": read_code})
    screened_out_code: str = field(default="", metadata={"read": read_code})
    return_url: str = field(default="", metadata={"read": read_return_url})


@dataclass(frozen=True, slots=True)
class Texts:
    """What is known of the study's own texts: title, instructions, questions, prompts, responses.

    Attributes
    ----------
    language : str
        The language they are in, as in HTML (BCP 47), for screen readers, hyphenation and fonts.
        Empty where it is unknown or there are several; the page says then that it does not know.
    """

    language: str = field(default="", metadata={"read": read_language})


def faults_of_page(answering: Answering, crowd: Crowd) -> list[str]:
    """Values that are allowed one by one but not together."""
    faults = []
    if answering.rationale_min > 1 and answering.rationale is not Ask.REQUIRED:
        faults.append(
            f"answering.rationale_min is {answering.rationale_min}, but a reason is not required. "
            'Set rationale = "required", or take the minimum out.'
        )
    names = [crowd.participant, crowd.study, crowd.session]
    if len(set(names)) < len(names):
        faults.append("crowd: participant, study and session must be three different parameters.")
    codes = [crowd.completed_code, crowd.no_work_code, crowd.screened_out_code]
    if crowd.return_url and not any(codes):
        faults.append("crowd.return_url is set, but there is no code to go back with.")
    given = [code for code in codes if code]
    if len(set(given)) < len(given):
        faults.append("crowd: the codes must differ, or they would not tell how somebody ended.")
    return faults
