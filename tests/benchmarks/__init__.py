"""Benchmarks: each runs the floor, the least work that any program must do, beside ours.

One thread, set before numpy is loaded: with more, the machine's other load is measured. Compiled
modules are kept, as where the product is installed: some shells have Python compile them anew in
every process.
"""

import os

for _variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
