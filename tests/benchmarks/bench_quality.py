"""Power of the default quality rules: who is caught within 60 answers, and who is flagged wrongly.

Run with ``python -m tests.benchmarks.bench_quality [STUDIES]`` (300). Each study has twelve
annotators of 60 answers, a tenth of them gold, a tenth repeats and a twentieth identical pairs,
overlap 3; one annotator does not try. Rules are looked at after every fifth answer. Nothing fails
here; tests/annotation/quality/test_power.py holds the gates.
"""

from __future__ import annotations

import sys

from annotation.quality_rules.figures import Share
from annotation.quality_rules.intervals import interval
from tests.annotation.quality.simulated_raters import CAREFREE, Power, World, measure

WORLDS = {
    "plain material (kappa about 0.55)": World(),
    "hard material (kappa about 0.33)": World(taste=(0.2, 0.4)),
    "plain material, no checks": World(gold_share=0, repeat_share=0, identical_share=0),
}


def share(hits: int, n: int) -> str:
    bounds = interval(Share(hits, n), 0.025)
    return "-" if bounds is None else f"{hits / n:7.2%} [{bounds[0]:.2%}, {bounds[1]:.2%}]"


def row(name: str, power: Power) -> str:
    by = ", ".join(
        f"{rule} {count / power.of:.0%}" for rule, count in power.caught_by.most_common()
    )
    flagged = share(power.flagged, power.honest)
    caught = share(power.caught, power.of)
    return f"  {name:<22} caught {caught}  honest flagged {flagged}  {by}\n"


def main(studies: int) -> None:
    for title, world in WORLDS.items():
        sys.stdout.write(f"{title}\n")
        for kind in CAREFREE:
            sys.stdout.write(row(kind, measure(world, kind, studies)))
            sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
