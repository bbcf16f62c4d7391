"""What is missing or contradicts itself stops the start, with a sentence that says what to set."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.core.management import get_commands, load_command_class
from django.db import connection

from usecap_sence import commands

OUR_APPS = {"attendance", "backoffice", "courses", "errors_catalog"}
ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "DEBUG": "false",
    "SECRET_KEY": "only-for-this-test-" + "aB3$" * 15,
    "TOKEN_ENCRYPTION_KEYS": "dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk=",
    "ALLOWED_HOSTS": "asistencia.example.cl",
    "PUBLIC_BASE_URL": "https://asistencia.example.cl",
    "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing",
    "SENCE_PRODUCTION_URL": "https://sistemas.sence.cl/rce/Registro/",
    "SENCE_TEST_URL": "https://sistemas.sence.cl/rcetest/Registro/",
    "SENCE_FORM_HOSTS": "https://*.sence.cl,https://*.claveunica.gob.cl",
}


def run(tmp_path, *arguments, **changes):
    """Run Python with production's environment; an empty value counts as a missing one."""
    environment = os.environ | PRODUCTION | {"SPOOL_DIR": str(tmp_path / "spool")} | changes
    environment["DJANGO_SETTINGS_MODULE"] = "usecap_sence.settings"
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


LOAD = ("-c", "import usecap_sence.wsgi")


def test_the_site_starts_with_productions_settings_and_without_its_database(tmp_path):
    done = run(tmp_path, *LOAD)
    assert done.returncode == 0, done.stderr
    assert "La base de datos no responde" in done.stderr


def test_no_code_is_loaded_by_the_first_request(tmp_path):
    """An upgrade checks out another release while workers that nobody has asked yet run."""
    ask = """
import sys
from django.test import Client
import usecap_sence.wsgi
before = set(sys.modules)
client = Client(
    headers={"host": "asistencia.example.cl", "x-forwarded-proto": "https"},
    raise_request_exception=False,
)
for path in ("/", "/guia/", "/admin/login/", "/healthz", "/nowhere/"):
    client.get(path)
    client.post("/sence/" + "n" * 24 + "/inicio/", {"a": 1})
ours = {"attendance", "backoffice", "courses", "errors_catalog", "usecap_sence"}
print(sorted(name for name in set(sys.modules) - before if name.partition(".")[0] in ours))
"""
    done = run(tmp_path, "-c", ask, BEHIND_TLS_PROXY="true")
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stderr


@pytest.mark.django_db
def test_the_site_starts_though_its_database_is_not_migrated_yet(tmp_path):
    parameters = connection.get_connection_params()
    empty = (
        f"postgres:///postgres?{urlencode({name: parameters[name] for name in ('host', 'user')})}"
    )
    done = run(tmp_path, *LOAD, DATABASE_URL=empty)
    assert done.returncode == 0, done.stderr
    assert "replay_callbacks al iniciar: ProgrammingError" in done.stderr


def test_another_database_than_postgresql_is_refused(tmp_path):
    done = run(tmp_path, "manage.py", "check", DATABASE_URL="sqlite:///site.db")
    assert done.returncode != 0
    assert "DATABASE_URL no es de PostgreSQL" in done.stderr


def test_an_answer_is_not_redirected_where_the_proxys_header_is_not_trusted(tmp_path):
    ask = """
import django; django.setup()
from django.test import Client
client = Client(headers={"host": "asistencia.example.cl", "x-forwarded-proto": "https"})
print(client.post("/sence/" + "n" * 24 + "/inicio/", {"a": 1}).status_code)
print(client.get("/").status_code)
"""
    done = run(tmp_path, "-c", ask, BEHIND_TLS_PROXY="")
    assert done.stdout.split() == ["303", "301"], done.stderr


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"SECRET_KEY": ""}, "Falta SECRET_KEY."),
        ({"DATABASE_URL": ""}, "Falta DATABASE_URL."),
        ({"PUBLIC_BASE_URL": ""}, "attendance.E001: PUBLIC_BASE_URL falta"),
        ({"ALLOWED_HOSTS": "otro.example.cl"}, "attendance.E004"),
        ({"SENCE_PRODUCTION_URL": "http://127.0.0.1:8001/rce/Registro/"}, "attendance.E012"),
        ({"SENCE_SESSION_HOURS": "100"}, "attendance.E015"),
    ],
)
def test_the_site_refuses_to_start_and_says_what_to_set(tmp_path, changes, said):
    done = run(tmp_path, *LOAD, **changes)
    assert done.returncode != 0
    assert said in done.stderr
    assert PRODUCTION["SECRET_KEY"] not in done.stderr


@pytest.mark.parametrize("name", ["SECRET_KEY", "DATABASE_URL"])
def test_a_command_says_what_is_missing_without_a_traceback(tmp_path, name):
    done = run(tmp_path, "manage.py", "check", **{name: ""})
    assert done.returncode != 0
    assert f"Falta {name}." in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [["check"], ["import_enrolments", "roster.csv"]])
def test_a_command_refuses_what_the_site_would(tmp_path, command):
    done = run(tmp_path, "manage.py", *command, PUBLIC_BASE_URL="http://asistencia.example.cl")
    assert done.returncode != 0
    assert "attendance.E003" in done.stderr


def test_each_command_of_ours_asks_for_those_checks():
    ours = [name for name, app in get_commands().items() if app in OUR_APPS]
    assert "import_enrolments" in ours
    for name in ours:
        command = load_command_class(get_commands()[name], name)
        assert command.requires_system_checks == commands.CHECKS, name


def test_a_command_does_not_wait_for_admin_to_load(tmp_path):
    load = """
import sys
import django; django.setup()
from django.core.management import get_commands, load_command_class
load_command_class("courses", "import_enrolments")
print(sorted({"courses.admin", "import_export.admin", "openpyxl", "requests"} & set(sys.modules)))
"""
    done = run(tmp_path, "-c", load)
    assert done.stdout.split() == ["[]"], done.stderr


def test_check_looks_at_admin_though_it_loads_late(tmp_path):
    """Of the pages nothing is asked: their addresses fill admin, and checks have no order."""
    look = """
import django; django.setup()
from django.contrib.admin import ModelAdmin
from django.core.checks import run_checks
ModelAdmin.list_max_show_all = "many"
print(sum(found.id == "admin.E119" for found in run_checks(tags=["admin"])) > 10)
"""
    done = run(tmp_path, "-c", look)
    assert done.stdout.split() == ["True"], done.stderr


def test_the_simulator_refuses_to_start_in_production(tmp_path):
    done = run(tmp_path, "-m", "sence_simulator", "--port", "0")
    assert done.returncode != 0
