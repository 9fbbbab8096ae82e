"""The static files are looked for once in a process, not once for each client of a test.

Every `Client()` loads the middleware, and WhiteNoise then reads the date and size of each file in
every room, which took longer than the request that the test was about.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from whitenoise.middleware import WhiteNoiseMiddleware


def what_decides(middleware: WhiteNoiseMiddleware) -> str:
    """All that says which files are found and how they are answered, so that a test may set it."""
    own = {
        **vars(middleware),
        "get_response": None,
        "media_types": middleware.media_types.types_map,
    }
    of_finders = (settings.INSTALLED_APPS, settings.STATICFILES_DIRS, settings.STATICFILES_FINDERS)
    return repr((sorted(own.items()), of_finders, settings.STORAGES, settings.STATIC_URL))


def remember_what_is_found(patch: pytest.MonkeyPatch) -> None:
    """Let WhiteNoise read the rooms' files at its first start with the same settings."""
    look = WhiteNoiseMiddleware.add_files_from_finders
    remembered: dict[str, dict[str, Any]] = {}

    def look_once(middleware: WhiteNoiseMiddleware) -> None:
        decides = what_decides(middleware)
        if decides not in remembered:
            look(middleware)
            remembered[decides] = dict(middleware.files)
        middleware.files = dict(remembered[decides])

    patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", look_once)
