"""“Mis sesiones”: what SENCE confirmed of a student's sessions in a course."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests.attendance_steps import answer, closing, identified, opened, page, post, requested
from tests.factories import ActionFactory, EnrolmentFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def enrolment(time_machine):
    """Someone who was there yesterday from 9:00 to 10:07:05 of Chile, and is there again now."""
    enrolment = EnrolmentFactory(student__run="10000013-k")
    time_machine.move_to(datetime(2026, 11, 23, 12, 0, tzinfo=UTC), tick=False)
    first = requested(enrolment)
    post(first, "open", answer(first, IdSesionSence="first"))
    time_machine.shift(timedelta(hours=1, minutes=7, seconds=5))
    post(first, "close", closing(first))
    time_machine.move_to(datetime(2026, 11, 24, 18, 30, tzinfo=UTC), tick=False)
    return enrolment


def address(session):
    return f"{session.get_absolute_url()}sesiones/"


def seen(session, client=None):
    return (client or identified(session.enrolment)).get(address(session))


def rows(session):
    """The list's lines, each as the cells that one reads."""
    body = seen(session).content.decode().split("<tbody>")[1].split("</tbody>")[0]
    lines = [re.findall(r"<t[hd].*?>(.*?)</t[hd]>", line) for line in body.split("<tr>")[1:]]
    return [[re.sub("<.*?>", "", cell) for cell in line] for line in lines]


def test_each_session_stands_with_its_day_and_times_and_its_duration_by_our_clock(enrolment):
    running = opened(enrolment)
    assert rows(running) == [
        ["24-11-2026", "15:30", "En curso Ir a cerrarla"],
        ["23-11-2026", "09:00", "10:07", "1:07:05"],
    ]
    text = seen(running).content.decode()
    assert f'<a href="{running.get_absolute_url()}">Ir a cerrarla</a>' in text
    assert "Tiempo de las sesiones cerradas" in text
    assert running.course_name in text
    assert "10000013-k" in text
    assert "Consultado el 24-11-2026 a las 15:30 horas." in text


def test_only_what_sence_confirmed_is_there(enrolment, time_machine):
    refused = requested(enrolment)
    post(refused, "open", answer(refused, GlosaError="312"), error=True)
    forgotten = opened(enrolment)
    time_machine.shift(timedelta(hours=4))
    waiting = requested(enrolment)
    assert waiting.pk != forgotten.pk
    assert rows(forgotten) == [
        ["24-11-2026", "15:30", "Sence no ha confirmado un cierre Ir a cerrarla"],
        ["23-11-2026", "09:00", "10:07", "1:07:05"],
    ]


def test_the_total_is_that_of_closed_sessions_alone(enrolment, time_machine):
    running = opened(enrolment)
    time_machine.shift(timedelta(hours=2))
    assert "<td>1:07:05</td></tr>" in seen(running).content.decode().split("<tfoot>")[1]


def test_a_course_that_needs_no_close_is_not_reproached_with_it():
    session = opened(EnrolmentFactory(action__close_required=False))
    (row,) = rows(session)
    assert row[-1] == "No necesita cierre"


def test_sessions_of_other_courses_and_of_other_students_are_not_there(enrolment):
    running = opened(enrolment)
    elsewhere = EnrolmentFactory(student=enrolment.student)
    someone = EnrolmentFactory(action=enrolment.action)
    for other in (elsewhere, someone):
        session = requested(other)
        post(session, "open", answer(session, IdSesionSence=f"other-{other.pk}"))
    assert len(rows(running)) == 2


def refuses(response):
    assert response.status_code == 403
    text = response.content.decode()
    assert "Ingrese su Rut para continuar." in text
    assert "<table" not in text
    return True


def test_the_address_alone_shows_nothing(enrolment):
    assert refuses(seen(opened(enrolment), Client()))


def test_another_students_rut_shows_nothing(enrolment):
    other = identified(EnrolmentFactory(action=ActionFactory()))
    assert refuses(seen(opened(enrolment), other))


def test_a_session_that_nobody_proved_at_sence_to_be_theirs_shows_nothing(enrolment):
    session = requested(enrolment)
    assert refuses(seen(session))
    assert "Mis sesiones" not in page(session, identified(enrolment))


def test_the_link_is_on_the_page_of_who_typed_the_rut(enrolment):
    session = opened(enrolment)
    assert f'href="{address(session)}"' in page(session, identified(enrolment))
    assert "Mis sesiones" not in page(session)
    post(session, "close", closing(session))
    assert f'href="{address(session)}"' in page(session, identified(enrolment))


def test_it_has_no_rut_in_its_address_and_no_cache_keeps_it(enrolment):
    session = opened(enrolment)
    assert enrolment.student.run.split("-")[0] not in address(session)
    assert "no-store" in seen(session)["Cache-Control"]


def test_it_is_two_queries_however_many_sessions(enrolment, django_assert_num_queries):
    for hour in range(5):
        session = requested(enrolment)
        post(session, "open", answer(session, IdSesionSence=f"more-{hour}"))
        post(session, "close", closing(session))
    client = identified(enrolment)
    seen(session, client)
    with django_assert_num_queries(2):
        seen(session, client)


def test_nothing_changes_it(client):
    session = opened(at=timezone.now())
    assert client.post(address(session)).status_code == 405
