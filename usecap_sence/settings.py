"""Settings, all of them from the environment (`.env` in development; see `.env.example`).

What is missing stops the start with a sentence that says what to set. Whether values make sense
together is judged by the system checks in `attendance.checks`.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from usecap_sence import sentry

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")


def required(name: str, remedy: str) -> str:
    """Return the environment's `name`, or raise ImproperlyConfigured with the remedy."""
    value = env.str(name, default="").strip()
    if not value:
        raise ImproperlyConfigured(f"Falta {name}. {remedy}")
    return value


# PostgreSQL plans a statement that comes again once for each connection, not each time: planning
# takes it longer than answering what a student's page asks.
PLANNED_ONCE = {"server_side_binding": True, "prepare_threshold": 5}


def database() -> dict[str, Any]:
    """The database that DATABASE_URL names; in development without one, the embedded PostgreSQL."""
    if env.str("DATABASE_URL", default=""):
        url = env.db_url("DATABASE_URL")
        if url["ENGINE"] != "django.db.backends.postgresql":
            raise ImproperlyConfigured("DATABASE_URL no es de PostgreSQL: use postgres://…")
        # Nothing must wait for a dead server, or for a network that drops all, longer than a
        # browser does. Callbacks have a limit of their own besides (attendance.patience).
        limits = {
            "connect_timeout": 5,
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": 10_000,
            # Nor must PostgreSQL go on for somebody who hung up, behind a migration's lock say.
            "options": "-c client_connection_check_interval=2s",
        }
        own = url.get("OPTIONS", {})
        if "options" in own:
            own["options"] = f"{limits['options']} {own['options']}"
        url["OPTIONS"] = PLANNED_ONCE | limits | own
        kept = {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
        return url | kept | {"ENGINE": "usecap_sence.postgresql"}
    if not DEBUG:
        required("DATABASE_URL", "Indique la base PostgreSQL: postgres://usuario:clave@host/base.")
    return {
        "ENGINE": "usecap_sence.embedded_postgres",
        "NAME": "usecap_sence",
        "HOME": str(BASE_DIR / ".postgres"),
        "OPTIONS": PLANNED_ONCE,
    }


DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = required("SECRET_KEY", "Ponga en el entorno una clave larga y al azar.")
# Keys for the OTECs' tokens: the first encrypts, all of them decrypt, so that keys can rotate.
TOKEN_ENCRYPTION_KEYS = env.list("TOKEN_ENCRYPTION_KEYS", default=[])
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1"] if DEBUG else [])

# The site's own address as students' browsers reach it: SENCE's callbacks come back to it.
PUBLIC_BASE_URL = env.str("PUBLIC_BASE_URL", default="").rstrip("/")
SENCE_PRODUCTION_URL = env.str(
    "SENCE_PRODUCTION_URL", default="https://sistemas.sence.cl/rce/Registro/"
)
SENCE_TEST_URL = env.str("SENCE_TEST_URL", default="https://sistemas.sence.cl/rcetest/Registro/")
SENCE_SESSION_HOURS = env.int("SENCE_SESSION_HOURS", default=3)
# Every host that a form posted to SENCE is redirected to on its way: Chromium applies
# form-action to the redirects too.
SENCE_FORM_HOSTS = env.list(
    "SENCE_FORM_HOSTS", default=["https://*.sence.cl", "https://*.claveunica.gob.cl"]
)
# A relative path is one of the project's, whatever folder a command is run from.
SPOOL_DIR = BASE_DIR / env.str("SPOOL_DIR", default=".spool")

INSTALLED_APPS = [
    "backoffice.apps.BackofficeAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "csp",
    "pgtrigger",
    "import_export",
    "simple_history",
    "crispy_forms",
    "crispy_bootstrap5",
    "usecap_sence",
    "courses",
    "errors_catalog",
    "attendance",
    "backoffice",
]

MIDDLEWARE = [
    # What protects browsers goes round all the rest: files, refusals and redirects have it too.
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "usecap_sence.middleware.BrowserPolicies",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "usecap_sence.middleware.LogRequests",
    "usecap_sence.middleware.CompressPages",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "usecap_sence.middleware.ForStaff",
    "usecap_sence.middleware.NotNow",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "usecap_sence.urls"
WSGI_APPLICATION = "usecap_sence.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "errors_catalog.context_processors.site_texts",
            ],
        },
    },
]

DATABASES = {"default": database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {"default": env.cache_url("CACHE_URL", default="locmemcache://")}
if "locmem" in CACHES["default"]["BACKEND"]:
    # Django's 300 would drop what limits are counted with.
    CACHES["default"].setdefault("OPTIONS", {}).setdefault("MAX_ENTRIES", 20_000)
# A shared cache that is away makes pages slower, and nothing else.
DJANGO_REDIS_IGNORE_EXCEPTIONS = DJANGO_REDIS_LOG_IGNORED_EXCEPTIONS = True
if "redis" in CACHES["default"]["BACKEND"]:
    CACHES["default"].setdefault("OPTIONS", {}).update(SOCKET_CONNECT_TIMEOUT=1, SOCKET_TIMEOUT=1)

_PASSWORDS = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{_PASSWORDS}.UserAttributeSimilarityValidator"},
    {"NAME": f"{_PASSWORDS}.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": f"{_PASSWORDS}.CommonPasswordValidator"},
    {"NAME": f"{_PASSWORDS}.NumericPasswordValidator"},
]
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
# Ten wrong passwords for a name from one client, and that client waits. Not the name alone: it
# would let anybody lock staff out.
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_CLIENT_IP_CALLABLE = "usecap_sence.client.client_of"
AXES_LOCKOUT_CALLABLE = "usecap_sence.views.locked_out"
AXES_ENABLE_ADMIN = False
# A code of their phone from whoever can touch the OTECs' tokens; others may choose to.
SECOND_FACTOR_REQUIRED = env.bool("SECOND_FACTOR_REQUIRED", default=not DEBUG)
OTP_TOTP_ISSUER = "USECAP asistencia"
# Staff's sessions end with the working day, and with the browser.
SESSION_COOKIE_AGE = 10 * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
LOGIN_URL = "admin:login"

LANGUAGE_CODE = "es-cl"
LANGUAGES = [("es-cl", "Español de Chile")]
LOCALE_PATHS = [BASE_DIR / "usecap_sence" / "locale"]
FORMAT_MODULE_PATH = ["usecap_sence.formats"]
TIME_ZONE = "America/Santiago"
USE_TZ = True
USE_I18N = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
# What browsers ask for at the root of a site, whatever its pages say: /favicon.ico.
WHITENOISE_ROOT = BASE_DIR / "static" / "usecap" / "root"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"

vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="USECAP <no-responder@usecap.cl>")

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "base-uri": [NONE],
        "connect-src": [SELF],
        "font-src": [SELF],
        "form-action": [SELF, *SENCE_FORM_HOSTS],
        "frame-ancestors": [NONE],
        "img-src": [SELF, "data:"],
        "manifest-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
    }
}

# How often strangers may ask within the hour (attendance.limits): RUTs without courses, by client
# and in total, RUTs of any kind, and answers to addresses that SENCE never had.
RUT_MISSES_BY_CLIENT = env.int("RUT_MISSES_BY_CLIENT", default=60)
RUT_MISSES_IN_TOTAL = env.int("RUT_MISSES_IN_TOTAL", default=1000)
RUT_LOOKUPS_BY_CLIENT = env.int("RUT_LOOKUPS_BY_CLIENT", default=2000)
INVENTED_ANSWERS_BY_CLIENT = env.int("INVENTED_ANSWERS_BY_CLIENT", default=30)
# Names of staff that a client may try with a wrong password.
GUESSED_NAMES_BY_CLIENT = env.int("GUESSED_NAMES_BY_CLIENT", default=50)

# For how many days personal data are kept that prove no attendance (docs/privacy.md): of students
# since their last action ended, of mails since they were sent, of rosters since they were uploaded.
STUDENT_DATA_DAYS = env.int("STUDENT_DATA_DAYS", default=2 * 365)
MAIL_TEXT_DAYS = env.int("MAIL_TEXT_DAYS", default=365)
ROSTER_FILE_DAYS = env.int("ROSTER_FILE_DAYS", default=90)

# Behind a proxy that ends TLS: trust its header only where the operator says that there is one.
BEHIND_TLS_PROXY = env.bool("BEHIND_TLS_PROXY", default=False)
if BEHIND_TLS_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# How many proxies of ours add to X-Forwarded-For: the rest of that header is anybody's invention.
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=int(BEHIND_TLS_PROXY))
SECURE_SSL_REDIRECT = not DEBUG
# A redirect of a POST loses its body, and SENCE's answer with it.
# Nor is there TLS where a monitor asks the machine itself.
SECURE_REDIRECT_EXEMPT = [r"^sence/", r"^(healthz|readyz|metrics)$"]
SECURE_HSTS_SECONDS = 0 if DEBUG else 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = not DEBUG
SECURE_HSTS_PRELOAD = not DEBUG
# SENCE sees which site a form comes from, never which page.
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
SESSION_COOKIE_SECURE = not DEBUG
CSRF_COOKIE_SECURE = not DEBUG
CSRF_COOKIE_HTTPONLY = True
# It goes with the browser's session, as the RUT does: no page of a form is kept that would outlive
# it, and a computer that many share remembers nobody.
CSRF_COOKIE_AGE = None
X_FRAME_OPTIONS = "DENY"

# Who is mailed about our own errors, which the coordinators can't mend.
ERROR_EMAILS = env.list("ERROR_EMAILS", default=[])
sentry.start(env.str("SENTRY_DSN", default=""), env.str("SENTRY_ENVIRONMENT", default="production"))
# Without it nobody reads /metrics.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {
            "()": "usecap_sence.logs.MaskingFormatter",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        },
        "json": {"()": "usecap_sence.logs.MaskingJsonFormatter"},
    },
    "handlers": {
        "console": {
            "class": "usecap_sence.logs.StandardError",
            "formatter": env.str("LOG_FORMAT", default="text" if DEBUG else "json"),
        },
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        # Addresses that lead nowhere, as they were typed. `LogRequests` counts them.
        "django.request": {"level": "ERROR"},
        "django.server": {"handlers": [], "level": "INFO", "propagate": True},
        # It tells who mistyped a password. That is in its tables, for who may look.
        "axes": {"level": "ERROR"},
        # It tells each of its steps.
        "weasyprint": {"level": "WARNING"},
    },
}
