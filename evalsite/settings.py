"""Every setting, from the environment. A bad value stops the start and says which it is."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(os.environ.get("EVALSITE_VAR", BASE_DIR / "var"))


def env_bool(name: str, default: bool) -> bool:
    raw = os.environ.get(name)
    if raw is None or raw == "":
        return default
    if raw.lower() in ("1", "true", "yes", "on"):
        return True
    if raw.lower() in ("0", "false", "no", "off"):
        return False
    raise ImproperlyConfigured(f"{name}={raw!r} is neither true nor false; use 1 or 0.")


def env_int(name: str, default: int, minimum: int, maximum: int) -> int:
    raw = os.environ.get(name)
    if raw is None or raw == "":
        return default
    try:
        value = int(raw)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={raw!r} is not a whole number.") from None
    if not minimum <= value <= maximum:
        raise ImproperlyConfigured(f"{name}={value} is outside {minimum}..{maximum}.")
    return value


def env_list(name: str, default: list[str]) -> list[str]:
    raw = os.environ.get(name)
    if raw is None:
        return default
    return [part.strip() for part in raw.split(",") if part.strip()]


def read_secret_key() -> str:
    key = os.environ.get("SECRET_KEY", "")
    source = "SECRET_KEY"
    path = VAR_DIR / "secret_key"
    if not key and path.exists():
        key = path.read_text().strip()
        source = str(path)
    if not key:
        raise ImproperlyConfigured(
            "There is no secret key. Set SECRET_KEY to at least 50 random characters, "
            f"or run `make install`, which writes one to {path}."
        )
    if len(key) < 50 or key.startswith("django-insecure-"):
        raise ImproperlyConfigured(
            f"The secret key of {source} is too weak: it needs at least 50 random characters."
        )
    return key


def database_from_url(url: str) -> dict[str, Any]:
    """`sqlite:///path` (empty: var/evalsite.sqlite3) or `postgres://user:password@host:port/name`."""
    if url == "":
        VAR_DIR.mkdir(exist_ok=True)
        return sqlite_database(str(VAR_DIR / "evalsite.sqlite3"))
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        if parts.netloc or not parts.path.strip("/"):
            raise ImproperlyConfigured(
                "DATABASE_URL for SQLite is sqlite:///relative or sqlite:////absolute/path."
            )
        return sqlite_database(unquote(parts.path[1:]))
    if parts.scheme in ("postgres", "postgresql"):
        name = unquote(parts.path.lstrip("/"))
        if not name:
            raise ImproperlyConfigured("DATABASE_URL names no database after the host.")
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        known = {"host", "sslmode", "sslrootcert"}
        unknown = sorted(set(query) - known)
        if unknown:
            raise ImproperlyConfigured(
                f"DATABASE_URL has the unknown option {unknown[0]!r}; known: {sorted(known)}."
            )
        try:
            port = parts.port
        except ValueError:
            raise ImproperlyConfigured("DATABASE_URL has a port that is no number.") from None
        options: dict[str, Any] = {
            key: value for key, value in query.items() if key != "host"
        }
        # A stuck statement must not hold a web thread: 5 s is far above any page's need.
        options["options"] = (
            "-c statement_timeout={}ms -c lock_timeout=2000ms "
            "-c idle_in_transaction_session_timeout={}ms".format(
                env_int("DATABASE_STATEMENT_TIMEOUT_MS", 5_000, 0, 3_600_000),
                env_int("DATABASE_IDLE_TRANSACTION_TIMEOUT_MS", 15_000, 0, 3_600_000),
            )
        )
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": name,
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": query.get("host", unquote(parts.hostname or "")),
            "PORT": str(port or ""),
            "CONN_MAX_AGE": 60,
            "CONN_HEALTH_CHECKS": True,
            "OPTIONS": options,
        }
    raise ImproperlyConfigured(
        f"DATABASE_URL has the scheme {parts.scheme!r}; use sqlite:// or postgres://."
    )


def sqlite_database(path: str) -> dict[str, Any]:
    # IMMEDIATE takes the write lock at BEGIN: deferred transactions fail with "locked" when two
    # of them upgrade. FULL survives a power cut. See docs/decisions.
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "CONN_MAX_AGE": 60,
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=20000; "
                "PRAGMA cache_size=-20000; PRAGMA mmap_size=134217728;"
            ),
        },
    }


DEBUG = env_bool("DEBUG", False)
SECRET_KEY = read_secret_key()
SECRET_KEY_FALLBACKS = env_list("SECRET_KEY_FALLBACKS", [])
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", ["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS", [])
DATABASES = {"default": database_from_url(os.environ.get("DATABASE_URL", ""))}

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "axes",
    "evalsite",
    "annotation",
    "judging",
    "reports",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

AUTH_USER_MODEL = "annotation.User"
ROOT_URLCONF = "evalsite.urls"
WSGI_APPLICATION = "evalsite.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"

TESTING = "pytest" in sys.modules
