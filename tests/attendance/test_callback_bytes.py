"""Whatever reaches a callback URL is kept and answered: any bytes, any method, any headers."""

import json
import socket
from urllib.parse import urlencode, urlsplit

import pytest
from django.db.models import Max
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from attendance.models import AttendanceSession, SenceCallback, State
from attendance.sence.callback_urls import PATHS
from attendance.sence.incoming import MAX_BODY
from tests.attendance_steps import (
    again,
    answer,
    callback_path,
    facts,
    last_verdict,
    opened,
    outcomes,
    page,
    post,
    requested,
)
from tests.fuzzing import examples

GARBAGE = {
    "empty": b"",
    "NULs": b"\x00" * 100,
    "bad UTF-8": b"a=\xff\xfe\xc3\x28&\xc3=%C3%28",
    "overlong UTF-8": b"a=\xc0\x80\xed\xa0\x80",
    "every byte": bytes(range(256)),
    "percent rubbish": b"%=%&%zz=%z&%%%=%0&a=%",
    "separators": b"&&&===&;=&=",
    "no equals sign": b"IdSesionSence",
    "a name alone, huge": b"a" * 10_000,
    "JSON": b'{"IdSesionSence": "sence-1", "RunAlumno": [1, 2]}',
    "XML": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    "a body in UTF-16": "IdSesionSence=sence-1".encode("utf-16"),
}


@pytest.mark.django_db
@pytest.mark.parametrize(("phase", "error"), PATHS)
@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_kept_as_it_came_and_opens_and_closes_nothing(name, phase, error):
    session = requested() if phase == "open" else opened()
    state = session.state
    assert post(session, phase, GARBAGE[name], error=error).status_code == 303
    callback = SenceCallback.objects.get()
    assert bytes(callback.body) == GARBAGE[name]
    assert callback.body_length == len(GARBAGE[name])
    assert callback.verdict
    assert again(session).state == (State.REJECTED if (phase, error) == ("open", True) else state)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "sence_id", [b"\xff\xfe", b"%C3%28", b"a%00b", b"\xed\xa0\x80", b"%", b"a\r\nb: c", b"+a%20"]
)
def test_a_strange_id_of_sence_is_kept_as_text_and_makes_a_page(sence_id):
    session = requested()
    post(session, "open", b"IdSesionSence=" + sence_id)
    assert again(session).state == State.OPEN
    assert 'name="IdSesionSence"' in page(session)


@pytest.mark.django_db
@pytest.mark.parametrize("phase", ["open", "close"])
def test_a_megabyte_is_kept_in_part_and_not_read(phase):
    session = requested() if phase == "open" else opened()
    before = facts(session)
    fields = urlencode(answer(session)).encode()
    body = fields + b"&a=" + b"b" * (1024 * 1024)
    assert post(session, phase, body).status_code == 303
    assert facts(session) == before
    callback = SenceCallback.objects.get()
    assert bytes(callback.body) == body[:MAX_BODY]
    assert callback.body_length > MAX_BODY
    assert last_verdict().outcome == "anomaly"
    assert last_verdict().reason == "Es más grande que cualquier respuesta de SENCE: no se leyó."


@pytest.mark.django_db
@pytest.mark.parametrize("phase", ["open", "close"])
def test_two_thousand_fields_are_kept_and_not_read(phase):
    session = requested() if phase == "open" else opened()
    before = facts(session)
    fields = [*answer(session).items(), *((f"campo{n}", "x") for n in range(2000))]
    assert post(session, phase, urlencode(fields).encode()).status_code == 303
    assert facts(session) == before
    assert last_verdict().outcome == "anomaly"


@pytest.mark.django_db
@pytest.mark.parametrize("size", [MAX_BODY - 1, MAX_BODY, MAX_BODY + 1])
def test_a_body_is_read_up_to_the_bound_and_not_beyond(size):
    session = requested()
    body = urlencode(answer(session)).encode() + b"&relleno="
    body += b"x" * (size - len(body))
    post(session, "open", body)
    assert again(session).state == (State.OPEN if size <= MAX_BODY else State.REQUESTED)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data; boundary=B", b'--B\r\nContent-Disposition: form-data; name="a"\r\n'),
        ("multipart/form-data", b"no boundary"),
        ("application/json", json.dumps({"IdSesionSence": "x"}).encode()),
        ("text/plain; charset=nonsense", b"x"),
        ("application/x-www-form-urlencoded; charset=utf-16", b"x"),
        ("ñandú/\x00", b"x"),
        ("x" * 5000, b"x"),
        ("", b"x"),
    ],
)
def test_another_content_type_is_kept_and_does_not_open(content_type, body):
    session = requested()
    assert post(session, "open", body, content_type=content_type).status_code == 303
    assert again(session).state == State.REQUESTED
    assert bytes(SenceCallback.objects.get().body) == body


@pytest.mark.django_db
@pytest.mark.parametrize("content_type", ["application/json", "text/plain", ""])
def test_a_form_opens_whatever_its_content_type_claims(content_type):
    session = requested()
    body = urlencode(answer(session)).encode()
    post(session, "open", body, content_type=content_type)
    assert again(session).state == State.OPEN


@pytest.mark.django_db
@pytest.mark.parametrize(("phase", "error"), PATHS)
@pytest.mark.parametrize("method", ["get", "head"])
def test_get_and_head_change_nothing_and_show_a_friendly_page(client, method, phase, error):
    session = requested() if phase == "open" else opened()
    before = facts(session)
    url = callback_path(session, phase, error=error)
    response = getattr(client, method)(url, answer(session, GlosaError="1"))
    assert response.status_code == 200
    if method == "get":
        assert "solo para las respuestas de Sence" in response.content.decode()
    assert facts(session) == before
    assert not SenceCallback.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "SENCE"])
def test_other_methods_are_refused_and_change_nothing(client, method):
    session = requested()
    before = facts(session)
    response = client.generic(
        method, callback_path(session, "open"), urlencode(answer(session)),
        content_type="application/x-www-form-urlencoded",
    )  # fmt: skip
    assert response.status_code == 405
    assert facts(session) == before
    assert not SenceCallback.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("nonce", ["aaaaaaaa", "-" * 64, "_" * 24])
def test_a_nonce_of_another_length_is_kept_as_unmatched(nonce):
    assert post(nonce, "open", {"IdSesionSence": "x"}).status_code == 303
    assert last_verdict().outcome == "unmatched"


@pytest.mark.django_db
@settings(max_examples=examples(100))
@given(
    body=st.binary(max_size=400)
    | st.lists(
        st.tuples(
            st.sampled_from(["IdSesionSence", "GlosaError", "RunAlumno", "CodSence", "FechaHora",
                             "ZonaHoraria", "Token", "x"]) | st.text(max_size=10),
            st.text(max_size=200),
        ),
        max_size=12,
    ).map(lambda pairs: urlencode(pairs, errors="surrogatepass").encode()),
    path=st.sampled_from(list(PATHS)),
    content_type=st.text(st.characters(max_codepoint=255, exclude_characters="\r\n;"), max_size=30),
)  # fmt: skip
def test_no_bytes_make_an_error_500_nor_go_undecided(db, body, path, content_type):
    session = AttendanceSession.objects.first() or requested()
    before = SenceCallback.objects.aggregate(last=Max("pk"))["last"] or 0
    phase, error = path
    response = post(session, phase, body, error=error, content_type=content_type)
    assert response.status_code == 303
    assert SenceCallback.objects.get(pk__gt=before).verdict
    assert Client().get(session.get_absolute_url()).status_code == 200


def raw_post(server, path, headers, body):
    """POST byte by byte as written, and hang up; return the status line that comes back."""
    host, port = urlsplit(server).hostname, urlsplit(server).port
    head = "\r\n".join([f"POST {path} HTTP/1.0", f"Host: {host}:{port}", *headers, "", ""])
    with socket.create_connection((host, port), timeout=20) as connection:
        connection.sendall(head.encode("latin-1") + body)
        connection.shutdown(socket.SHUT_WR)
        return connection.makefile("rb").readline()


@pytest.mark.django_db(transaction=True)
def test_absurd_headers_are_answered_and_what_came_is_kept(live_server):
    session = requested()
    body = b"FechaHora=1&"
    for headers in (
        [],
        ["Content-Length: 0"],
        ["Content-Length: -5"],
        ["Content-Length: diez"],
        ["Content-Length: 12", "Content-Type: a/b; charset=nada"],
        ["Content-Length: 999999"],
        ["Content-Length: 99999999999999999999"],
        [f"Content-Length: {'9' * 5000}"],
        ["Content-Length: 12", "Origin: \xff\xfe"],
    ):
        path = callback_path(session, "open")
        assert b" 303 " in raw_post(live_server.url, path, headers, body)
        callback = SenceCallback.objects.latest("pk")
        assert callback.verdict
        assert body.startswith(bytes(callback.body))
    assert outcomes(session) == ["anomaly"] * 9
    assert again(session).state == State.REQUESTED
