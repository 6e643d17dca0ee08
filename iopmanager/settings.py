"""All settings. This is the only module that reads environment variables.

There are three deployments: `production` (the default, where all values come from environment variables and unsafe
values are refused), `local` (set up by `make run`, with SQLite and a generated key in `var/`) and `test`.
"""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import django_stubs_ext
from django.core.exceptions import ImproperlyConfigured
from environs import Env, validate

from iopmanager.mailers import choose_mailers
from iopmanager.sign_in_settings import *  # noqa: F403  # the settings of sign-in have a module of their own

env = Env()

# At run time, let Django's generic classes take type arguments, as in admin.TabularInline[Room, Site].
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"
LOCAL_KEY_FILE = VAR_DIR / "secret-key"
SHORTEST_SECRET_KEY = 50
FEWEST_DIFFERENT_CHARACTERS = 10
NAMED_IN_PRODUCTION = ("SECRET_KEY", "ALLOWED_HOSTS", "EMAIL_URL")


def _choose_deployment() -> str:
    """Return the value of DEPLOYMENT or, if it is not set, a default.

    The default is `local` under two conditions: `make run` has written a key, and none of the variables that production
    requires is set. Otherwise, the default is `production`. This keeps a half-configured production server from running
    as a local server.
    """
    made_for_local_use = LOCAL_KEY_FILE.exists() and not any(env.str(name, "") for name in NAMED_IN_PRODUCTION)
    deployment = env.str("DEPLOYMENT", "local" if made_for_local_use else "production")
    if deployment not in {"production", "local", "test"}:
        raise ImproperlyConfigured(f"DEPLOYMENT is {deployment!r}; it must be production, local or test.")
    return deployment


DEPLOYMENT = _choose_deployment()
PRODUCTION = DEPLOYMENT == "production"
DEBUG = env.bool("DEBUG", False)

if DEPLOYMENT == "test":
    SECRET_KEY = "a key for tests alone, which protects nothing at all"
elif DEPLOYMENT == "local":
    if not env.str("SECRET_KEY", "") and not LOCAL_KEY_FILE.exists():
        raise ImproperlyConfigured(
            "A local deployment needs SECRET_KEY, or the key that `make run` writes to var/secret-key."
        )
    SECRET_KEY = env.str("SECRET_KEY", "") or LOCAL_KEY_FILE.read_text().strip()
else:
    SECRET_KEY = env.str("SECRET_KEY", "")

SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", [])

HOST = env.str("HOST", "127.0.0.1")
SERVED_AT = f"{HOST}:{env.int('PORT', 8000)}"
"""Host and port at which `make run` serves the site."""
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", [] if PRODUCTION else ["localhost", "127.0.0.1", "[::1]", HOST, "testserver"])
# Browsers use passkeys on https pages and on localhost. Outside production, other addresses are accepted, too.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PRODUCTION
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])

STARTS_EMPTY = env.bool("EMPTY", False)
"""Whether `make run` serves a clinic of your own, which begins empty, instead of the demo clinic."""

DEMO_SIGN_INS = env.bool("DEMO_SIGN_INS", DEPLOYMENT == "local" and not STARTS_EMPTY)
"""Whether the staff of the demo clinic sign in without a second factor."""
STAFF_NEED_SECOND_FACTOR = DEPLOYMENT != "test"
"""Whether staff who have no second factor can open only the pages where they set one up.

It is off in tests. The tests of this rule turn it on.
"""

_LOCAL_DATABASE = "clinic.sqlite3" if STARTS_EMPTY else "iopmanager.sqlite3"
DATABASE_URL = env.str("DATABASE_URL", "" if PRODUCTION else f"sqlite:///{quote(str(VAR_DIR / _LOCAL_DATABASE))}")

EMAIL_URL = env.str("EMAIL_URL", "")


def _is_good_key(key: str) -> bool:
    """Whether the secret key would pass Django's deployment check."""
    long_enough = len(key) >= SHORTEST_SECRET_KEY and len(set(key)) >= FEWEST_DIFFERENT_CHARACTERS
    return long_enough and not key.startswith("django-insecure-")


def _refuse_unsafe_production() -> None:
    """Raise ImproperlyConfigured if any setting is missing or unsafe. The message lists all such settings."""
    faults = []
    if not _is_good_key(SECRET_KEY):
        faults.append(f"SECRET_KEY must be set, to at least {SHORTEST_SECRET_KEY} random characters.")
    if not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS:
        faults.append("ALLOWED_HOSTS must name the host names that are served, separated by commas, without *.")
    if not DATABASE_URL.startswith(("postgres://", "postgresql://", "sqlite:")):
        faults.append("DATABASE_URL must be set, for example to postgres://user:password@host/name.")
    if not EMAIL_URL.startswith(("smtp://", "submission://")):
        faults.append("EMAIL_URL must be set, for example to submission://user:password@mail.example:587.")
    if DEBUG:
        faults.append("DEBUG must be off.")
    if DEMO_SIGN_INS:
        faults.append("DEMO_SIGN_INS must be off: the demo clinic's passwords are public.")
    if faults:
        raise ImproperlyConfigured("\n".join(["The server does not start in production:", *faults]))


if PRODUCTION:
    _refuse_unsafe_production()

INSTALLED_APPS = [
    "accounts.apps.AccountsConfig",
    "patients.apps.PatientsConfig",
    "scheduling.apps.SchedulingConfig",
    "attendance.apps.AttendanceConfig",
    "clinic_import.apps.ClinicImportConfig",
    "iopmanager.admin_site.ClinicAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "crispy_forms",
    "crispy_bootstrap5",
    "django_filters",
    "django_htmx",
    "django_tasks_db",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "iopmanager.middleware.compression.PageCompressionMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "iopmanager.middleware.known_device.KnownDeviceMiddleware",
    "iopmanager.middleware.sign_out.SignOutMiddleware",
    "iopmanager.middleware.sign_in_limits.SignInLimitsMiddleware",
    "iopmanager.middleware.kept_form.KeptFormMiddleware",
    "iopmanager.middleware.merged_record.MergedRecordMiddleware",
    "iopmanager.middleware.reader.ReaderMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "iopmanager.middleware.second_factor.SecondFactorMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "iopmanager.urls"
WSGI_APPLICATION = "iopmanager.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "scheduling.context.frame",
            ],
        },
    },
]

DATABASES = {"default": env.dj_db_url("DATABASE_URL", DATABASE_URL or "sqlite://:memory:", conn_max_age=60)}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Every transaction takes the write lock when it starts. In WAL mode, the write lock does not block readers.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": (
            f"PRAGMA journal_mode=WAL; PRAGMA synchronous={'OFF' if DEPLOYMENT == 'test' else 'NORMAL'};"
            "PRAGMA foreign_keys=ON;"
        ),
    }
else:
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The nightly jobs run in the process of `manage.py run_jobs`, which enqueues them. Mail is sent by the background worker,
# `manage.py db_worker --backend background`, which takes its tasks from a table.
TASKS = {
    "default": {"BACKEND": "django.tasks.backends.immediate.ImmediateBackend"},
    "background": {"BACKEND": "django_tasks_db.DatabaseBackend"},
}


def _cache_in_table(table: str, *, most_entries: int) -> dict[str, Any]:
    backend = "django.core.cache.backends.db.DatabaseCache"
    return {"BACKEND": backend, "LOCATION": table, "OPTIONS": {"MAX_ENTRIES": most_entries}}


# The caches are in the database, so that all processes share them. The default cache has the counts of the rate limits
# of sign-in, and nothing else may use it: a full cache drops entries, and a dropped count would allow more guesses. The
# other cache counts requests for calendar feeds. There are so many of these requests that they would soon fill a
# shared cache.
CACHES_IN_DATABASE: dict[str, dict[str, Any]] = {
    "default": _cache_in_table("cache", most_entries=100_000),
    "feeds": _cache_in_table("feed_cache", most_entries=10_000),
}
CACHES = CACHES_IN_DATABASE
if DEPLOYMENT == "test":
    _in_memory = "django.core.cache.backends.locmem.LocMemCache"
    CACHES = {name: {"BACKEND": _in_memory, "LOCATION": name} for name in CACHES_IN_DATABASE}
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# A sign-in ends after 10 hours, after some minutes without activity, or when the browser closes. A site can choose fewer
# minutes. Sessions are stored for 24 hours, to keep a form that is sent after the sign-in has ended.
SESSION_ENGINE = "accounts.services.session_store"
SESSION_COOKIE_AGE = 60 * 60 * 24
SIGN_IN_HOURS = 10
STAFF_IDLE_MINUTES = env.int("STAFF_IDLE_MINUTES", 15, validate=validate.Range(5, 60))
PATIENT_IDLE_MINUTES = env.int("PATIENT_IDLE_MINUTES", 30, validate=validate.Range(5, 60))
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_NAME = "sid"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SESSION_COOKIE_SAMESITE = "Lax"
# Messages can name patients, so they are kept in the session and not in a cookie. Signing out deletes them.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
CSRF_COOKIE_SAMESITE = "Lax"

# The content security policy forbids requests to other hosts.
SECURE_CSP = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "img-src": ["'self'", "data:"],
    "font-src": ["'self'"],
    "connect-src": ["'self'"],
    "manifest-src": ["'self'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'none'"],
    "base-uri": ["'none'"],
}
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = PRODUCTION and env.bool("SECURE_SSL_REDIRECT", True)
SECURE_HSTS_SECONDS = 60 * 60 * 24 * 365 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
if env.bool("BEHIND_PROXY", False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    # Failed sign-ins are counted per client address. The proxy adds this address at the end of X-Forwarded-For.
    ALLAUTH_TRUSTED_PROXY_COUNT = 1
X_FRAME_OPTIONS = "DENY"

# Language and time. The database stores UTC; pages show times in the time zone of the site.
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("es", "Español")]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["iopmanager.locales"]
USE_TZ = True
TIME_ZONE = "UTC"
FIRST_DAY_OF_WEEK = 1

# Uploaded files are kept in memory and never written to disk.
FILE_UPLOAD_HANDLERS = ["iopmanager.uploads.InMemoryUploadHandler"]

# Where static files are stored, and the URL at which they are served.
STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
# `make` copies files for the pages from npm packages to var/vendor. It reduces Bootstrap to the CSS rules in use.
# When debugging, all of Bootstrap is served, so that a class can be used before `make` runs again.
STATICFILES_DIRS: list[Path | tuple[str, Path]] = [BASE_DIR / "static", ("vendor", VAR_DIR / "vendor")]
if DEBUG:
    STATICFILES_DIRS.insert(0, ("vendor/bootstrap", BASE_DIR / "node_modules" / "bootstrap" / "dist" / "css"))
TYPEFACES_DIR = VAR_DIR / "fonts"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEPLOYMENT == "test"
        else "iopmanager.static_files.StaticFilesStorage"
    },
}
# When debugging and in tests, files are served from their source folders, without collectstatic.
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = DEBUG or DEPLOYMENT == "test"

# Production requires EMAIL_URL. Without it, messages are written to var/mail.
MAILERS = choose_mailers(EMAIL_URL, folder=VAR_DIR / "mail", in_memory=DEPLOYMENT == "test")
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", f"no-reply@{ALLOWED_HOSTS[0].removeprefix('.')}")
_FIRST_HOST = f"https://{ALLOWED_HOSTS[0].removeprefix('.')}" if PRODUCTION else f"http://{SERVED_AT}"
PUBLIC_URL = env.str("PUBLIC_URL", _FIRST_HOST).rstrip("/")
"""The address at which people open the product, for links in mail that no request sends, such as mail of an import."""
EMAIL_SUBJECT_PREFIX = ""

CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"
FORM_RENDERER = "django.forms.renderers.DjangoTemplates"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "secrets": {"()": "iopmanager.log_filters.RedactSecretLinks"},
        "what-errors-say": {"()": "iopmanager.log_filters.RedactErrorMessages"},
    },
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["secrets"]}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    # django.server does not pass its messages to the root logger, so the handler is listed here too.
    "loggers": {
        "django.server": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        # When debugging, Django gives this logger its own handler. That handler would print the secret links.
        "django": {"handlers": [], "level": "INFO"},
        "django.tasks": {"filters": ["what-errors-say"], "level": "WARNING"},
        "django_tasks_db": {"filters": ["what-errors-say"], "level": "WARNING"},
    },
}

# Number of weeks ahead for which dated sessions and bookings are created.
HORIZON_WEEKS = env.int("HORIZON_WEEKS", 12, validate=validate.Range(1, 52))
