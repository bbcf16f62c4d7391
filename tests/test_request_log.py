"""The log of a server in production: a line of JSON for each request, and nobody in it."""

import json
import re
import uuid
from functools import partial

import pytest
import requests
from django.db import connection

from tests.attendance_steps import answer, callback_path, requested
from tests.factories import EnrolmentFactory
from tests.site_process import as_production, database_url, running_site

SITE = {"X-Forwarded-Proto": "https"}
NAMED = uuid.UUID(int=7, version=4).hex


@pytest.fixture
def environment(tmp_path):
    where = connection.get_connection_params()
    return as_production(
        DATABASE_URL=database_url(where["dbname"], where["host"], where["user"]),
        SPOOL_DIR=str(tmp_path / "spool"),
        LOG_FORMAT="json",
    )


@pytest.mark.django_db(transaction=True)
def test_each_request_is_a_line_that_names_nobody(environment, capfd):
    session = requested(EnrolmentFactory())
    secrets = [session.nonce, session.run, str(session.public_id), "5C0F2f0e", "soto"]
    with running_site(environment) as site:
        fields = answer(session, Token="5C0F2f0e-7a3b-4d53-9d0a-3b8c1f6e2a41")
        ask = partial(requests.request, headers=SITE, allow_redirects=False, timeout=60)
        assert ask("POST", site + callback_path(session, "open"), data=fields).status_code == 303
        ask("GET", f"{site}/asistencia/{session.public_id}/?q={session.run}&nombre=soto")
        ask("GET", f"{site}/{session.run}/soto")
        named = ask("GET", f"{site}/healthz", headers=SITE | {"X-Request-ID": NAMED})
        forged = SITE | {"X-Request-ID": f"{session.run}-soto"}
        unnamed = ask("GET", f"{site}/healthz", headers=forged)
    lines = [line for line in capfd.readouterr().err.splitlines() if line.startswith("{")]
    assert any('"status": 303' in line and '"route": "^sence/' in line for line in lines)
    log = [json.loads(line) for line in lines]
    # Whatever the status: without static files that were collected, pages are errors of ours.
    told = {(line.get("method"), line.get("route")) for line in log}
    assert {("GET", "asistencia/<uuid:public_id>/"), ("GET", "-"), ("GET", "healthz")} <= told
    for secret in secrets:
        assert secret.lower() not in "\n".join(lines).lower()
    assert named.headers["X-Request-ID"] == NAMED
    assert re.fullmatch("[0-9a-f]{32}", unnamed.headers["X-Request-ID"])
    of_requests = [line["request_id"] for line in log if line.get("route")]
    assert NAMED in of_requests
    assert unnamed.headers["X-Request-ID"] in of_requests
    assert all(isinstance(line["milliseconds"], int) for line in log if line.get("route"))
