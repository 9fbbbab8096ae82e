"""One rival's fit of votes that lie in a file: ``python rivals.py NAME VOTES.npz ROUNDS``.

It imports nothing of the project, so that any environment that has the rival can run it. Prints
JSON: seconds and processor seconds of each round, the strengths on the log scale, and what was
not installed.
"""

import importlib.util
import json
import sys
import time
from pathlib import Path

import numpy as np


def evalica(a, b, verdict):
    """evalica.bradley_terry: indexing and fit, to its default tolerance of 1e-6."""
    from evalica import Winner, bradley_terry

    choice = np.array([Winner.X, Winner.Draw, Winner.Y, Winner.Draw], dtype=object)
    left, right, winners = a.tolist(), b.tolist(), choice[verdict].tolist()

    def run():
        scores = bradley_terry(left, right, winners).scores
        return np.log(scores.sort_index().to_numpy())

    return run


def arena_rank(a, b, verdict):
    """arena-rank: preparing the pairs, fit and sandwich."""
    import pandas
    from arena_rank.models.bradley_terry import BradleyTerry
    from arena_rank.utils.data_utils import PairDataset

    names = np.array([f"{code:05}" for code in range(int(max(a.max(), b.max())) + 1)])
    winner = np.array(["model_a", "tie", "model_b", "both_bad"])[verdict]
    table = pandas.DataFrame({"model_a": names[a], "model_b": names[b], "winner": winner})

    def run():
        data = PairDataset.from_pandas(table)
        model = BradleyTerry(n_competitors=len(data.competitors))
        found = model.compute_ratings_and_cis(data)
        order = np.argsort(found["competitors"])
        return np.asarray(found["ratings"])[order] / model.alpha

    return run


RIVALS = {"evalica": evalica, "arena_rank": arena_rank}


def main(name, path, rounds):
    """Time the rival, the first round aside, in which it compiles."""
    if importlib.util.find_spec(name) is None:
        return {"missing": name}
    with np.load(Path(path)) as votes:
        run = RIVALS[name](votes["a"], votes["b"], votes["verdict"])
    run()
    seconds, processor = [], []
    for _ in range(rounds):
        wall, own = time.perf_counter(), time.process_time()
        strengths = run()
        seconds.append(time.perf_counter() - wall)
        processor.append(time.process_time() - own)
    strengths = strengths - strengths.mean()
    return {"seconds": seconds, "processor": processor, "strengths": strengths.tolist()}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
