"""Step 2 of the guide: the courses."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from attendance.models import AttendanceSession
from tests.attendance_steps import (
    answer,
    callback_path,
    choose,
    closing,
    identified,
    opened,
    post,
    requested,
)
from tests.factories import ActionFactory, EnrolmentFactory, StudentFactory

pytestmark = pytest.mark.django_db

TODAY = timezone.localdate


def real(queries):
    """Leave out what the tests' own transaction makes of a transaction: savepoints."""
    return [q["sql"] for q in queries if not q["sql"].startswith(("SAVEPOINT", "RELEASE"))]


def courses_of(enrolment):
    return identified(enrolment).get("/cursos/").content.decode()


def test_one_course_still_shows_the_choice():
    enrolment = EnrolmentFactory()
    text = courses_of(enrolment)
    for quoted in (
        *("Rut:", enrolment.student.run, "Seleccionar Curso:", "Continuar"),
        *("Accesos de interés Sence (Clave Sence)", "Registrar CUS", "Solicitar nueva CUS"),
        *("Cambiar Cus", "Actualizar Datos", "Ayuda", "Guía Asistencia Sence"),
    ):
        assert quoted in text
    assert f'<option value="{enrolment.pk}"' in text
    assert enrolment.action.course.name in text


def test_every_active_course_is_in_the_list_and_no_other_students():
    student = StudentFactory()
    mine = EnrolmentFactory.create_batch(3, student=student)
    withdrawn = EnrolmentFactory(student=student, withdrawn_at=timezone.now())
    others = EnrolmentFactory()
    text = courses_of(mine[0])
    for enrolment in mine:
        assert f'<option value="{enrolment.pk}"' in text
    for enrolment in (withdrawn, others):
        assert f'value="{enrolment.pk}"' not in text


def test_a_student_without_courses_reads_so():
    text = courses_of(EnrolmentFactory.build(student=StudentFactory()))
    assert "El usuario no tiene cursos Sence registrados en Usecap." in text
    assert "Volver a intentar" in text
    assert "Para obtener clave Única" in text
    assert "cursos@usecap.cl" in text
    assert 'href="/guia/#sin-cursos"' in text


def test_a_rut_that_nobody_has_reads_the_same(client):
    client.post("/", {"rut": "11111111-1"})
    assert "El usuario no tiene cursos Sence" in client.get("/cursos/").content.decode()


def test_a_becario_reads_that_nothing_needs_registering():
    enrolment = EnrolmentFactory(is_exempt=True)
    response = choose(identified(enrolment), enrolment)
    assert "participa como becario" in response.content.decode()
    assert "no necesita registrar asistencia en Sence" in response.content.decode()
    assert 'href="/guia/#nada-que-registrar"' in response.content.decode()
    assert not AttendanceSession.objects.exists()


@pytest.mark.parametrize(("from_day", "to_day"), [(5, 9), (-9, -5)])
def test_a_course_outside_its_dates_says_so_with_the_dates(from_day, to_day):
    starts_on, ends_on = (TODAY() + timedelta(days=day) for day in (from_day, to_day))
    enrolment = EnrolmentFactory(action__starts_on=starts_on, action__ends_on=ends_on)
    client = identified(enrolment)
    shown = starts_on if from_day > 0 else ends_on
    assert f"{shown:%d-%m-%Y}" in client.get("/cursos/").content.decode()
    text = choose(client, enrolment).content.decode()
    assert f"{starts_on:%d-%m-%Y}" in text
    assert f"{ends_on:%d-%m-%Y}" in text
    assert not AttendanceSession.objects.exists()


def test_two_runs_of_one_course_are_told_apart_by_their_dates():
    first = EnrolmentFactory()
    other = ActionFactory(course=first.action.course, ends_on=TODAY() + timedelta(days=40))
    EnrolmentFactory(student=first.student, action=other)
    text = courses_of(first)
    assert f"hasta el {first.action.ends_on:%d-%m-%Y}" in text
    assert f"hasta el {other.ends_on:%d-%m-%Y}" in text


def label(enrolment):
    """How the list names the enrolment's course."""
    (found,) = re.findall(
        rf'<option value="{enrolment.pk}"[^>]*>(.*?)</option>', courses_of(enrolment)
    )
    return found


def test_a_course_in_progress_says_since_when(time_machine):
    time_machine.move_to(datetime(2026, 11, 24, 13, 0, tzinfo=UTC), tick=False)
    session = opened(EnrolmentFactory())
    assert label(session.enrolment) == f"{session.course_name} (en curso desde las 10:00)"
    time_machine.shift(timedelta(days=1))
    assert "(en curso desde el 24-11-2026 a las 10:00)" in label(session.enrolment)


def test_a_course_whose_session_of_today_is_closed_says_so():
    session = opened(EnrolmentFactory())
    post(session, "close", closing(session))
    assert label(session.enrolment) == f"{session.course_name} (asistencia de hoy registrada)"


def test_a_course_that_needs_no_close_is_done_once_it_is_opened():
    session = opened(EnrolmentFactory(action__close_required=False))
    assert "(asistencia de hoy registrada)" in label(session.enrolment)


def test_a_session_of_today_that_was_left_open_is_not_called_registered(time_machine):
    time_machine.move_to(datetime(2026, 11, 24, 13, 0, tzinfo=UTC), tick=False)
    session = opened(EnrolmentFactory())
    time_machine.shift(timedelta(hours=4))
    requested(session.enrolment)
    assert label(session.enrolment) == session.course_name


def test_a_session_of_another_day_that_is_closed_says_nothing(time_machine):
    time_machine.move_to(timezone.now())
    session = opened(EnrolmentFactory())
    post(session, "close", closing(session))
    time_machine.shift(timedelta(days=1))
    assert label(session.enrolment) == session.course_name


def test_a_session_that_staff_settled_or_that_is_only_asked_for_is_not_in_progress(admin_user):
    session = opened(EnrolmentFactory(), timezone.now() - timedelta(days=1))
    session.mark_resolved(admin_user, "Cerrada en SENCE.", timezone.now())
    assert label(session.enrolment) == session.course_name
    requested(session.enrolment)
    assert label(session.enrolment) == session.course_name


def test_a_becario_reads_in_the_list_that_nothing_needs_registering():
    enrolment = EnrolmentFactory(is_exempt=True)
    assert label(enrolment).endswith("(becario: no registra asistencia)")


def test_another_students_enrolment_is_refused():
    mine, others = EnrolmentFactory(), EnrolmentFactory()
    response = choose(identified(mine), others)
    assert response.status_code == 200
    assert "Seleccione uno de los cursos de la lista." in response.content.decode()
    assert not AttendanceSession.objects.exists()


@pytest.mark.parametrize("value", ["", "0", "-1", "x", "9" * 40, "1 OR 1=1", "\x00", "1.5"])
def test_what_is_no_course_is_refused(value):
    enrolment = EnrolmentFactory()
    response = identified(enrolment).post("/cursos/", {"enrolment": value})
    assert response.status_code == 200
    assert "Seleccione un" in response.content.decode()


def test_a_withdrawn_course_is_refused():
    kept = EnrolmentFactory()
    gone = EnrolmentFactory(student=kept.student, withdrawn_at=timezone.now())
    assert choose(identified(kept), gone).status_code == 200
    assert not AttendanceSession.objects.exists()


def test_starting_needs_csrf(browser_client):
    enrolment = EnrolmentFactory()
    browser_client.cookies = identified(enrolment).cookies
    assert choose(browser_client, enrolment).status_code == 403
    assert not AttendanceSession.objects.exists()


def test_pages_of_a_person_are_kept_by_no_cache():
    enrolment = EnrolmentFactory()
    client = identified(enrolment)
    for response in (client.get("/cursos/"), choose(client, enrolment)):
        assert "no-store" in response["Cache-Control"]


def test_the_list_is_one_query_however_many_courses(django_assert_num_queries):
    enrolments = EnrolmentFactory.create_batch(5, student=StudentFactory())
    client = identified(enrolments[0])
    client.get("/cursos/")
    with django_assert_num_queries(1):
        client.get("/cursos/")


def test_a_start_is_four_queries_at_the_most():
    enrolment = EnrolmentFactory()
    client = identified(enrolment)
    client.get("/cursos/")
    with CaptureQueriesContext(connection) as captured:
        assert choose(client, enrolment).status_code == 303
    assert len(real(captured)) <= 4, real(captured)


def test_an_answer_of_sences_is_six_queries_at_the_most():
    session = requested()
    with CaptureQueriesContext(connection) as captured:
        post(session, "open", answer(session))
    assert len(real(captured)) <= 6, real(captured)


def test_opening_a_callbacks_address_by_hand_asks_the_database_nothing(
    client, django_assert_num_queries
):
    client.get("/")
    with django_assert_num_queries(0):
        client.get(callback_path("n" * 24, "open"))
