"""The project's settings as the tests run them: plain HTTP on this machine, files from the rooms.

Everything else is what production has, so that the tests meet it.
"""

import os

os.environ["EVALSITE_INSECURE_LOCAL"] = "1"
os.environ.setdefault("LOG_LEVEL", "WARNING")

from evalsite.settings import *  # noqa: F403
