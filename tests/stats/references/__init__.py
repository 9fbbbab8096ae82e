"""Every published or recomputed value of the shared data beside ours.

`python -m tests.stats.references FOLDER` prints the table.
"""
