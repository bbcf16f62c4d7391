"""`manage.py check --deploy`, warnings included, with production settings (`make lint`)."""

import os
import sys

os.environ.update(
    DJANGO_SETTINGS_MODULE="usecap_sence.settings",
    DEBUG="false",
    SECRET_KEY="only-for-this-check-" + "aB3$" * 15,
    TOKEN_ENCRYPTION_KEYS="dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk=",
    ALLOWED_HOSTS="asistencia.example.cl",
    PUBLIC_BASE_URL="https://asistencia.example.cl",
    DATABASE_URL="postgres://nobody@127.0.0.1:1/nothing",
    SENCE_PRODUCTION_URL="https://sistemas.sence.cl/rce/Registro/",
    SENCE_TEST_URL="https://sistemas.sence.cl/rcetest/Registro/",
    SENCE_FORM_HOSTS="https://*.sence.cl,https://*.claveunica.gob.cl",
)

from django.core.management import execute_from_command_line

execute_from_command_line([sys.argv[0], "check", "--deploy", "--fail-level", "WARNING"])
