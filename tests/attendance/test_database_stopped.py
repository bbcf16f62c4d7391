"""The whole site as it runs in production; its PostgreSQL stopped, frozen or locked under it."""

import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager

import psycopg
import pytest
import requests

from tests.frozen_network import network_to
from tests.site_process import ROOT, running_site
from usecap_sence.embedded_postgres import server

RUN = "11111111-1"


@pytest.fixture
def database(tmp_path):
    """A PostgreSQL of this test's own, in which it may do as it likes."""
    home = tmp_path / "postgres"
    server.use(home)
    server.start(home)
    where = server.address(home)
    parameters = {"host": where["HOST"], "port": where["PORT"], "user": where["USER"]}
    with psycopg.connect(**parameters, dbname="postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE stopped")
    yield home
    server.remove(home)


@pytest.fixture
def environment(database, tmp_path):
    where = server.address(database)
    url = f"postgres://{where['USER']}@/stopped?host={where['HOST']}&port={where['PORT']}"
    return environment_with(url, tmp_path)


def environment_with(url, tmp_path):
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "usecap_sence.settings",
        "DATABASE_URL": url,
        "SPOOL_DIR": str(tmp_path / "spool"),
    }


def manage(environment, *arguments):
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def hidden_fields(text):
    return dict(re.findall(r'name="(\w+)" value="([^"]*)"', text))


def start_session(student, site):
    """Go through the guide's first steps; return the page of the session and the form for SENCE."""
    student.headers["Referer"] = site
    for path, name in (("/", "rut"), ("/cursos/", "enrolment")):
        form = student.get(site + path, timeout=30).text
        token = hidden_fields(form)["csrfmiddlewaretoken"]
        value = RUN if name == "rut" else re.search(r'<option value="(\d+)"', form).group(1)
        answer = student.post(site + path, {name: value, "csrfmiddlewaretoken": token}, timeout=30)
    return answer.url, hidden_fields(answer.text)


def answer_as_sence(site, form, **fields):
    """Post to UrlRetoma as the student's browser does, coming from SENCE."""
    echoed = ("CodSence", "CodigoCurso", "IdSesionAlumno", "RunAlumno", "LineaCapacitacion")
    path = form["UrlRetoma"].removeprefix("http://localhost:8000")
    response = requests.post(
        site + path,
        {name: form[name] for name in echoed} | {"FechaHora": "2026-11-23 10:00:00"} | fields,
        allow_redirects=False,
        timeout=30,
    )
    assert response.status_code == 303
    assert not response.cookies


def test_an_answer_that_finds_the_database_stopped_is_applied_by_the_command_or_the_next_start(
    database, environment, tmp_path
):
    manage(environment, "migrate", "--verbosity=0")
    manage(environment, "load_demo")
    student = requests.Session()
    with running_site(environment) as site:
        page, form = start_session(student, site)

        server.stop(database)
        answer_as_sence(site, form, IdSesionSence="sence-1")
        assert student.get(page, timeout=30).status_code == 503
        assert len(list((tmp_path / "spool").iterdir())) == 1
        server.start(database)
        assert "Aplicadas: 1. Sin poder aplicar: 0." in manage(environment, "replay_callbacks")
        assert not list((tmp_path / "spool").iterdir())
        opened = student.get(page, timeout=30).text
        assert "Asistencia correctamente ingresada" in opened

        server.stop(database)
        answer_as_sence(site, hidden_fields(opened))
    with running_site(environment) as site:
        # It starts without its database too.
        assert requests.get(f"{site}/guia/", timeout=30).status_code == 200
        assert len(list((tmp_path / "spool").iterdir())) == 1
    server.start(database)
    with running_site(environment) as site:
        assert not list((tmp_path / "spool").iterdir())
        closed = student.get(site + page[page.index("/asistencia/") :], timeout=30).text
        assert "Sesión correctamente cerrada" in closed


def test_an_answer_that_meets_a_frozen_network_goes_to_disk_while_its_browser_waits(
    database, environment, tmp_path
):
    manage(environment, "migrate", "--verbosity=0")
    manage(environment, "load_demo")
    where = server.address(database)
    student = requests.Session()
    with network_to(f"{where['HOST']}/.s.PGSQL.{where['PORT']}") as network:
        url = f"postgres://{where['USER']}@127.0.0.1:{network.port}/stopped"
        with running_site(environment_with(url, tmp_path), "--threads=1") as site:
            page, form = start_session(student, site)

            network.freeze()
            # The first finds its connection silent, the second has to make one.
            answer_as_sence(site, form, IdSesionSence="sence-1")
            answer_as_sence(site, form, IdSesionSence="sence-1")
            assert len(list((tmp_path / "spool").iterdir())) == 2

            network.thaw()
            assert "Aplicadas: 2. Sin poder aplicar: 0." in manage(environment, "replay_callbacks")
            opened = student.get(page, timeout=30).text
            assert "Asistencia correctamente ingresada" in opened


@contextmanager
def held(database, statement):
    """Somebody else in the same database, who does not end the transaction of that statement."""
    where = server.address(database)
    parameters = {"host": where["HOST"], "port": where["PORT"], "user": where["USER"]}
    with psycopg.connect(**parameters, dbname="stopped") as other:
        other.execute(statement)
        yield
        other.rollback()


def test_nobody_waits_long_for_a_lock_and_an_answer_is_kept_until_it_is_free(database, environment):
    manage(environment, "migrate", "--verbosity=0")
    manage(environment, "load_demo")
    student = requests.Session()
    with running_site(environment, "--threads=1") as site:
        page, form = start_session(student, site)

        with held(database, "SELECT * FROM courses_enrolment FOR UPDATE"):
            began = time.monotonic()
            token = hidden_fields(student.get(f"{site}/cursos/", timeout=30).text)
            again = student.post(f"{page}reintentar/", token, timeout=30)
            assert again.status_code == 503
            assert "El sitio no está disponible por un momento." in again.text
            assert "Vuelva a intentar" in again.text
            answer_as_sence(site, form, IdSesionSence="sence-1")
            waiting = student.get(page, timeout=30)
            assert "La respuesta de Sence llegó y está guardada." in waiting.text
            # Four times three seconds at the most, on one thread.
            assert time.monotonic() - began < 20
            with running_site(environment) as other_site:
                assert requests.get(f"{other_site}/guia/", timeout=30).status_code == 200
        opened = student.get(page, timeout=30).text
        assert "Asistencia correctamente ingresada" in opened

        with held(database, "LOCK TABLE attendance_attendancesession, attendance_sencecallback"):
            began = time.monotonic()
            assert student.get(page, timeout=30).status_code == 503
            assert student.get(f"{page}reintentar/", timeout=30).status_code == 503
            answer_as_sence(site, hidden_fields(opened))
            assert requests.get(f"{site}/", timeout=30).status_code == 200
            assert time.monotonic() - began < 20
        assert "Sesión correctamente cerrada" in student.get(page, timeout=30).text


def test_a_command_waits_for_a_lock_as_long_as_it_takes(environment):
    asks = "from django.db import connection as c; print(*c.cursor().execute('SHOW lock_timeout'))"
    assert "('0',)" in manage(environment, "shell", "--verbosity=0", "--command", asks)
