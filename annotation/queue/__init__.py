"""Who rates what next: claim, renew, release, expire, settle.

The table is the queue. A claim reserves a slot of a comparison as an Assignment with a lease; the
unique key on (comparison, slot) makes more votes than wanted impossible whatever the code does.
Only this package changes assignments, the counters and places of comparisons, and the cursors.

`claiming` hands out what `reserving` finds: work from `choosing` (by `drawing` from `known_cells`,
for those whom `eligibility` lets), `checks` as `check_plan` has them, pairs of `training`; `limits`
says how many.
`leases` keeps and ends reservations, `settling` is asked by `voting`, `excluding` by whoever takes
votes out of the count, `opening` and `raising` by `lifecycle`, `sending_first` by `reports`,
`cells` by whoever steers. `ring` has the order, `slots` the counters, `locks` the locks.
"""

from .cells import CellState, cells_of, set_priorities, stop
from .choosing import that_fit
from .claiming import claim
from .claims import (
    AlreadyAnswered,
    AssignmentNotFound,
    Claim,
    EmptyReason,
    HeldPair,
    Lease,
    LeaseState,
    Practice,
    Progress,
)
from .excluding import free_excluded, restore_excluded
from .leases import (
    SkipLimitReached,
    expire_lapsed,
    forget_skip_notes,
    give_back,
    mark_displayed,
    release,
    renew,
)
from .limits import maximum_of
from .locks import LockedAnnotator, LockedAssignment, lock_annotator
from .opening import open_for_claims
from .presenting import presented_pair
from .progress import place_of_walk, progress
from .sending_first import hand_out_first, hand_out_in_turn, hold_for_change
from .settling import (
    GRACE,
    Settlement,
    SettlingInsert,
    is_over,
    lock_for_vote,
    move_to_version,
    settle,
)
from .training import TrainingState, attempts_allowed, training_state

__all__ = [
    "GRACE",
    "AlreadyAnswered",
    "AssignmentNotFound",
    "CellState",
    "Claim",
    "EmptyReason",
    "HeldPair",
    "Lease",
    "LeaseState",
    "LockedAnnotator",
    "LockedAssignment",
    "Practice",
    "Progress",
    "Settlement",
    "SettlingInsert",
    "SkipLimitReached",
    "TrainingState",
    "attempts_allowed",
    "cells_of",
    "claim",
    "expire_lapsed",
    "forget_skip_notes",
    "free_excluded",
    "give_back",
    "hand_out_first",
    "hand_out_in_turn",
    "hold_for_change",
    "is_over",
    "lock_annotator",
    "lock_for_vote",
    "mark_displayed",
    "maximum_of",
    "move_to_version",
    "open_for_claims",
    "place_of_walk",
    "presented_pair",
    "progress",
    "release",
    "renew",
    "restore_excluded",
    "set_priorities",
    "settle",
    "stop",
    "that_fit",
    "training_state",
]
