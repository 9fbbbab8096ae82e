"""The tests' settings with nothing but the bare handlers: no session, no CSRF, no middleware."""

from tests import settings
from tests.settings import *  # noqa: F403

ROOT_URLCONF = "tests.load.bare"
MIDDLEWARE = settings.MIDDLEWARE[:0]
