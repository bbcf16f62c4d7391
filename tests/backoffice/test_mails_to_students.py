"""Mails to students: near and past the limit, asked for by staff, and without a session."""

from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.core.management import call_command

from attendance.models import SentMail
from backoffice.mails import (
    Asked,
    remind,
    unknown_placeholders,
    write_to_students_without_session,
)
from backoffice.mails.timing import PAST_FOR
from courses.models import Enrolment, StaffScope
from courses.scope import otec_ids
from errors_catalog import catalogue
from tests.attendance_steps import opened, requested
from tests.factories import ActionFactory, EnrolmentFactory, OtecFactory

pytestmark = pytest.mark.django_db

# Ten past ten in Chile, in summer.
NOW = datetime(2026, 11, 23, 13, 10, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LIMIT = timedelta(hours=3)
NEAR = LIMIT - timedelta(minutes=10)


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def coordinator():
    return User.objects.create_user("coordinadora", is_staff=True)


def limited_to(*otecs):
    user = User.objects.create_user("limitada", is_staff=True)
    StaffScope.objects.create(user=user).otecs.set(otecs)
    return user


def remind_open_sessions():
    out = StringIO()
    call_command("remind_open_sessions", stdout=out)
    return out.getvalue()


def kinds():
    return sorted(SentMail.objects.values_list("kind", flat=True))


@pytest.mark.parametrize(
    ("open_for", "kind"),
    [
        (NEAR - SECOND, []),
        (NEAR, ["near_limit"]),
        (NEAR + SECOND, ["near_limit"]),
        (LIMIT - SECOND, ["near_limit"]),
        (LIMIT, ["near_limit"]),
        (LIMIT + SECOND, ["past_limit"]),
        (LIMIT + PAST_FOR, ["past_limit"]),
        (LIMIT + PAST_FOR + SECOND, []),
    ],
)
def test_students_are_reminded_near_the_limit_and_past_it(open_for, kind):
    opened(at=NOW - open_for)
    remind_open_sessions()
    assert kinds() == kind


def test_each_reminder_goes_once(clock):
    opened(at=NOW)
    for minutes in range(160, 220):
        clock.move_to(NOW + timedelta(minutes=minutes))
        remind_open_sessions()
        call_command("send_mails", verbosity=0)
    assert kinds() == ["near_limit", "past_limit"]
    assert [message.subject.split(":")[0] for message in mail.outbox] == [
        "Cierre su sesión Sence",
        "Su sesión Sence sigue abierta",
    ]


def test_the_limit_is_the_settings(settings):
    settings.SENCE_SESSION_HOURS = 1
    opened(at=NOW - timedelta(minutes=50))
    assert remind_open_sessions() == (
        "Recordatorios por enviar: 1 cerca del límite, 0 pasado el límite.\n"
    )


@pytest.mark.parametrize("open_for", [NEAR, LIMIT + SECOND])
@pytest.mark.parametrize("why", ["no close", "closed", "resolved", "superseded", "no e-mail"])
def test_nobody_is_asked_to_close_what_needs_no_close(why, open_for, coordinator):
    enrolment = EnrolmentFactory(
        action__close_required=why != "no close",
        student__email="" if why == "no e-mail" else "ana@example.com",
    )
    session = opened(enrolment, at=NOW - open_for)
    if why == "closed":
        session.mark_closed(NOW, time="", zone="")
    elif why == "resolved":
        session.mark_resolved(coordinator, "Motivo", NOW)
    elif why == "superseded":
        session.superseded_at = NOW
        session.save()
    remind_open_sessions()
    assert not SentMail.objects.exists()
    refused = Asked.NO_ADDRESS if why == "no e-mail" else Asked.NOT_OPEN
    assert remind(session, coordinator, NOW) == refused


def test_the_reminder_says_how_to_close_and_tells_no_secret():
    session = opened(at=NOW - NEAR)
    remind_open_sessions()
    row = SentMail.objects.get()
    assert row.recipients == session.enrolment.student.email
    assert f"curso {session.course_name} está abierta desde las 07:20" in row.body
    assert "antes de las 10:20" in row.body
    assert "- Entre a http://localhost:8000/\n" in row.body
    assert "«Cerrar Sesión Sence»" in row.body
    for secret in (session.run, str(session.public_id), session.nonce):
        assert secret not in row.body + row.subject


@pytest.mark.parametrize("how", ["closed", "resolved", "past the limit"])
def test_a_reminder_that_came_too_late_is_not_sent(how, clock, coordinator):
    session = opened(at=NOW - NEAR)
    remind_open_sessions()
    clock.move_to(NOW + timedelta(minutes=10))
    if how == "closed":
        session.mark_closed(NOW, time="", zone="")
    elif how == "resolved":
        session.mark_resolved(coordinator, "Motivo", NOW)
    else:
        clock.move_to(NOW + timedelta(minutes=10, seconds=1))
    call_command("send_mails", verbosity=0)
    assert mail.outbox == []


def test_reminders_ask_the_same_of_the_database_however_many(django_assert_num_queries):
    opened(at=NOW - NEAR)
    remind_open_sessions()
    for count in (1, 12):
        for _ in range(count):
            opened(at=NOW - NEAR)
        with django_assert_num_queries(4):
            remind_open_sessions()
    assert SentMail.objects.count() == 14


def test_staff_remind_a_student_once_an_hour(coordinator):
    session = opened(at=NOW)
    assert remind(session, coordinator, NOW) == Asked.QUEUED
    assert remind(session, coordinator, NOW.replace(minute=59, second=59)) == Asked.ALREADY
    assert remind(session, coordinator, NOW.replace(hour=14, minute=0)) == Asked.QUEUED
    assert SentMail.objects.filter(kind="reminder", created_by=coordinator).count() == 2


def test_staff_remind_of_nothing_that_is_not_open(coordinator):
    assert remind(requested(), coordinator, NOW) == Asked.NOT_OPEN


def test_staff_judge_by_the_session_as_it_is_now(coordinator):
    session = opened(at=NOW)
    type(session).objects.get(pk=session.pk).mark_closed(NOW, time="", zone="")
    assert remind(session, coordinator, NOW) == Asked.NOT_OPEN


def test_staff_write_only_for_their_otecs():
    session = opened(at=NOW)
    stranger = limited_to(OtecFactory())
    with pytest.raises(PermissionDenied):
        remind(session, stranger, NOW)
    with pytest.raises(PermissionDenied):
        write_to_students_without_session(session.enrolment.action, stranger, "s", "b", NOW)
    assert not SentMail.objects.exists()
    StaffScope.objects.get().otecs.add(session.otec)
    own = User.objects.get(pk=stranger.pk)
    assert remind(session, own, NOW) == Asked.QUEUED


def test_a_text_of_staff_goes_once_to_each_student_without_session(coordinator):
    action = ActionFactory(starts_on=date(2026, 11, 1), ends_on=date(2026, 11, 30))
    opened(EnrolmentFactory(action=action))
    EnrolmentFactory(action=action, is_exempt=True)
    EnrolmentFactory(action=action, withdrawn_at=NOW)
    EnrolmentFactory(action=action, student__email="")
    requested(EnrolmentFactory(action=action, student__given_names="", student__surnames=""))
    rosa = EnrolmentFactory(action=action, student__given_names="Rosa", student__surnames="{curso}")
    text = "Hola {nombre}: {curso}, del {inicio} al {termino}. {sitio} {correo} {telefonos} {otra}"
    asked = (action, coordinator, "{curso}\nhoy", text, NOW)
    assert write_to_students_without_session(*asked) == 2
    assert write_to_students_without_session(*asked) == 0
    row = SentMail.objects.get(enrolment=rosa)
    assert (row.created_by, row.otec) == (coordinator, action.course.otec)
    assert row.subject == f"{action.course.name} hoy"
    assert row.body == (
        f"Hola Rosa {{curso}}: {action.course.name}, del 01-11-2026 al 30-11-2026. "
        "http://localhost:8000/ cursos@usecap.cl (56) 2 3224 4420 y (56) 2 2671 4073 {otra}"
    )
    EnrolmentFactory(action=action)
    assert write_to_students_without_session(*asked) == 1
    assert write_to_students_without_session(*asked[:3], "Otro texto", NOW) == 3


def test_what_staff_typed_between_braces_and_nobody_fills_is_told():
    assert unknown_placeholders("{nombre} {nombres}", "{termino} {x}") == {"nombres", "x"}


@pytest.mark.parametrize("meanwhile", ["connected", "withdrawn", "exempt", "nothing"])
def test_a_letter_is_not_sent_to_whom_nothing_is_asked_of_any_more(meanwhile, coordinator):
    enrolment = EnrolmentFactory()
    write_to_students_without_session(enrolment.action, coordinator, "Asunto", "Texto", NOW)
    if meanwhile == "connected":
        opened(enrolment)
    elif meanwhile == "withdrawn":
        Enrolment.objects.all().withdraw(NOW)
    elif meanwhile == "exempt":
        Enrolment.objects.update(is_exempt=True)
    call_command("send_mails", verbosity=0)
    assert len(mail.outbox) == (meanwhile == "nothing")


def test_whom_staff_withdrew_is_reminded_by_them_alone(coordinator):
    session = opened(at=NOW - NEAR)
    remind_open_sessions()
    opened(at=NOW - LIMIT - SECOND)
    Enrolment.objects.all().withdraw(NOW)
    remind_open_sessions()
    call_command("send_mails", verbosity=0)
    assert mail.outbox == []
    assert kinds() == ["near_limit"]
    assert remind(session, coordinator, NOW) == Asked.QUEUED


def test_letters_ask_the_same_of_the_database_however_many(coordinator, django_assert_num_queries):
    # Neither is asked for each time: the catalogue is cached, the scope kept with the user.
    catalogue.current()
    otec_ids(coordinator)
    for count in (1, 12):
        action = ActionFactory()
        for _ in range(count):
            EnrolmentFactory(action=action)
        with django_assert_num_queries(6):
            assert (
                write_to_students_without_session(action, coordinator, "Asunto", "Texto", NOW)
                == count
            )
