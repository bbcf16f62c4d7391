"""Requests that HTTP's own grammar lets be read in two ways, or not at all, as bytes on a socket.

Each reaches a gunicorn as production runs it, at the callback addresses of a session of ours. What
is answered 303 is kept as it came; what is refused leaves nothing; and neither opens anything that
SENCE did not confirm.
"""

import os
import re
import socket
import struct
import time
from contextlib import suppress
from itertools import product
from urllib.parse import urlencode, urlsplit

import pytest
from django.db import connection

from attendance.models import SenceCallback, State
from attendance.sence.incoming import MAX_BODY
from tests.attendance.test_production_start import PRODUCTION
from tests.attendance_steps import (
    again,
    answer,
    callback_path,
    closing,
    facts,
    opened,
    outcomes,
    requested,
)
from tests.site_process import running_site

pytestmark = pytest.mark.django_db(transaction=True)

CUT = "No llegó completa: no se leyó."
TOO_LARGE = "Es más grande que cualquier respuesta de SENCE: no se leyó."


@pytest.fixture(scope="module")
def site(django_db_setup, django_db_blocker, tmp_path_factory):
    """The site as in production, on the tests' database."""
    with django_db_blocker.unblock():
        where = connection.get_connection_params()
    environment = os.environ | PRODUCTION | {
        "DATABASE_URL": f"postgres://{where['user']}@/{where['dbname']}"
        f"?host={where['host']}&port={where['port']}",
        "DJANGO_SETTINGS_MODULE": "usecap_sence.settings",
        "SPOOL_DIR": str(tmp_path_factory.mktemp("spool")),
    }  # fmt: skip
    with running_site(environment) as address:
        yield address


@pytest.fixture
def session(site):
    return requested()


def form(session, **changes):
    return urlencode(answer(session, **changes)).encode()


def request(session, *headers, body=b"", version="1.1", phase="open", error=False):
    """The bytes of a POST, with no headers but these."""
    path = callback_path(session, phase, error=error)
    lines = [f"POST {path} HTTP/{version}", "Host: asistencia.example.cl", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def whole(session, **changes):
    """The bytes of a POST with nothing wrong."""
    body = form(session, **changes)
    return request(session, f"Content-Length: {len(body)}", body=body)


def chunked(body, size=None):
    size = size or len(body)
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in [*pieces, b""])


def connected(site):
    return socket.create_connection((urlsplit(site).hostname, urlsplit(site).port), timeout=30)


def statuses(site, *pieces, pause=0.0):
    """Send the pieces, hang up as a browser does, and return the status of each answer."""
    came = b""
    with connected(site) as wire, suppress(OSError):
        for piece in pieces:
            wire.sendall(piece)
            time.sleep(pause)
        wire.shutdown(socket.SHUT_WR)
        while piece := wire.recv(65536):
            came += piece
    return [int(status) for status in re.findall(rb"^HTTP/1\.[01] (\d{3}) ", came, re.MULTILINE)]


def callbacks(session):
    return list(SenceCallback.objects.filter(public_id=session.public_id).order_by("pk"))


def kept(session):
    """What was kept of the session's answers: the bytes, and why nothing was done with them."""
    return [(bytes(callback.body), callback.verdict.reason) for callback in callbacks(session)]


def assert_refused(site, session, sent, *expected):
    """Nothing of it is kept, and whoever comes after it finds the site as it was."""
    before = facts(session)
    assert statuses(site, sent) == list(expected)
    assert kept(session) == []
    assert facts(session) == before
    assert statuses(site, whole(session)) == [303]
    assert outcomes(session) == ["opened"]


def assert_opens(site, session, *sent, answers=(303,), body=None):
    assert statuses(site, *sent) == list(answers)
    assert kept(session) == [(body or form(session), "")]
    assert again(session).state == State.OPEN


def assert_kept_and_not_read(site, session, sent, body, reason=CUT):
    """What came is kept, says what it lacks, and the true answer that follows still opens."""
    before = facts(session)
    assert statuses(site, sent) == [303]
    assert kept(session) == [(body, reason)]
    assert facts(session) == before
    assert statuses(site, whole(session)) == [303]
    assert outcomes(session) == ["anomaly", "opened"]


@pytest.mark.parametrize("size", [None, 1, 7])
def test_an_answer_in_chunks_is_kept_as_it_came_and_opens(site, session, size):
    sent = request(session, "Transfer-Encoding: chunked", body=chunked(form(session), size))
    assert_opens(site, session, sent)


@pytest.mark.parametrize("name", ["transfer-encoding: Chunked", "TRANSFER-ENCODING: CHUNKED"])
def test_chunks_in_another_case_with_extensions_and_trailers_open(site, session, name):
    body = form(session)
    sent = b'%X;a;b=c;d="e f"\r\n%s\r\n000\r\nX-Trailer: 1\r\n\r\n' % (len(body), body)
    assert_opens(site, session, request(session, name, body=sent))


def test_a_close_in_chunks_closes_and_an_error_in_chunks_rejects(site):
    session, rejected = opened(), requested()
    body = urlencode(closing(session)).encode()
    sent = request(session, "Transfer-Encoding: chunked", body=chunked(body), phase="close")
    assert statuses(site, sent) == [303]
    assert again(session).state == State.CLOSED
    body = chunked(form(rejected, GlosaError="312"), 5)
    assert statuses(
        site, request(rejected, "Transfer-Encoding: chunked", body=body, error=True)
    ) == [303]
    assert again(rejected).error_glosa == "312"


def test_a_token_in_chunks_is_not_kept_and_the_answer_opens(site, session):
    body = form(session) + b"&Token=5C0F2f0e-7a3b-4d53-9d0a-3b8c1f6e2a41"
    sent = request(session, "Transfer-Encoding: chunked", body=chunked(body, 11))
    assert_opens(site, session, sent)
    assert callbacks(session)[0].body_length == len(form(session))


def test_chunks_without_end_are_kept_in_part_and_not_read(site, session):
    body = form(session) + b"&a=" + b"b" * MAX_BODY
    sent = request(session, "Transfer-Encoding: chunked", body=chunked(body, 1000))
    assert_kept_and_not_read(site, session, sent, body[:MAX_BODY], TOO_LARGE)


def test_chunks_that_do_not_end_are_kept_and_not_read(site):
    for end in (b"", b"\r", b"\r\n", b"\r\n0", b"\r\n0\r\n", b"\r\n0\r\nX: 1"):
        session = requested()
        body = form(session)
        sent = b"%x\r\n%s%s" % (len(body), body, end)
        sent = request(session, "Transfer-Encoding: chunked", body=sent)
        assert_kept_and_not_read(site, session, sent, body)


def test_after_a_bad_size_of_a_chunk_nothing_is_believed(site):
    for size in (
        *(b"zz", b"-5", b"+5", b"0x5", b"1_0", b"", b" 5", b"5 ", b"5\n", b"5;a b", b"5;\x00"),
        *(b"F" * 17, b"0" * 9000, b"\xb2"),
    ):
        session = requested()
        before = facts(session)
        body = form(session)
        sent = b"%x\r\n%s\r\n%s\r\nabcde\r\n0\r\n\r\n" % (len(body), body, size)
        sent = request(session, "Transfer-Encoding: chunked", body=sent + whole(session))
        assert statuses(site, sent) == [303]
        ((came, reason),) = kept(session)
        assert came.startswith(body)
        assert reason == CUT
        assert facts(session) == before


def test_a_trailer_that_changes_what_was_read_makes_it_unreadable(site):
    for trailer in (b"Content-Length: 5", b"Host: a", b"Transfer-Encoding: gzip"):
        session = requested()
        body = form(session)
        sent = b"%x\r\n%s\r\n0\r\n%s\r\n\r\n" % (len(body), body, trailer)
        sent = request(session, "Transfer-Encoding: chunked", body=sent)
        assert_kept_and_not_read(site, session, sent, body)


AMBIGUOUS = [
    ["Transfer-Encoding: chunked", "Content-Length: 5"],
    ["Content-Length: 5", "Transfer-Encoding: chunked"],
    ["Content-Length: 5", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
    ["Transfer-Encoding: chunked, chunked"],
    ["Transfer-Encoding: chunked, identity"],
    ["Transfer-Encoding: identity", "Content-Length: 5"],
    ["Transfer-Encoding: gzip"],
    ["Transfer-Encoding : chunked"],
    [" Transfer-Encoding: chunked", "Content-Length: 5"],
    ["X: y", " Transfer-Encoding: chunked", "Content-Length: 5"],
    ["Transfer-Encoding: \x0bchunked"],
    ["Transfer-Encoding: chunked\n", "Content-Length: 5"],
    ["X: y\nTransfer-Encoding: chunked", "Content-Length: 5"],
    ["Content-Length: 5", "Content-Length: 500"],
    ["Content-Length: 5", "Content-Length: 5"],
    ["Content-Length: 5, 5"],
    ["Content-Length: 5 5"],
    ["Content-Length: +5"],
    ["Content-Length: -5"],
    ["Content-Length: 0x5"],
    ["Content-Length: 1e1"],
    ["Content-Length: \xb2"],
    ["Content-Length:"],
    ["Content-Length : 5"],
    [f"Content-Length: {'9' * 5000}"],
]


def test_a_length_that_can_be_read_in_two_ways_is_refused_with_all_that_follows(site):
    """What one reader takes for a body would be another one's request, with a forged answer."""
    for headers in AMBIGUOUS:
        session = requested()
        smuggled = whole(session, IdSesionSence="forged")
        sent = request(session, *headers, body=b"0\r\n\r\n" + smuggled)
        assert_refused(site, session, sent, 400)


def test_an_encoding_that_nobody_knows_is_refused(site):
    for encoding in ("xchunked", "", "chunked;q=1", '"chunked"', "chunked\xa0"):
        session = requested()
        sent = request(session, f"Transfer-Encoding: {encoding}", body=chunked(form(session)))
        assert_refused(site, session, sent, 501)


def test_an_underscore_makes_no_header_of_another_name(site, session):
    body = chunked(form(session))
    headers = f"Content-Length: {len(body)}", "Transfer_Encoding: chunked", "Content_Length: 1"
    assert statuses(site, request(session, *headers, body=body)) == [303]
    # Not taken for chunks: what came is no form that has all.
    assert [came for came, _ in kept(session)] == [body]


def test_who_waits_to_be_told_to_continue_is_told_and_the_answer_opens(site, session):
    body = form(session)
    with connected(site) as wire:
        wire.sendall(request(session, f"Content-Length: {len(body)}", "Expect: 100-continue"))
        assert wire.recv(65536).startswith(b"HTTP/1.1 100 ")
        wire.sendall(body)
        assert wire.recv(65536).startswith(b"HTTP/1.1 303 ")
    assert kept(session) == [(body, "")]
    assert again(session).state == State.OPEN


def test_who_does_not_wait_to_be_told_opens_as_well(site, session):
    body = chunked(form(session))
    sent = request(session, "Transfer-Encoding: chunked", "Expect: 100-continue", body=body)
    assert_opens(site, session, sent, answers=(100, 303))


def test_another_expectation_is_refused(site, session):
    sent = request(session, "Content-Length: 5", "Expect: money", body=b"a=b&c")
    assert_refused(site, session, sent, 417)


def test_an_answer_in_the_first_http_opens(site, session):
    body = form(session)
    length = f"Content-Length: {len(body)}"
    assert_opens(site, session, request(session, length, body=body, version="1.0"))


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_without_any_length_there_is_no_body(site, session, version):
    before = facts(session)
    assert statuses(site, request(session, body=form(session), version=version))[:1] == [303]
    assert kept(session) == [(b"", "Anuncia un inicio sin un IdSesionSence utilizable.")]
    assert facts(session) == before


def test_chunks_in_the_first_http_are_refused(site, session):
    body = chunked(form(session))
    sent = request(session, "Transfer-Encoding: chunked", body=body, version="1.0")
    assert_refused(site, session, sent, 400)


def test_another_http_is_refused(site):
    for version in (b"0.9", b"2.0", b"3.0", b"1", b"1.10", b"x", b"\x00"):
        session = requested()
        sent = whole(session).replace(b"HTTP/1.1", b"HTTP/" + version)
        assert_refused(site, session, sent, 400)


def test_lines_that_end_in_a_bare_lf_are_no_request(site, session):
    assert_refused(site, session, whole(session).replace(b"\r\n", b"\n"), 400)


def test_a_bare_lf_among_the_headers_is_refused(site, session):
    sent = whole(session).replace(b".cl\r\n", b".cl\nX: y\r\n")
    assert_refused(site, session, sent, 400)


def test_absurd_headers_are_refused(site):
    for headers in (
        [f"X: {'y' * 9000}"],
        [f"{'X' * 9000}: y"],
        [f"X: {'y' * 50_000}"],
        [f"X-{n}: y" for n in range(200)],
    ):
        session = requested()
        body = form(session)
        sent = request(session, f"Content-Length: {len(body)}", *headers, body=body)
        assert_refused(site, session, sent, 431)


def test_an_absurdly_long_address_is_refused(site):
    for length in (9_000, 50_000):
        session = requested()
        sent = whole(session).replace(b" HTTP", b"?" + b"x" * length + b" HTTP")
        assert_refused(site, session, sent, 414)


def test_an_answer_cut_anywhere_is_kept_and_not_read(site):
    for missing in (1, 2, 5, 60, 140):
        session = requested()
        body = form(session)
        sent = request(session, f"Content-Length: {len(body)}", body=body[:-missing])
        assert_kept_and_not_read(site, session, sent, body[:-missing])
        assert callbacks(session)[0].body_length == len(body)


def test_an_answer_that_lacks_what_no_field_needs_is_cut_all_the_same(site, session):
    body = form(session)
    sent = request(session, f"Content-Length: {len(body) + 1}", body=body)
    assert_kept_and_not_read(site, session, sent, body)


@pytest.mark.parametrize("error", [False, True])
def test_a_cut_close_leaves_it_open_whatever_its_address(site, error):
    session = opened()
    before = facts(session)
    body = urlencode(closing(session, GlosaError="301" if error else None)).encode()
    length = f"Content-Length: {len(body) + 3}"
    sent = request(session, length, body=body, phase="close", error=error)
    assert statuses(site, sent) == [303]
    assert kept(session) == [(body, CUT)]
    assert facts(session) == before


def test_an_answer_whose_connection_is_reset_is_kept_as_far_as_it_came(site, session):
    before = facts(session)
    for headers, body in (
        (["Content-Length: 500"], form(session)),
        (["Transfer-Encoding: chunked"], b"500\r\n" + form(session)),
    ):
        count = len(callbacks(session))
        wire = connected(site)
        wire.sendall(request(session, *headers, body=body))
        time.sleep(0.5)
        # Without lingering, closing resets.
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wire.close()
        deadline = time.monotonic() + 20
        while len(callbacks(session)) == count and time.monotonic() < deadline:
            time.sleep(0.05)
    time.sleep(0.2)
    assert kept(session) == [(form(session), CUT)] * 2
    assert facts(session) == before


def test_a_request_in_a_body_is_only_a_body(site, session):
    body = form(session, ZonaHoraria="x") + b"\r\n\r\n" + whole(session, IdSesionSence="forged")
    sent = request(session, f"Content-Length: {len(body)}", body=body)
    assert statuses(site, sent) == [303]
    assert [came for came, _ in kept(session)] == [body]
    assert again(session).sence_session_id != "forged"


@pytest.mark.parametrize("encoding", ["length", "chunks"])
def test_a_request_in_what_is_not_read_of_a_body_is_never_run(site, session, encoding):
    smuggled = whole(session, IdSesionSence="forged")
    body = b"a=" + b"b" * (MAX_BODY - 1) + smuggled
    if encoding == "length":
        sent = request(session, f"Content-Length: {len(body)}", body=body)
    else:
        sent = request(session, "Transfer-Encoding: chunked", body=chunked(body, MAX_BODY + 1))
    assert_kept_and_not_read(site, session, sent, body[:MAX_BODY], TOO_LARGE)


def test_answers_one_behind_the_other_are_each_kept_and_answered(site, session):
    first, second = form(session), form(session, GlosaError="312")
    sent = (
        request(session, "Transfer-Encoding: chunked", body=chunked(first, 9))
        + request(session, f"Content-Length: {len(second)}", body=second, error=True)
        + whole(session)
    )
    assert statuses(site, sent) == [303, 303, 303]
    assert [came for came, _ in kept(session)] == [first, second, first]
    assert outcomes(session) == ["opened", "late_error", "replay"]
    assert again(session).state == State.OPEN


def test_a_control_byte_in_a_header_is_refused(site):
    for name, byte in product((b"Origin", b"Content-Type", b"X"), b"\x00\x01\r\x1b\x7f"):
        session = requested()
        header = b"%s: a%cb\r\n" % (name, byte)
        assert_refused(site, session, whole(session).replace(b"Host", header + b"Host"), 400)


def test_eight_bits_in_a_header_are_kept_and_the_answer_opens(site):
    for header in ("Origin: \xff\xfe\xc3(", "Content-Type: \xf1and\xfa/\x80"):
        session = requested()
        body = form(session)
        sent = request(session, f"Content-Length: {len(body)}", header, body=body)
        assert_opens(site, session, sent)
        (callback,) = callbacks(session)
        assert header.endswith(callback.origin or callback.content_type)


def test_no_such_byte_is_taken_in_an_address_or_in_the_name_of_a_header(site):
    for byte in (b"\x00", b"\t", b"\x7f", b"\xff"):
        session = requested()
        sent = whole(session)
        assert statuses(site, sent.replace(b"/inicio/", b"/inicio/?" + byte)) == [400]
        assert_refused(site, session, sent.replace(b"Content-", byte + b"Content-"), 400)


@pytest.mark.parametrize("encoding", ["length", "chunks"])
def test_a_slow_body_is_waited_for_while_others_are_answered(site, session, encoding):
    body = form(session)
    if encoding == "length":
        sent = request(session, f"Content-Length: {len(body)}", body=body)
    else:
        sent = request(session, "Transfer-Encoding: chunked", body=chunked(body, 50))
    other = requested()
    with connected(site) as wire:
        for at in range(0, len(sent), 25):
            wire.sendall(sent[at : at + 25])
            time.sleep(0.1)
            if at == 500:
                assert_opens(site, other, whole(other))
                assert not again(session).opened_at
        assert wire.recv(65536).startswith(b"HTTP/1.1 303 ")
    assert kept(session) == [(body, "")]
    assert again(session).state == State.OPEN
