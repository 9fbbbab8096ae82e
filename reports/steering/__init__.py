"""What the votes so far say to the queue: where the next ones go, and which pairs have enough.

Computed in the background, never on claim. Nothing is stored here: `queue` keeps the weights and
the stops. `reading` fetches counts and votes, `rounds` applies the study's policy and its stopping
rule, `pace` says which study is due.
"""

from .pace import Pace, mark_of
from .rounds import Steered, needs_steering, steer

__all__ = ["Pace", "Steered", "mark_of", "needs_steering", "steer"]
