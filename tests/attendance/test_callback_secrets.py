"""What SENCE's answers never leave behind: the token, the nonce, a cookie."""

import json
import logging
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import RequestFactory
from django.utils import timezone

from attendance.models import SenceCallback
from attendance.sence.incoming import without_token
from attendance.views import sence_callback
from tests.attendance_steps import (
    again,
    answer,
    callback_path,
    closing,
    opened,
    page,
    post,
    requested,
)
from tests.factories import EnrolmentFactory
from usecap_sence.logs import MaskingFormatter

TOKEN = "5C0F2f0e-7a3b-4d53-9d0a-3b8c1f6e2a41"
MULTIPART = (
    '--B\r\nContent-Disposition: form-data; name="Token"\r\n{}\r\n{}\r\n'
    '--B\r\nContent-Disposition: form-data; name="FechaHora"\r\n\r\n2026-11-23 10:00:00\r\n--B--'
)
DISGUISES = {
    "as the manual names it": f"Token={TOKEN}",
    "in lower case": f"token={TOKEN}",
    "in capitals": f"TOKEN={TOKEN.upper()}",
    "with spaces": f"+Token%20= {TOKEN} ",
    "with spaces inside": f"To+ken={TOKEN}",
    "as a list": f"Token[]={TOKEN}",
    "with an encoded name": f"%54%6f%6B%65n={TOKEN}",
    "with a NUL": f"Token%00={TOKEN}",
    "with encoded hyphens": f"Token={TOKEN.replace('-', '%2D')}",
    "twice": f"Token={TOKEN}&token={TOKEN}",
    "not a GUID": "Token=abc-secret",
    "after a semicolon": f"a=1;Token={TOKEN}",
    "in JSON": json.dumps({"Token": TOKEN, "x": 1}),
    "in indented JSON": json.dumps({"a": {"token": TOKEN}}, indent=4),
    "in a field's JSON": urlencode({"x": json.dumps({"Token": TOKEN})}),
    "in XML": f"<Token>{TOKEN}</Token>",
    "in multipart": MULTIPART.format("", TOKEN),
    "in multipart with a type": MULTIPART.format("Content-Type: text/plain\r\n", TOKEN),
    "in the middle of a value": f"x=el+Token:+{TOKEN}",
}


def secret_in(text):
    flat = text.lower().replace("%2d", "-")
    return TOKEN.lower() in flat or "abc-secret" in flat


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_token_is_taken_out_of_a_body_however_it_is_written(disguise):
    body = f"CodigoCurso=1234567&{DISGUISES[disguise]}&IdSesionSence=x"
    kept = without_token(body.encode()).decode()
    assert not secret_in(kept)
    assert kept.startswith("CodigoCurso=1234567&")
    assert kept.endswith("&IdSesionSence=x")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"&&",
        b"a=1&b=2",
        f"IdSesionAlumno={TOKEN}&IdSesionSence={TOKEN}".encode(),
        b"Tokens=1&MyToken=2&x=Token",
        bytes(range(256)),
        f"x=token&IdSesionAlumno={TOKEN}".encode(),
    ],
)
def test_what_is_no_token_stays_as_it_came(body):
    assert without_token(body) == body


def test_taking_the_token_out_takes_no_longer_for_a_hostile_body():
    # Each would take a backtracking expression years.
    for hostile in (b"token" * 13_000, b"token" + b"\ncontent-!!" * 6_000, b"token%22" * 8_000):
        assert without_token(hostile) == hostile


@pytest.mark.django_db
@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_posted_token_is_in_no_record_page_or_log(disguise, caplog):
    caplog.set_level(logging.DEBUG)
    session = requested(at=timezone.now() - timedelta(minutes=1))
    body = f"{urlencode(answer(session))}&{DISGUISES[disguise]}".encode()
    response = post(session, "open", body)
    for row in SenceCallback.objects.values():
        assert not secret_in(str({key: value for key, value in row.items() if key != "body"}))
        assert not secret_in(bytes(row["body"]).decode())
    assert not secret_in(response.content.decode() + str(response.headers))
    assert not secret_in(page(session))
    assert not secret_in(caplog.text)
    assert again(session).opened_at


@pytest.mark.django_db
def test_the_answer_sets_no_cookie_even_where_some_were_sent(browser_client):
    session = requested()
    for name in ("rut", "sessionid", "csrftoken", "messages"):
        browser_client.cookies[name] = "WhateverThisStudentsBrowserHolds"
    response = post(session, "open", answer(session), client=browser_client)
    assert response.status_code == 303
    assert not response.cookies


class Untouchable(dict):
    """Cookies that nobody may look at."""

    def __getitem__(self, name):
        raise AssertionError(f"looked at the cookie {name}")

    def get(self, name, default=None):
        raise AssertionError(f"looked at the cookie {name}")

    def __contains__(self, name):
        raise AssertionError(f"looked at the cookie {name}")

    def __iter__(self):
        raise AssertionError("looked at the cookies")


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["get", "post"])
def test_the_view_looks_at_no_cookie_and_no_session(method):
    session = requested()
    request = getattr(RequestFactory(), method)(callback_path(session, "open"))
    request.COOKIES = Untouchable()
    response = sence_callback(request, session.nonce, "open", error=False)
    assert response.status_code == (303 if method == "post" else 200)


def masked(caplog):
    formatter = MaskingFormatter("{message}", style="{")
    return "\n".join(formatter.format(record) for record in caplog.records)


@pytest.mark.django_db
def test_the_nonce_is_in_no_log(client, caplog):
    # Quieter in production.
    caplog.set_level("WARNING", logger="django.request")
    session = requested()
    path = callback_path(session, "open")
    post(session, "open", answer(session))
    client.get(path)
    client.put(path)
    client.post(path.removesuffix("inicio/"))
    client.post(path + "otra/")
    assert session.nonce in caplog.text, "nothing was logged: this test proves nothing"
    assert session.nonce not in masked(caplog)


@pytest.mark.django_db
def test_the_nonce_is_in_no_log_when_something_fails_on_the_way(caplog, settings, tmp_path):
    session = requested()
    in_the_way = tmp_path / "a-file"
    in_the_way.touch()
    settings.SPOOL_DIR = in_the_way
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE attendance_sencecallback RENAME TO elsewhere")
        response = post(session, "open", answer(session))
    assert response.status_code == 503
    assert session.nonce not in response.content.decode()
    assert session.nonce not in masked(caplog)
    assert session.run not in masked(caplog)


@pytest.mark.django_db
def test_the_page_tells_the_nonce_only_in_the_form_for_sence():
    enrolment = EnrolmentFactory()
    session = requested(enrolment)
    assert page(session).count(session.nonce) == 2
    post(session, "open", answer(session))
    assert page(session).count(session.nonce) == 2
    post(session, "close", closing(session))
    assert session.nonce not in page(session)
    rejected = requested(enrolment)
    post(rejected, "open", answer(rejected, GlosaError="312"), error=True)
    assert rejected.nonce not in page(rejected)
    thanks = opened(EnrolmentFactory(action__close_required=False))
    assert thanks.nonce not in page(thanks)


@pytest.mark.django_db
def test_the_nonce_is_nowhere_in_the_database_but_in_its_column():
    session = requested()
    post(session, "open", answer(session))
    post(session, "close", closing(session, GlosaError="301"), error=True)
    post(session, "close", closing(session))
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            row = "row" if table != "attendance_attendancesession" else "to_jsonb(row) - 'nonce'"
            cursor.execute(
                f"SELECT count(*) FROM {table} row WHERE ({row})::text LIKE %s"  # noqa: S608
                " OR position(encode(%s, 'hex') in (row)::text) > 0",
                [f"%{session.nonce}%", session.nonce.encode()],
            )
            assert cursor.fetchone() == (0,), table


@pytest.mark.django_db
def test_a_session_shows_neither_nonce_nor_token_where_it_is_printed():
    session = requested()
    shown = f"{session!r} {session} {session.otec!r} {session.otec}"
    assert session.nonce not in shown
    assert session.otec.token() not in shown
