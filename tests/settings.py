"""The project's settings in an environment of the tests' own, which no `.env` changes."""

import os
import tempfile
from pathlib import Path

FOLDER = tempfile.TemporaryDirectory(prefix="usecap-sence-tests-")

os.environ.update(
    DEBUG="true",
    SECRET_KEY="only-for-tests-" + "x" * 50,
    TOKEN_ENCRYPTION_KEYS="dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk=",
    ALLOWED_HOSTS="localhost,127.0.0.1,testserver",
    PUBLIC_BASE_URL="http://localhost:8000",
    SENCE_PRODUCTION_URL="http://127.0.0.1:8001/rce/Registro/",
    SENCE_TEST_URL="http://127.0.0.1:8001/rcetest/Registro/",
    SENCE_FORM_HOSTS="http://127.0.0.1:8001,http://localhost:8002",
    SENCE_SESSION_HOURS="3",
    EMAIL_URL="memorymail://",
    CACHE_URL="locmemcache://",
    SPOOL_DIR=FOLDER.name,
)

from usecap_sence.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Empty: the tests collect no static files, and WhiteNoise warns of a folder that is missing.
STATIC_ROOT = Path(FOLDER.name)
# For the tests' own `flush`.
INSTALLED_APPS = [*INSTALLED_APPS, "tests"]  # noqa: F405
