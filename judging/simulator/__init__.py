"""A chat-completions server that plays judges and every fault of one; nobody real is called.

The demo's judges are asked here, so that a run needs no key; tests and the chaos run let it fail.
What it does is decided by the model's name and a seed: `MODE` or `MODE:option=value,…`.

Judges
    `fair` prefers what it takes for better, `noisy` (`accuracy`) errs at random, `first` (`bias`)
    favours what it is shown first, `longest` the longer text, `obedient` does what a response
    tells it, `sparse` (`share`) is silent more often where the first is better.
Faults
    any of `FAULTS` by its name on every call; `faulty` (`rate`) mixes them into a fair judge.
Options of all
    `delay`, seconds before an answer; `noise`, the error of a judge.

A response may state its quality in a line `quality: NUMBER`; otherwise it is made up from the text
alone, the same on every look. The log is the truth about what was asked and billed.
"""

from judging.simulator.faults import FAULTS, MIXED_FAULTS
from judging.simulator.server import Entry, Simulator

__all__ = ["FAULTS", "MIXED_FAULTS", "Entry", "Simulator"]
