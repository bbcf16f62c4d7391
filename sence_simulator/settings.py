"""The simulator's own Django settings: no database, no cookies, nothing of the main project."""

from pathlib import Path

from django.core.management.utils import get_random_secret_key

BASE_DIR = Path(__file__).resolve().parent

# Never Django's debug pages: they would show the token of a form that failed.
DEBUG = False
SECRET_KEY = get_random_secret_key()
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
DATABASES: dict[str, dict[str, str]] = {}
INSTALLED_APPS: list[str] = []

# No CSRF middleware: there is no cookie to protect, and SENCE's forms come from another site.
MIDDLEWARE = [
    "sence_simulator.middleware.security_headers",
    "django.middleware.common.CommonMiddleware",
    "sence_simulator.middleware.choose_origin",
]
# Each listening port has its own URLs (see middleware); this is what neither claims.
ROOT_URLCONF = "sence_simulator.urls_sence"
APPEND_SLASH = False
# SENCE's forms are short, and the last ones stay in memory.
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {"context_processors": ["sence_simulator.views.origins"]},
    }
]

LANGUAGE_CODE = "es-cl"
TIME_ZONE = "America/Santiago"
USE_TZ = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"traceback_only": {"()": "sence_simulator.logs.TracebackOnly"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "traceback_only"}},
    "root": {"handlers": ["console"], "level": "ERROR"},
    "loggers": {"django": {"handlers": [], "level": "ERROR", "propagate": True}},
}
