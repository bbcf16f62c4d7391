"""SENCE's answers while something behind us fails: kept, and applied once when it is back."""

import logging
import signal
import stat
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from django.test import Client
from django.utils import timezone

from attendance import callbacks, spool
from attendance.models import PendingCallback, SenceCallback, State
from attendance.sence.callback_urls import public_id
from courses.models import Enrolment
from tests.attendance_steps import (
    again,
    answer,
    callback_path,
    closing,
    facts,
    last_verdict,
    opened,
    outcomes,
    page,
    post,
    requested,
)
from tests.database_away import database_away
from usecap_sence.logs import MaskingFormatter


def spooled(settings):
    return sorted(settings.SPOOL_DIR.glob("*"))


def receipt(session, body=b"IdSesionSence=sence-1", *, at=None, phase="open", error=False):
    return spool.Receipt(
        received_at=at or timezone.now(),
        public_id=session if isinstance(session, uuid.UUID) else session.public_id,
        phase=phase,
        announces_error=error,
        body=body,
        body_length=len(body),
        content_type="application/x-www-form-urlencoded",
        origin="https://sistemas.sence.cl",
    )


def replay(capsys):
    """Run the command; return its exit status and what it said."""
    status = 0
    try:
        call_command("replay_callbacks")
    except SystemExit as ended:
        status = ended.code
    return status, capsys.readouterr().out.strip()


@pytest.mark.django_db(transaction=True)
def test_with_the_database_stopped_an_answer_goes_to_disk_and_is_applied_once(
    settings, time_machine, capsys, caplog
):
    time_machine.move_to("2026-11-23T15:00:00Z", tick=False)
    session = requested()
    time_machine.shift(timedelta(minutes=10))
    with database_away():
        response = post(session, "open", answer(session))
        assert response.status_code == 303
        assert response["Location"] == session.get_absolute_url()
        assert not response.cookies
        (file,) = spooled(settings)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(settings.SPOOL_DIR.stat().st_mode) == 0o700
        waiting = Client().get(response["Location"])
        assert waiting.status_code == 503
        assert "Lo que Sence nos haya respondido está a salvo" in waiting.content.decode()
        with pytest.raises(CommandError, match="La base de datos no responde"):
            call_command("replay_callbacks")
        assert spooled(settings) == [file]
    assert again(session).state == State.REQUESTED
    time_machine.shift(timedelta(hours=1))
    assert replay(capsys) == (0, "Aplicadas: 1. Sin poder aplicar: 0.")
    assert spooled(settings) == []
    session = again(session)
    assert session.state == State.OPEN
    assert session.opened_at == timezone.now() - timedelta(hours=1)
    before = facts(session)
    assert replay(capsys) == (0, "Aplicadas: 0. Sin poder aplicar: 0.")
    assert facts(session) == before
    assert SenceCallback.objects.count() == 1
    formatter = MaskingFormatter()
    logged = "\n".join(formatter.format(record) for record in caplog.records)
    assert "guardada en disco" in logged
    assert session.nonce not in logged
    assert session.run not in logged


@pytest.mark.django_db(transaction=True)
def test_every_page_says_that_the_database_is_away(client):
    session = opened()
    client.post("/", {"rut": session.run})
    with database_away():
        assert client.get("/").status_code == 200
        for response in (
            client.post("/", {"rut": session.run}),
            client.get("/cursos/"),
            client.get(session.get_absolute_url()),
            client.get(f"{session.get_absolute_url()}reloj/"),
            client.post(f"{session.get_absolute_url()}reintentar/"),
        ):
            assert response.status_code == 503
            assert response["Cache-Control"] == "no-store"
            assert "no está disponible por un momento" in response.content.decode()
        assert client.get(callback_path(session, "open")).status_code == 200
        assert client.get("/guia/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_an_answer_kept_when_the_database_stops_half_way_is_applied_by_its_page():
    session = requested()
    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            Enrolment.objects.select_for_update().get(pk=session.enrolment_id)
            posting = threads.submit(open_elsewhere, session)
            terminate_who_waits()
        assert posting.result().status_code == 303
    kept = SenceCallback.objects.get(verdict=None)
    # Noted by the database itself, since nobody can look through a million answers for it.
    assert list(PendingCallback.objects.values_list("pk", flat=True)) == [kept.pk]
    assert again(session).state == State.REQUESTED
    assert "Asistencia correctamente ingresada" in page(session)
    assert outcomes(session) == ["opened"]
    assert not PendingCallback.objects.exists()


def open_elsewhere(session):
    """Post the opening's success, with a connection of its own."""
    try:
        return post(session, "open", answer(session))
    finally:
        connections.close_all()


def terminate_who_waits():
    deadline = time.monotonic() + 20
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchall():
                return
            time.sleep(0.05)
    raise AssertionError("nobody waits")


@contextmanager
def locked_table():
    """SENCE's answers, locked as by a migration; what comes is for the disk."""
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("LOCK TABLE attendance_sencecallback IN ACCESS EXCLUSIVE MODE")
        yield


@pytest.mark.django_db(transaction=True)
def test_an_answer_does_not_wait_for_a_locked_table(settings):
    session = requested()
    with locked_table():
        assert post(session, "open", answer(session)).status_code == 303
        assert len(spooled(settings)) == 1
    assert "Asistencia correctamente ingresada" in page(session)
    assert spooled(settings) == []


@pytest.mark.django_db(transaction=True)
def test_an_answer_does_not_wait_for_ever_for_who_holds_the_enrolment(monkeypatch):
    monkeypatch.setattr(callbacks, "SILENCE_TO_APPLY", 1)
    session = requested()
    with ThreadPoolExecutor(1) as threads, transaction.atomic():
        Enrolment.objects.select_for_update().get(pk=session.enrolment_id)
        response = threads.submit(open_elsewhere, session).result()
        assert response.status_code == 303
        assert not session.verdicts.exists()
    assert "Asistencia correctamente ingresada" in page(session)
    assert outcomes(session) == ["opened"]


@pytest.mark.django_db
def test_no_more_are_applied_than_were_asked_for(settings, capsys):
    for session in [requested() for _ in range(3)]:
        spool.put(receipt(session))
    call_command("replay_callbacks", "--most=2")
    assert "Aplicadas: 2." in capsys.readouterr().out
    assert len(spooled(settings)) == 1


@pytest.mark.django_db
def test_a_close_waits_for_the_opening_that_was_kept_before_it_and_not_applied():
    session = requested()
    SenceCallback.objects.create(**asdict(receipt(session, at=timezone.now() - timedelta(hours=1))))
    post(session, "close", closing(session))
    assert outcomes(session) == ["opened", "closed"]


@pytest.mark.django_db
def test_a_close_waits_for_the_opening_that_is_still_on_disk():
    session = requested()
    spool.put(receipt(session, at=timezone.now() - timedelta(hours=1)))
    post(session, "close", closing(session))
    assert outcomes(session) == ["opened", "closed"]


@pytest.mark.django_db(transaction=True)
def test_an_answer_outlives_a_worker_that_is_ended_while_it_waits(settings):
    session = requested()

    def end_the_worker(*_):
        raise SystemExit(1)

    before = signal.signal(signal.SIGALRM, end_the_worker)
    try:
        with locked_table(), pytest.raises(SystemExit):  # noqa: PT012
            signal.setitimer(signal.ITIMER_REAL, 0.5)
            post(session, "open", answer(session))
    finally:
        signal.signal(signal.SIGALRM, before)
        connection.close()
    assert len(spooled(settings)) == 1
    assert "Asistencia correctamente ingresada" in page(session)


@pytest.mark.django_db(transaction=True)
def test_when_neither_database_nor_disk_keeps_it_the_student_is_asked_to_send_it_again(
    settings, tmp_path
):
    session = requested()
    settings.SPOOL_DIR = tmp_path / "a-file" / "spool"
    (tmp_path / "a-file").touch()
    with database_away():
        response = post(session, "open", answer(session))
    assert response.status_code == 503
    text = response.content.decode()
    assert "No pudimos guardar la respuesta de Sence." in text
    assert "recárguela" in text
    assert not response.cookies
    # The reload sends it again.
    assert post(session, "open", answer(session)).status_code == 303
    assert again(session).state == State.OPEN


@pytest.mark.django_db
def test_answers_are_applied_in_the_order_of_their_arrival(capsys):
    session = requested()
    now = timezone.now()
    close = answer(session, IdSesionSence=None)
    for minutes, phase, error, fields in [
        (30, "close", False, close),
        (20, "close", True, close | {"GlosaError": "301"}),
        (10, "open", False, answer(session)),
        (0, "open", True, answer(session, GlosaError="312")),
    ]:
        body = "&".join(f"{name}={value}" for name, value in fields.items()).encode()
        spool.put(
            receipt(session, body, at=now + timedelta(minutes=minutes), phase=phase, error=error)
        )
    assert replay(capsys) == (0, "Aplicadas: 4. Sin poder aplicar: 0.")
    assert outcomes(session) == ["rejected", "opened", "close_failed", "closed"]
    assert again(session).duration(now) == timedelta(minutes=20)


@pytest.mark.django_db
def test_an_earlier_answer_on_disk_goes_before_a_later_one_in_the_database(capsys):
    session = requested()
    now = timezone.now()
    closed = receipt(session, b"FechaHora=1", at=now, phase="close")
    SenceCallback.objects.create(**asdict(closed))
    spool.put(receipt(session, at=now - timedelta(minutes=10)))
    assert replay(capsys) == (0, "Aplicadas: 2. Sin poder aplicar: 0.")
    assert outcomes(session) == ["opened", "closed"]


@pytest.mark.django_db
@pytest.mark.parametrize("opening_is_on_disk", [True, False])
def test_an_opening_goes_before_its_close_where_the_clock_was_put_back_in_between(
    capsys, opening_is_on_disk
):
    session, now = requested(), timezone.now()
    opening = receipt(session, at=now + timedelta(hours=1))
    if opening_is_on_disk:
        spool.put(opening)
    else:
        SenceCallback.objects.create(**asdict(opening))
    spool.put(receipt(session, b"FechaHora=1", at=now - timedelta(hours=1), phase="close"))
    assert replay(capsys) == (0, "Aplicadas: 2. Sin poder aplicar: 0.")
    assert outcomes(session) == ["opened", "closed"]
    assert again(session).duration(now) == timedelta(0)


@pytest.mark.django_db
def test_a_close_that_comes_after_the_clock_was_put_back_does_not_overtake_its_opening():
    session = requested()
    opening = receipt(session, at=timezone.now() + timedelta(hours=1))
    SenceCallback.objects.create(**asdict(opening))
    assert post(session, "close", closing(session)).status_code == 303
    assert outcomes(session) == ["opened", "closed"]


@pytest.mark.django_db
def test_a_file_left_behind_after_its_row_was_committed_is_not_applied_twice(settings, capsys):
    session = requested()
    left_behind = receipt(session)
    callbacks.receive(left_behind)
    before = facts(session)
    spool.put(left_behind)
    assert replay(capsys) == (0, "Aplicadas: 0. Sin poder aplicar: 0.")
    assert spooled(settings) == []
    assert facts(session) == before
    assert SenceCallback.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "content",
    [
        b"", b"\x00\xff", b"{", b"{}", b"[]", b"null", b'"x"', b'{"received_at": 5}',
        b'{"received_at": "x", "public_id": "x", "receipt_id": "x", "body": "x"}',
    ],
)  # fmt: skip
def test_an_unreadable_file_stays_and_is_reported_and_stops_no_other(settings, capsys, content):
    session = requested()
    settings.SPOOL_DIR.mkdir()
    unreadable = settings.SPOOL_DIR / f"0000000000.000000_{session.public_id}_{uuid.uuid4()}.json"
    unreadable.write_bytes(content)
    spool.put(receipt(session))
    for applied in (1, 0):
        assert replay(capsys) == (1, f"Aplicadas: {applied}. Sin poder aplicar: 1.")
        assert spooled(settings) == [unreadable]
        assert unreadable.read_bytes() == content
    assert again(session).state == State.OPEN
    assert "Asistencia correctamente ingresada" in page(session)


@pytest.mark.django_db
def test_a_half_written_file_is_not_read(settings, capsys):
    settings.SPOOL_DIR.mkdir()
    (settings.SPOOL_DIR / "tmpabc.part").write_text("{")
    assert replay(capsys) == (0, "Aplicadas: 0. Sin poder aplicar: 0.")


@pytest.mark.django_db
def test_the_sessions_page_applies_its_own_spooled_answer_and_no_other(settings):
    mine, other = requested(), requested()
    spool.put(receipt(mine))
    spool.put(receipt(other))
    assert "Asistencia correctamente ingresada" in page(mine)
    (left,) = spooled(settings)
    assert str(other.public_id) in left.name
    assert again(other).state == State.REQUESTED


@pytest.mark.django_db
def test_an_answer_to_nobody_is_spooled_and_replayed_as_unmatched(capsys):
    spool.put(receipt(public_id("forged-nonce-of-nobody")))
    assert replay(capsys)[0] == 0
    assert last_verdict().outcome == "unmatched"


def test_a_receipt_comes_back_from_disk_as_it_was(settings):
    given = receipt(uuid.uuid4(), bytes(range(256)), phase="close", error=True)
    path = spool.put(given)
    assert spool.read(path) == given
    assert list(spool.entries()) == list(spool.entries(given.public_id)) == [path]
    assert list(spool.entries(uuid.uuid4())) == []


def test_no_folder_is_an_empty_spool():
    assert list(spool.entries()) == []


def test_a_file_holds_neither_nonce_nor_token(settings):
    session_id = public_id("a-nonce-of-24-characters")
    text = spool.put(receipt(session_id)).read_text()
    assert "a-nonce-of-24-characters" not in text


@pytest.mark.django_db
def test_a_close_while_the_opening_waits_on_disk_is_put_in_order_by_the_page():
    session = requested()
    spool.put(receipt(session, at=timezone.now() - timedelta(minutes=5)))
    page(session)
    post(session, "close", closing(session))
    assert outcomes(session) == ["opened", "closed"]


@pytest.mark.django_db
def test_a_replay_says_nothing_of_a_person_in_the_log(caplog, settings, capsys):
    caplog.set_level(logging.DEBUG)
    session = requested()
    settings.SPOOL_DIR.mkdir()
    (settings.SPOOL_DIR / f"0_{session.public_id}_x.json").write_text(f'["{session.run}"]')
    replay(capsys)
    formatter = MaskingFormatter()
    assert session.run not in "\n".join(formatter.format(record) for record in caplog.records)
