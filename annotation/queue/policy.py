"""The queue's limits, each with its reason."""

from __future__ import annotations

from datetime import timedelta

# Long enough for two long responses and a break; a page in use renews it.
LEASE = timedelta(minutes=30)

# A pair held in advance that nobody has seen yet returns soon if its reader left.
UNSEEN_LEASE = timedelta(minutes=2)

# The pair on the screen, the next one, and one more while a vote is on its way.
MAX_HELD = 3

# Others' leases end or are answered meanwhile; short enough not to be felt as a dead end.
RETRY_AFTER_SECONDS = 15

# One sweep changes at most so many rows, so that it stays a short transaction.
SWEEP_LIMIT = 200

# Comparisons tried when the quick way finds none; more would only add to the contention.
SLOW_CANDIDATES = 20
SLOW_ATTEMPTS = 3

# Sides are evened out over an annotator's latest pairs: older ones no longer weigh on anybody,
# and the cost of a claim stays the same after 50,000 votes.
SIDE_WINDOW = 64

# Cells drawn for one pair before the walk is tried: somebody who has done all of one cell.
CELL_DRAWS = 3

# So many cells are asked for each claim whether they have work, which takes a millisecond or two.
FEW_CELLS = 500
# Where there are more, what a process knows of them is so old at most: far less than the time
# between two weighings. Each study's takes some megabytes, so that a process knows a few.
KNOWN_CELLS_SECONDS = 10.0
KNOWN_STUDIES = 8

# Own pairs among which one is chosen to be shown again; see `Checks.repeat_gap`.
REPEAT_WINDOW = 64
