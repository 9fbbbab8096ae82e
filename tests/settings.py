"""The project's settings as the tests run them: plain HTTP on this machine, files from the rooms.

Everything else is what production has, so that the tests meet it.
"""

import os

os.environ["EVALSITE_INSECURE_LOCAL"] = "1"
os.environ.setdefault("LOG_LEVEL", "WARNING")
# One account sends more here in a minute than people do; a test of the limits sets its own.
os.environ.setdefault("API_READS_PER_MINUTE", "1000000")
os.environ.setdefault("API_WRITES_PER_MINUTE", "1000000")
os.environ.setdefault("API_STRANGERS_PER_MINUTE", "1000000")
# A page waits for a lock for two seconds, a statement has five and a connection is idle within a
# transaction for fifteen, each far above its need; where a busy machine lets a test stand still for
# longer, nothing is wrong. That statements stay small is held by their number and their plans, not
# by the clock. Tests of these limits set their own; the runs of tests/chaos have production's.
os.environ.setdefault("DATABASE_STATEMENT_TIMEOUT_MS", "60000")
os.environ.setdefault("DATABASE_LOCK_TIMEOUT_MS", "30000")
os.environ.setdefault("DATABASE_IDLE_TRANSACTION_TIMEOUT_MS", "600000")
# The tests need no set-up of this machine, and never its real key.
os.environ["SECRET_KEY"] = "a key for tests only, known to everybody: " + "0" * 32

from evalsite.settings import *  # noqa: F403
from evalsite.settings import REDIS_URL, broker_from_url, caches_from_url
from tests.services import RedisUse, redis_database

if REDIS_URL:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    REDIS_URL = redis_database(REDIS_URL, RedisUse.BROKER, worker)
    CELERY_BROKER_URL = broker_from_url(REDIS_URL)
    CACHES = caches_from_url(redis_database(REDIS_URL, RedisUse.CACHE, worker))

# Hashing a password slowly is for attackers; a test that is about it sets its own hasher.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
# Nothing is collected for tests: files come straight from the rooms.
STATIC_ROOT = None  # type: ignore[assignment]  # the project's own is always a path
