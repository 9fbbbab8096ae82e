"""Pairs for somebody who asks for them, as the page reads them: on the page and through the API."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Any

from annotation import quality, queue
from annotation.models import Annotator
from annotation.rules import rules_of

from . import wire

# The pair on the screen, the next, and one more while a vote is on its way.
MOST_WANTED = 3


def lend_pairs(
    annotator: Annotator, *, want: int, have: Collection[uuid.UUID] = ()
) -> dict[str, Any]:
    """The pairs held, claimed if need be, or the reason why there is none.

    Parameters
    ----------
    want : int
        1 to `MOST_WANTED`.
    have : collection of UUID
        Pairs whose texts whoever asks has already.
    """
    claim = queue.claim(annotator, want=want, have=have)
    # No training pair for somebody who has to train: the rules may have changed since they began.
    if claim.empty == queue.EmptyReason.QUALIFICATION_PENDING and quality.settle_one(annotator.pk):
        claim = queue.claim(annotator, want=want, have=have)
    return wire.claim_for_page(claim, rules_of(annotator.study.rules).crowd)
