"""What keeps an annotator from knowing which system wrote what. Pure; no Django.

Sides
    The one mapping between left and right, which are clicked, and a and b, which are stored;
    which side each slot of a comparison has; which of the free slots evens an annotator out.
Opaque ids
    A new random UUID each time a pair is presented; it says nothing about order or content.
What may be seen
    `PresentedPair` holds exactly that. A page that is given nothing else cannot leak more.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from annotation.draws import draw, shuffled

LEFT, RIGHT, TIE, BOTH_BAD = "left", "right", "tie", "both_bad"
A, B = "a", "b"

VERDICT_UNSWAPPED = {LEFT: A, RIGHT: B, TIE: TIE, BOTH_BAD: BOTH_BAD}
VERDICT_SWAPPED = {LEFT: B, RIGHT: A, TIE: TIE, BOTH_BAD: BOTH_BAD}
CHOICE_UNSWAPPED = {verdict: choice for choice, verdict in VERDICT_UNSWAPPED.items()}
CHOICE_SWAPPED = {verdict: choice for choice, verdict in VERDICT_SWAPPED.items()}

# Two comparisons of each block start left and two right: short enough to even out early, long
# enough that one start does not give away the next.
SIDE_BLOCK = 4


def verdict_of(choice: str, swapped: bool) -> str:
    """The verdict (a, b, tie, both_bad) that a choice (left, right, tie, both_bad) means.

    Parameters
    ----------
    choice : str
        What was clicked.
    swapped : bool
        Whether response b was shown left.

    Raises
    ------
    ValueError
        If `choice` is none of the four.

    Examples
    --------
    >>> verdict_of("left", swapped=True)
    'b'
    """
    mapping = VERDICT_SWAPPED if swapped else VERDICT_UNSWAPPED
    if choice not in mapping:
        raise ValueError(f"{choice!r} is no choice; use one of {', '.join(mapping)}.")
    return mapping[choice]


def choice_of(verdict: str, swapped: bool) -> str:
    """The choice that a verdict was, the inverse of `verdict_of`.

    Raises
    ------
    ValueError
        If `verdict` is none of a, b, tie, both_bad.
    """
    mapping = CHOICE_SWAPPED if swapped else CHOICE_UNSWAPPED
    if verdict not in mapping:
        raise ValueError(f"{verdict!r} is no verdict; use one of {', '.join(mapping)}.")
    return mapping[verdict]


def grade_of(verdict: str, margin: int | None) -> int | None:
    """A verdict with its margin as one signed number, for ordinal statistics.

    Parameters
    ----------
    verdict : str
        In a/b order.
    margin : int or None
        1 to 3 on graded scales; None counts as 1, the one step that other scales have.

    Returns
    -------
    int or None
        Positive when a is preferred, negative when b is, 0 for a tie, None for both_bad, which
        is no point on the scale between the two.

    Examples
    --------
    >>> grade_of(verdict_of("left", swapped=True), 2)
    -2
    """
    if verdict == BOTH_BAD:
        return None
    if verdict == TIE:
        return 0
    step = 1 if margin is None else margin
    if verdict == A:
        return step
    if verdict == B:
        return -step
    raise ValueError(f"{verdict!r} is no verdict; use one of {', '.join(CHOICE_UNSWAPPED)}.")


def graded_choice(position: int, points: int) -> tuple[str, int | None]:
    """The choice and margin of a position on a graded scale, counted 1 … points from the left.

    Raises
    ------
    ValueError
        If the scale is even or too short to have a middle, or has no such position.

    Examples
    --------
    >>> [graded_choice(position, 5) for position in (1, 3, 4)]
    [('left', 2), ('tie', None), ('right', 1)]
    """
    if points < 3 or points % 2 == 0:
        raise ValueError(f"A graded scale has an odd number of points from 3 on, not {points}.")
    if not 1 <= position <= points:
        raise ValueError(f"A {points}-point scale has no position {position}.")
    distance = position - (points + 1) // 2
    if distance == 0:
        return TIE, None
    return (LEFT if distance < 0 else RIGHT), abs(distance)


def side_starts(seed: int, pair: tuple[str, str], count: int, first: int = 0) -> Iterator[bool]:
    """For comparisons of one pair of systems: does slot 1 show the pair's first system right?

    Drawn in balanced blocks of four, so that over the comparisons, in the order given, neither
    system starts left more than two times oftener than the other, and at the end of `count`
    comparisons at most once oftener.

    Parameters
    ----------
    seed : int
        The study's.
    pair : (str, str)
        The two systems, in any fixed order: the draw is about the first one given.
    count : int
        How many comparisons.
    first : int
        How many of this pair were drawn before; tells a later draw from an earlier one.
    """
    for block_start in range(0, count, SIDE_BLOCK):
        size = min(SIDE_BLOCK, count - block_start)
        about = ("sides", *pair, first, block_start)
        half = size // 2
        # An odd rest gets one more of a drawn side.
        odd = draw(seed, *about, "rest") & 1 if size % 2 else 0
        block = [position < half + odd for position in range(size)]
        for position in shuffled(range(size), seed, *about, key=int):
            yield block[position]


def slot_is_swapped(slot_no: int, first_swapped: bool) -> bool:
    """Whether a slot (1, 2, …) shows response b left: slots alternate from the drawn start.

    Whatever slots are filled, skipped and filled again, a full comparison is balanced within one.
    """
    return first_swapped ^ (slot_no % 2 == 0)


@dataclass(frozen=True, slots=True)
class ShownPair:
    """What one annotator was shown before: which systems, and which of them left."""

    system_a: int
    system_b: int
    swapped: bool


def choose_slot(
    free: Sequence[int],
    first_swapped: bool,
    system_a: int,
    system_b: int,
    shown: Iterable[ShownPair],
) -> int:
    """The free slot whose side evens out what the annotator was shown, per system and overall.

    Parameters
    ----------
    free : sequence of int
        The free slots of the comparison, at least one.
    first_swapped : bool
        The comparison's drawn start.
    system_a, system_b : int
        Any identifiers of its two systems.
    shown : iterable of ShownPair
        The annotator's earlier pairs.

    Returns
    -------
    int
        Of equally good slots the smallest.
    """
    # How much oftener a system was left than right.
    lean: Counter[int] = Counter()
    overall = 0
    for pair in shown:
        left, right = (
            (pair.system_b, pair.system_a) if pair.swapped else (pair.system_a, pair.system_b)
        )
        lean[left] += 1
        lean[right] -= 1
        overall += -1 if pair.swapped else 1

    def cost(slot_no: int) -> tuple[int, int, int]:
        swapped = slot_is_swapped(slot_no, first_swapped)
        left, right = (system_b, system_a) if swapped else (system_a, system_b)
        # Left goes to the system that was left less: the least sum of squared leans.
        return lean[left] - lean[right], abs(overall + (-1 if swapped else 1)), slot_no

    return min(free, key=cost)


def opaque_id() -> uuid.UUID:
    """A random UUIDv4: no sequence, no time, nothing of what it stands for."""
    return uuid.uuid4()


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class PresentedPair:
    """Exactly what an annotator may see of a comparison, and the opaque id to answer with."""

    id: uuid.UUID
    prompt: tuple[Message, ...]
    left: str
    right: str
    # The prompt's reference answer, where the study shows it and there is one.
    reference: str = ""


def present(
    presentation_id: uuid.UUID,
    *,
    swapped: bool,
    prompt: Sequence[Message],
    text_a: str,
    text_b: str,
    reference: str = "",
) -> PresentedPair:
    """Put two responses on their sides."""
    left, right = (text_b, text_a) if swapped else (text_a, text_b)
    return PresentedPair(
        id=presentation_id, prompt=tuple(prompt), left=left, right=right, reference=reference
    )
