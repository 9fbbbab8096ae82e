"""What is read off the responses of a study: how they look, and whom they speak to or name.

A part of :mod:`reports.records`, which alone calls it: texts are read a few at a time, counted and
let go, so that memory does not grow with them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotation.importing.naming import maker_pattern
from annotation.models import Response, Study
from reports.columns import KeyCodes, Keys
from reports.stats.text_features import STYLE_FEATURES, speaks_to_judge, style_features
from reports.stats.votes import IntArray

# Responses fetched at a time: texts of some kilobytes each, a few megabytes in all.
TEXT_CHUNK = 500


@dataclass(frozen=True, slots=True)
class StyleRecords:
    """How the responses of each item look, in the order of STYLE_FEATURES.

    Attributes
    ----------
    a, b : int32 array, shape (items, features)
    bait_a, bait_b : bool array, shape (items,)
        Whether the response says what is meant for a judge.
    names_a, names_b : bool array, shape (items,)
        Whether the response names a maker or a system.
    """

    a: IntArray
    b: IntArray
    bait_a: NDArray[np.bool_]
    bait_b: NDArray[np.bool_]
    names_a: NDArray[np.bool_]
    names_b: NDArray[np.bool_]


def load_style(
    study: Study, response_a: Keys, response_b: Keys, systems: Iterable[str]
) -> StyleRecords:
    """Count the looks of each response once; given are the keys of a and b of each item.

    Parameters
    ----------
    systems : iterable of str
        Their names.
    """
    names = maker_pattern(systems)
    keys: list[int] = []
    found: list[tuple[int, ...]] = []
    texts = Response.objects.filter(prompt__study=study).order_by("pk").values_list("pk", "text")
    for key, text in texts.iterator(chunk_size=TEXT_CHUNK):
        keys.append(key)
        found.append((*style_features(text), speaks_to_judge(text), names.search(text) is not None))
    looks = len(STYLE_FEATURES)
    table = np.array(found, dtype=np.int32).reshape(-1, looks + 2)
    place = KeyCodes(keys)
    a, b = table[place.of(response_a)], table[place.of(response_b)]
    speaks, named = ((a[:, k] > 0, b[:, k] > 0) for k in (looks, looks + 1))
    return StyleRecords(a[:, :looks], b[:, :looks], *speaks, *named)
