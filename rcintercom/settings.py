"""The one settings file: what differs per server comes from the environment, through django-environ.

What differs per project lives in the database (`integration.models.Project`); what never differs is a
constant in the module that uses it. Every variable read here is documented in docs/configuration.md,
and a test insists on it.
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from rcintercom.admin_look import ADMIN_LOOK
from rcintercom.server_keys import read_or_make_keys

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
# A value may begin with a dollar sign (passwords do): `\$` stands for it, instead of naming a variable.
env.escape_proxy = True
for _name in ("SECRET_KEY", "ENCRYPTION_KEYS", "DATABASE_URL"):
    if os.environ.get(_name, "").startswith("$") and not env.str(_name, default=""):
        # Falling back to keys or a database of our own making would be a bad surprise.
        raise ImproperlyConfigured(
            f"{_name} begins with $, so it names another variable, and that one is not set. "
            r"If the value itself begins with a dollar sign, write \$ instead of $."
        )

# --- Where this server keeps what it makes by itself ---------------------------------------------
VAR_DIR = env.path("VAR_DIR", default=str(BASE_DIR / "var"))()
VAR_DIR = Path(VAR_DIR).resolve()

# --- Keys ------------------------------------------------------------------------------------------
# Without these two variables the server makes its own keys once and keeps them under VAR_DIR. That is
# for a laptop: `check --deploy` refuses it, because a lost directory would then be lost tokens.
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="")
ENCRYPTION_KEYS: list[str] = [key.strip() for key in env.list("ENCRYPTION_KEYS", default=[])]
KEYS_ARE_GENERATED = not (SECRET_KEY and ENCRYPTION_KEYS)
if KEYS_ARE_GENERATED:
    _generated = read_or_make_keys(VAR_DIR)
    SECRET_KEY = SECRET_KEY or _generated.secret_key
    ENCRYPTION_KEYS = ENCRYPTION_KEYS or [_generated.encryption_key]

# --- Where it is reached -----------------------------------------------------------------------------
# Only this machine reaches 127.0.0.1; in a container it must be 0.0.0.0 or ::.
BIND_ADDRESS = env.str("BIND_ADDRESS", default="127.0.0.1")
PORT = env.int("PORT", default=8000)
PUBLIC_URL = env.str("PUBLIC_URL", default=f"http://localhost:{PORT}").rstrip("/")
# The host of PUBLIC_URL is always among them: RevenueCat posts there.
ALLOWED_HOSTS = [
    *(host.strip() for host in env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])),
    urlsplit(PUBLIC_URL).hostname or "localhost",
]
CSRF_TRUSTED_ORIGINS = [origin.strip() for origin in env.list("CSRF_TRUSTED_ORIGINS", default=[])]
HTTPS = env.bool("HTTPS", default=PUBLIC_URL.startswith("https://"))
if HTTPS:
    # Behind a proxy that ends TLS; docs/configuration.md says which headers it must set.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    # Asked from this host too, past the proxy; it tells nothing that must not travel in the open.
    SECURE_REDIRECT_EXEMPT = [r"^health/"]
    SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("SECURE_HSTS_INCLUDE_SUBDOMAINS", default=True)
    SECURE_HSTS_PRELOAD = env.bool("SECURE_HSTS_PRELOAD", default=True)
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    # Browsers take cookies of these names only from this very host, over HTTPS: no neighbour can plant one.
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
# How many proxies add the address of whoever calls them to X-Forwarded-For; 0 believes the connection alone.
TRUSTED_PROXIES: int | None = env.int("TRUSTED_PROXIES", default=None)
# Behind a proxy, and nobody has said whether it names its callers: then everybody may have the proxy's address.
ADDRESSES_TELL_CLIENTS_APART = TRUSTED_PROXIES is not None or not HTTPS
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"

# --- Intercom ----------------------------------------------------------------------------------------
# Overrides Intercom's host for every region: stand-ins, tests, a recording proxy.
INTERCOM_API_URL = env.str("INTERCOM_API_URL", default="")

# --- RevenueCat --------------------------------------------------------------------------------------
# Overrides the base address of RevenueCat's API v2, likewise.
REVENUECAT_API_URL = env.str("REVENUECAT_API_URL", default="")

# --- Application -------------------------------------------------------------------------------------
INSTALLED_APPS = [
    # Without the part of unfold that puts a site of its own in place of Django's: ours is one of unfold's.
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "integration.apps.AdminSiteConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "procrastinate.contrib.django",
    "axes",
    "integration.apps.IntegrationConfig",
]
MIDDLEWARE = [
    "rcintercom.security_headers.SecurityHeadersMiddleware",
    # Before all that reads what a request brings.
    "rcintercom.bad_text.BadTextMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # The time zone and the language of who looks at a page.
    "rcintercom.viewer.ViewerMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    # Last, so that what it says of a locked sign-in passes through all the others.
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "rcintercom.urls"
WSGI_APPLICATION = "rcintercom.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
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

# --- Database: PostgreSQL, the only server this app needs ----------------------------------------------
# Where DATABASE_URL is unset, the project runs its own PostgreSQL under VAR_DIR, started on demand.
# The pool keeps connections between requests; it needs CONN_MAX_AGE 0, which is Django's default.
DATABASES: dict[str, dict[str, Any]]
if env.str("DATABASE_URL", default=""):
    DATABASES = {"default": env.db("DATABASE_URL", engine="rcintercom.postgres")}
    # A socket directory is written %2Fvar%2Frun%2Fpostgresql in a URL; django-environ leaves it so.
    DATABASES["default"]["HOST"] = unquote(DATABASES["default"].get("HOST", ""))
else:
    DATABASES = {
        "default": {
            "ENGINE": "rcintercom.embedded_postgres",
            "NAME": "rcintercom",
            "DATA_DIR": VAR_DIR / "postgres",
        },
    }
# A connection that died in the pool, by a restart of PostgreSQL say, must not cost a webhook its 200:
# both engines see to that, and CONN_HEALTH_CHECKS must stay off (rcintercom/postgres/base.py says why).
DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {
    "min_size": env.int("DATABASE_POOL_MIN", default=1),
    "max_size": env.int("DATABASE_POOL_MAX", default=10),
    "timeout": 10,
}
# After so many times a connection prepares the door's statement. Django's cursors prepare none, the engine's do too.
DATABASES["default"]["OPTIONS"].setdefault(
    "prepare_threshold", 5 if env.bool("DATABASE_PREPARED_STATEMENTS", default=True) else None
)
# A database host that vanishes without a word: the kernel asks after 30 silent seconds, and gives up after 30 more. A
# client that vanishes is the server's to notice, see rcintercom/postgres/base.py.
for _name, _value in {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}.items():
    DATABASES["default"]["OPTIONS"].setdefault(_name, _value)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Tasks that are not in a module called `tasks`.
PROCRASTINATE_IMPORT_PATHS = ["integration.redelivering"]

# --- Sign-in, language, time ---------------------------------------------------------------------------
# Locks a user name for an address after failed attempts, and for nobody else: whoever knows a name must not be
# able to keep its owner out. Further attempts while it is locked are not written down. The handler also locks an
# address that tries many names.
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_HANDLER = "integration.sign_in.lockout.LockOut"
AXES_CLIENT_IP_CALLABLE = "rcintercom.client_address.client_address"
AXES_LOCKOUT_CALLABLE = "integration.sign_in.lockout.locked_out"
AXES_ENABLE_ADMIN = False
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
# People type passwords into the field for the name: the log names the address alone. Nor are codes kept.
AXES_SENSITIVE_PARAMETERS = ["username", "code"]
# Whether everybody has to set up a second factor before they see anything else.
REQUIRE_SECOND_FACTOR = env.bool("REQUIRE_SECOND_FACTOR", default=False)
# Signed in for a working day.
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "rcintercom.error_pages.csrf_failure"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LANGUAGE_CODE = "en-us"
# Those that the texts of this app are in: Django and unfold speak many more, and a page half in one would be worse.
# How to add one: docs/translating.md.
LANGUAGES = [("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
# For whoever has a browser that does not say where it is.
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_I18N = True
USE_TZ = True

# --- Static files --------------------------------------------------------------------------------------
STATIC_URL = "static/"
# Served straight from the packages: there is no build step to forget. The files' names change with
# the pinned version of unfold, so nothing is cached for ever.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
WHITENOISE_ALLOW_ALL_ORIGINS = False

# --- REST framework: only the webhook endpoint uses it ---------------------------------------------------
# Counts of refused webhooks, in the memory of each process: no more of them than this, the oldest go first.
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "refusals": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "refusals",
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    },
}
REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "UNAUTHENTICATED_USER": None,
}

# --- Log: one line an event, on standard error, where every supervisor looks -----------------------------
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["refusals"]}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "filters": {
        "unsaid": {"()": "rcintercom.log_lines.Unsaid"},
        "refusals": {"()": "rcintercom.log_lines.Refusals"},
    },
    "loggers": {
        # The engine says a line for every job; jobs here are doorbells, not news.
        "procrastinate": {"level": env.str("ENGINE_LOG_LEVEL", default="WARNING")},
        # Failed attempts to sign in, and locks; not four lines for each that succeeds.
        "axes": {"level": "WARNING"},
        "django.request": {"filters": ["unsaid"]},
    },
}

# --- Admin ------------------------------------------------------------------------------------------------
LOGIN_REDIRECT_URL = "admin:index"
UNFOLD = ADMIN_LOOK
