"""What a student reads after an error: what is registered, what to do, and whom to tell."""

import re
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from attendance.models import AttendanceSession
from tests.attendance_steps import (
    again,
    answer,
    closing,
    identified,
    opened,
    page,
    post,
    requested,
)
from tests.factories import EnrolmentFactory

pytestmark = pytest.mark.django_db

OPENED = "Asistencia correctamente ingresada"


def rejected(code="311"):
    session = requested()
    post(session, "open", answer(session, GlosaError=code), error=True)
    return session


def close_failed():
    session = opened()
    post(session, "close", closing(session, GlosaError="301"), error=True)
    return session


def test_a_rejected_start_says_that_nothing_is_registered_and_of_which_course_and_when():
    session = rejected()
    text = page(session)
    assert "Su asistencia no quedó registrada" in text
    assert session.course_name in text
    at = timezone.localtime(again(session).error_at)
    assert f"Ocurrió el {at:%d-%m-%Y} a las {at:%H:%M} horas." in text


@pytest.mark.parametrize("make", [rejected, close_failed])
def test_a_mail_about_the_error_is_begun_with_what_we_need_and_without_the_rut(make):
    session = make()
    (link,) = re.findall(r'href="(mailto:[^"]*\?[^"]*)"', page(session))
    address = urlsplit(unescape(link))
    said = parse_qs(address.query)
    assert address.path == "cursos@usecap.cl"
    assert said["subject"] == [f"Error Sence {again(session).error_glosa}"]
    at = timezone.localtime(again(session).error_at)
    for told in (session.course_name, session.action_code, f"{at:%d-%m-%Y %H:%M}"):
        assert told in said["body"][0]
    assert session.run not in link
    assert session.nonce not in link


@pytest.mark.parametrize(("code", "offered"), [("311", True), ("207", True), ("300", False)])
def test_who_may_have_typed_anothers_rut_is_offered_to_type_one(code, offered):
    text = page(rejected(code))
    assert ("Ingresar otro Rut" in text) is offered


def test_a_close_that_failed_never_reads_as_if_all_were_well():
    text = page(close_failed())
    assert "Error en el cierre de asistencia Sence." in text
    assert "Su sesión sigue abierta y el tiempo sigue corriendo." in text
    assert OPENED not in text
    assert "message-success" not in text


def test_a_close_that_failed_a_while_ago_reads_as_of_then(time_machine):
    time_machine.move_to(timezone.now())
    session = close_failed()
    then = timezone.localtime(again(session).error_at)
    time_machine.shift(timedelta(minutes=20))
    text = page(session)
    assert "Error en el cierre" not in text
    assert 'role="alert"' not in text
    assert "Sence no aceptó su último intento de cerrar la sesión." in text
    assert f"a las {then:%H:%M} horas" in text
    assert "Cerrar Sesión Sence" in text


def test_a_confirmed_close_that_contradicts_the_session_says_so_until_it_is_closed():
    session = opened()
    post(session, "close", closing(session, RunAlumno="22222222-2"))
    post(session, "close", closing(session, GlosaError="301"), error=True)
    text = page(session)
    assert "la respuesta no corresponde a esta sesión" in text
    assert "no siga intentando" in text
    assert OPENED not in text
    assert "Sesión correctamente cerrada" not in text
    post(session, "close", closing(session))
    assert "no siga intentando" not in page(session)


@pytest.mark.parametrize(
    ("fields", "error"), [({"RunAlumno": "22222222-2", "GlosaError": "301"}, True), (None, False)]
)
def test_an_answer_that_confirmed_no_close_keeps_nobody_from_trying_again(fields, error):
    session = opened()
    post(session, "close", closing(session, **fields) if fields else b"", error=error)
    assert "no siga intentando" not in page(session)


def test_a_new_session_past_the_limit_is_asked_for_with_what_it_leaves_behind():
    session = opened(at=timezone.now() - timedelta(hours=4))
    question = page(session).split("<details")[1].split("</details>")[0]
    assert "esta sesión quedará sin cerrar" in question
    assert "Sí, iniciar una nueva" in question
    assert f'action="{session.get_absolute_url()}reintentar/"' in question


def test_the_page_of_a_session_set_aside_leads_to_the_newer_one_of_the_same_student_alone():
    old = opened(at=timezone.now() - timedelta(hours=4))
    client = identified(old.enrolment)
    client.post(f"{old.get_absolute_url()}reintentar/")
    newer = AttendanceSession.objects.latest("requested_at")
    link = f'<a href="{newer.get_absolute_url()}">Ir a la sesión más nueva</a>'
    assert newer.pk != old.pk
    assert link in page(old, client)
    assert str(newer.public_id) not in page(old)
    assert str(newer.public_id) not in page(old, identified(EnrolmentFactory()))
