"""Every setting, from the environment. A bad value stops the start and says which it is."""

from __future__ import annotations

import os
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from kombu import Exchange, Queue

from evalsite import logs

BASE_DIR = Path(__file__).resolve().parent.parent
VERSION: str = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["project"]["version"]
VAR_DIR = Path(os.environ.get("EVALSITE_VAR", BASE_DIR / "var"))

# How long a command waits for one statement or one lock: the person at the terminal can end it.
COMMAND_PATIENCE_MS = 600_000

# How long a connection to PostgreSQL may take; a restart takes less, a dead host never answers.
CONNECT_TIMEOUT_SECONDS = 5


# Numpy reads these when it is loaded, which is after the settings. The matrices here are small:
# several threads wait for each other longer than they work, and what they add up ends in other
# digits on another number of cores, so that the same votes would not give the same report.
for _name in (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
):
    os.environ.setdefault(_name, "1")


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
        options: dict[str, Any] = {key: value for key, value in query.items() if key != "host"}
        # A server that does not answer is soon an error, which says when to come back.
        options["connect_timeout"] = CONNECT_TIMEOUT_SECONDS
        # Only the queries of annotation.compiled are sent so that they can be prepared.
        options["prepare_threshold"] = 5
        # For commands, which may wait for a long import and read for an export. Pages have far
        # shorter limits, which gunicorn_conf.py puts into the environment; tasks set their own.
        # Compiling takes seconds for queries of many parts that run for a tenth of one.
        options["options"] = (
            "-c jit=off -c plan_cache_mode=force_generic_plan "
            "-c statement_timeout={}ms -c lock_timeout={}ms "
            "-c idle_in_transaction_session_timeout={}ms".format(
                env_int("DATABASE_STATEMENT_TIMEOUT_MS", COMMAND_PATIENCE_MS, 0, 3_600_000),
                env_int("DATABASE_LOCK_TIMEOUT_MS", COMMAND_PATIENCE_MS, 0, 3_600_000),
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


def site_url(raw: str) -> str:
    """Where people find the site, for the links that commands print."""
    parts = urlsplit(raw)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ImproperlyConfigured(
            f"SITE_URL={raw!r} is no address; use one like https://evaluations.example.org"
        )
    return raw.rstrip("/")


def broker_from_url(url: str) -> str:
    if url and urlsplit(url).scheme not in ("redis", "rediss", "unix"):
        raise ImproperlyConfigured(
            f"REDIS_URL has the scheme {urlsplit(url).scheme!r}; use redis:// or rediss://."
        )
    # `memory://` without a host floods the log with reconnects.
    return url or "memory://localhost//"


def caches_from_url(url: str) -> dict[str, dict[str, Any]]:
    """For figures that may be lost at any moment: in the process where there is one, else in Redis.

    A page counts anew rather than wait for it.
    """
    if not url:
        return {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    return {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": url,
            "KEY_PREFIX": "evalsite",
            "OPTIONS": {
                "socket_connect_timeout": 1,
                "socket_timeout": 1,
                "serializer": "evalsite.kept_text.TextSerializer",
            },
        }
    }


DEBUG = env_bool("DEBUG", False)
# The demo on this machine: plain HTTP on the loopback address. Everything else is HTTPS.
INSECURE_LOCAL = env_bool("EVALSITE_INSECURE_LOCAL", False)
SECRET_KEY = read_secret_key()
SECRET_KEY_FALLBACKS = env_list("SECRET_KEY_FALLBACKS", [])
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", ["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS", [])
DATABASES = {"default": database_from_url(os.environ.get("DATABASE_URL", ""))}

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "axes",
    "evalsite",
    "annotation",
    "judging",
    "reports",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "evalsite.languages.LanguageMiddleware",
    "evalsite.middleware.RequestLogMiddleware",
    "evalsite.middleware.SecurityHeadersMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "annotation.sessions.NoteLastRequest",
    "annotation.access.routes.RefuseUndeclaredViews",
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

# What a page says where the browser asks for no language of these; each is named in itself.
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
USE_I18N = True
# Named here so that they win: other applications translate short words such as "Key", too.
LOCALE_PATHS = [BASE_DIR / "evalsite" / "locale", BASE_DIR / "annotation" / "locale"]
# English dates with the day first and 24 hours, as in the rest of the site.
FORMAT_MODULE_PATH = ["evalsite.formats"]
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
# Where files come straight from the rooms nobody has to collect them first.
SERVE_FROM_ROOMS = DEBUG or INSECURE_LOCAL
WHITENOISE_USE_FINDERS = SERVE_FROM_ROOMS
if SERVE_FROM_ROOMS:
    # WhiteNoise warns of a root that is not there, also where it does not need one.
    STATIC_ROOT.mkdir(parents=True, exist_ok=True)
WHITENOISE_AUTOREFRESH = DEBUG
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if SERVE_FROM_ROOMS
        else "evalsite.static_files.HashedModulesStorage"
    },
}

# Requests: the annotator's bodies are far smaller; imports have limits of their own.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
DATA_UPLOAD_MAX_NUMBER_FILES = 20
# Files of a request go to the disk beyond 64 KiB, so that their number costs no memory; who sends
# any to another address than that of an import is refused before anything is kept.
FILE_UPLOAD_HANDLERS = ["annotation.importing.receiving.SpooledUploadHandler"]
FILE_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024

# Transport and cookies.
SECURE_COOKIES = not (DEBUG or INSECURE_LOCAL)
SECURE_SSL_REDIRECT = SECURE_COOKIES
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31_536_000 if SECURE_COOKIES else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_COOKIES
# Preloading commits the whole domain for years: the operator's decision.
SECURE_HSTS_PRELOAD = env_bool("HSTS_PRELOAD", False)
SILENCED_SYSTEM_CHECKS = ["security.W021"]
# Nobody learns from which page one comes: an invitation's address is a secret. Not "no-referrer":
# browsers then send `Origin: null` with every form, which the CSRF check must refuse.
SECURE_REFERRER_POLICY = "strict-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
# Only where the proxy strips the client's own copies of X-Forwarded-Proto and -For.
BEHIND_TLS_PROXY = env_bool("BEHIND_TLS_PROXY", False)
if BEHIND_TLS_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_COOKIES
SESSION_COOKIE_NAME = "__Host-session" if SECURE_COOKIES else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if SECURE_COOKIES else "csrf"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
# The language somebody chose; the browser's own wish needs no cookie.
LANGUAGE_COOKIE_NAME = "__Host-language" if SECURE_COOKIES else "language"
LANGUAGE_COOKIE_SECURE = SECURE_COOKIES
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_AGE = 365 * 24 * 60 * 60
CSRF_FAILURE_VIEW = "django.views.csrf.csrf_failure"
SESSION_ENGINE = "annotation.sessions"

# Accounts: sign-in names, passwords, limits.
SITE_URL = site_url(os.environ.get("SITE_URL") or "http://127.0.0.1:8000")
LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "home"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
# Length and novelty make a password, not a mix of characters.
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
# The cookie and the row of a session live for the longest a session may last; annotation.sessions
# ends it earlier after a time without requests.
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_IDLE_SECONDS = 2 * 60 * 60
# Wrong passwords are counted by account and network together: a stranger elsewhere cannot lock
# a person out, and a person who is locked out does not lock out the office.
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_CLIENT_IP_CALLABLE = "annotation.accounts.networks.client_network"
AXES_LOCKOUT_CALLABLE = "annotation.accounts.views.locked_out"
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
# Who signed in from where is nobody's business afterwards.
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False

# E-mail: invitations. Without a server letters go to the console, where their links can be copied.
EMAIL_HOST = os.environ.get("EMAIL_HOST", "")
EMAIL_BACKEND = "django.core.mail.backends.{}.EmailBackend".format(
    "smtp" if EMAIL_HOST else "console"
)
EMAIL_USE_SSL = env_bool("EMAIL_USE_SSL", False)
EMAIL_USE_TLS = env_bool("EMAIL_USE_TLS", bool(EMAIL_HOST) and not EMAIL_USE_SSL)
if EMAIL_USE_SSL and EMAIL_USE_TLS:
    raise ImproperlyConfigured("EMAIL_USE_SSL and EMAIL_USE_TLS exclude each other.")
EMAIL_PORT = env_int("EMAIL_PORT", 465 if EMAIL_USE_SSL else 587, 1, 65_535)
EMAIL_HOST_USER = os.environ.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_HOST_PASSWORD", "")
# Seconds for each step of talking to the server.
EMAIL_TIMEOUT = env_int("EMAIL_TIMEOUT", 10, 1, 60)
DEFAULT_FROM_EMAIL = os.environ.get("DEFAULT_FROM_EMAIL") or (
    f"evalsite@{urlsplit(SITE_URL).hostname}"
)

# Background work. The broker is a doorbell; rows hold the work and its results.
REDIS_URL = os.environ.get("REDIS_URL", "")
CELERY_BROKER_URL = broker_from_url(REDIS_URL)
CACHES = caches_from_url(REDIS_URL)
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 30.0 if REDIS_URL else 0.0
CELERY_TASK_SOFT_TIME_LIMIT = 150
CELERY_TASK_TIME_LIMIT = 180
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# Redis delivers a message again to another worker if it was not acknowledged for so many seconds.
# Messages are acknowledged when their task ends, so this has to exceed the longest time limit of
# any task (31 minutes: uploads and jobs). Work of a killed worker does not wait for it: the
# scheduled sweeps find it in its table.
CELERY_VISIBILITY_TIMEOUT = 40 * 60
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {
        "visibility_timeout": CELERY_VISIBILITY_TIMEOUT,
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 1,
        "socket_connect_timeout": 3,
        "socket_keepalive": True,
        "health_check_interval": 25,
    }
    if REDIS_URL
    else {}
)
# One quick try: with Redis down a page must not wait, and the sweeps ring again.
CELERY_TASK_PUBLISH_RETRY_POLICY = {
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.1,
    "interval_max": 0.2,
}
# Judges have a queue of their own, so that slow endpoints hold up nothing else. A worker that names
# no queues serves both.
CELERY_TASK_DEFAULT_QUEUE = "celery"
CELERY_TASK_QUEUES = [
    # With a key of its own each: queues that share one are all sent every message.
    Queue(name, Exchange(name), routing_key=name)
    for name in ("celery", "judge")
]
CELERY_TASK_ROUTES = {"judging.work_on_run": {"queue": "judge"}}
# Seconds. A missed ring is made up for by the next one, so none of them may pile up.
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "take back lapsed leases": {
        "task": "annotation.take_back_lapsed_leases",
        "schedule": 30.0,
        "options": {"expires": 30.0},
    },
    "check quality": {
        "task": "annotation.check_quality",
        "schedule": 60.0,
        "options": {"expires": 60.0},
    },
    "send letters": {
        "task": "annotation.send_letters",
        "schedule": 60.0,
        "options": {"expires": 60.0},
    },
    "forget answers": {
        "task": "annotation.forget_answers",
        "schedule": 3600.0,
        "options": {"expires": 3600.0},
    },
    "forget ended sessions": {
        "task": "annotation.forget_ended_sessions",
        "schedule": 3600.0,
        "options": {"expires": 3600.0},
    },
    "ring for judge runs": {
        "task": "judging.ring_for_runs",
        "schedule": 10.0,
        "options": {"expires": 10.0},
    },
    "tell of paused runs of judges": {
        "task": "judging.tell_of_pauses",
        "schedule": 30.0,
        "options": {"expires": 30.0},
    },
    "forget old replies of judges": {
        "task": "judging.forget_old_replies",
        "schedule": 3600.0,
        "options": {"expires": 3600.0},
    },
    "work on uploads": {
        "task": "annotation.work_on_upload",
        "schedule": 15.0,
        "options": {"expires": 15.0},
    },
    "work on jobs": {
        "task": "annotation.work_on_job",
        "schedule": 15.0,
        "options": {"expires": 15.0},
    },
    "forget bad rows": {
        "task": "annotation.forget_bad_rows",
        "schedule": 3600.0,
        "options": {"expires": 3600.0},
    },
    "tidy jobs": {
        "task": "annotation.tidy_jobs",
        "schedule": 3600.0,
        "options": {"expires": 3600.0},
    },
    "tidy uploads": {
        "task": "annotation.tidy_uploads",
        "schedule": 3600.0,
        "options": {"expires": 3600.0},
    },
    "steer open studies": {
        "task": "reports.steer_open_studies",
        "schedule": 30.0,
        "options": {"expires": 30.0},
    },
    "make requested reports": {
        "task": "reports.make_requested_report",
        "schedule": 30.0,
        "options": {"expires": 30.0},
    },
    "count what is watched": {
        "task": "reports.count_watched",
        "schedule": 15.0,
        "options": {"expires": 15.0},
    },
    "refresh open reports": {
        "task": "reports.refresh_open_reports",
        "schedule": 60.0,
        "options": {"expires": 60.0},
    },
}

# Judges. Addresses on the own network that may be called nevertheless, as exact host:port.
JUDGE_LOCAL_ENDPOINTS = frozenset(entry.lower() for entry in env_list("JUDGE_LOCAL_ENDPOINTS", []))
# Requests in flight in one process that works on judge runs.
JUDGE_CALLS_AT_ONCE = env_int("JUDGE_CALLS_AT_ONCE", 16 if REDIS_URL else 64, 1, 64)
# Texts of replies are kept for so long; what was decided from them stays.
JUDGE_REPLY_DAYS = env_int("JUDGE_REPLY_DAYS", 90, 0, 3650)

# The REST edge: nobody may do anything that a view does not name.
API_READS = env_int("API_READS_PER_MINUTE", 600, 1, 1_000_000)
API_WRITES = env_int("API_WRITES_PER_MINUTE", 120, 1, 1_000_000)
API_STRANGERS = env_int("API_STRANGERS_PER_MINUTE", 60, 1, 1_000_000)
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "annotation.api.authentication.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["annotation.api.limits.AccountThrottle"],
    # By account, or by network for strangers; counted in each web process.
    "DEFAULT_THROTTLE_RATES": {
        "read": f"{API_READS}/min",
        "write": f"{API_WRITES}/min",
        "anonymous": f"{API_STRANGERS}/min",
    },
    "EXCEPTION_HANDLER": "annotation.api.problems.handle",
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "evalsite",
    "DESCRIPTION": (
        "A study from nothing to its report. Not there yet: judges and their runs, validation of "
        "judges, pausing and writing to annotators, lists of votes and looks, the audit trail, "
        "cloning, challengers, the planner, adjudication, skipping and flagging pairs. "
        "Send a key made under your account as "
        "`Authorization: Bearer evs_…`, or a session's cookie with its CSRF token. Refusals are "
        "`application/problem+json`. See docs/api.md."
    ),
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "SERVE_INCLUDE_SCHEMA": True,
    "APPEND_COMPONENTS": {},
    "ENUM_NAME_OVERRIDES": {
        "Role": "annotation.models.Role.values",
        "StudyState": "annotation.models.StudyState.values",
        "AnnotatorState": "annotation.models.AnnotatorState.values",
        "RequestState": "reports.models.RequestState.values",
        "ReviewOutcome": "annotation.models.ReviewOutcome.values",
        "JobKind": "annotation.models.JobKind.values",
        "JobState": "annotation.models.JobState.values",
        "RunState": "judging.models.RunState.values",
        "AskedOutcome": "judging.api.shapes.OUTCOMES",
    },
}

LOG_LEVEL = os.environ.get("LOG_LEVEL", "INFO").upper()
if LOG_LEVEL not in ("DEBUG", "INFO", "WARNING", "ERROR"):
    raise ImproperlyConfigured(
        f"LOG_LEVEL={LOG_LEVEL!r} is none of DEBUG, INFO, WARNING and ERROR."
    )
LOGGING = logs.configure(
    json_lines=env_bool("LOG_JSON", not (DEBUG or INSECURE_LOCAL)), level=LOG_LEVEL
)
