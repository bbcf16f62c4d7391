"""Mails to coordinators about what SENCE refuses and they have to mend."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.core import mail
from django.core.cache import cache
from django.core.management import call_command

from attendance import alerts
from attendance.models import SentMail, StaffAlert
from attendance.starting import NO_TOKEN
from backoffice.mails.alerts import queue_alerts
from errors_catalog.models import ContactDetails
from tests.attendance_steps import answer, post, requested
from tests.factories import EnrolmentFactory

pytestmark = pytest.mark.django_db

# Ten past ten in Chile, in summer.
NOW = datetime(2026, 11, 23, 13, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def session():
    return a_session("ana@example.com\n\n  luis@example.com \nana@example.com")


def a_session(alert_emails=""):
    session = requested(EnrolmentFactory())
    session.otec.alert_emails = alert_emails
    session.otec.save()
    return session


def general_addresses(value):
    ContactDetails.objects.update(alert_emails=value)
    cache.clear()


def send():
    call_command("send_mails", verbosity=0)
    return mail.outbox


def test_a_refusal_of_sences_reaches_every_coordinator_with_cause_remedy_and_place(session):
    post(session, "open", answer(session, GlosaError="208"), error=True)
    sent = send()
    assert [message.to for message in sent] == [["ana@example.com"], ["luis@example.com"]]
    first = sent[0]
    assert first.subject == f"Asistencia Sence: error 208, acción {session.action_code}"
    assert session.course_name in first.body
    assert "Su Rut no está autorizado en Sence para este curso." in first.body
    assert "Veces: 1 (a las 10:10 del 23-11-2026)" in first.body
    assert "Quién debe actuar: Coordinación: la inscripción." in first.body
    assert "nómina" in first.body
    assert session.run not in first.body
    assert str(session.public_id) not in first.body
    assert StaffAlert.objects.get().mailed_at == NOW


def test_an_alert_is_mailed_once_an_action_code_and_hour(session, clock):
    for _ in range(3):
        alerts.raise_alert(session, "208", "Motivo.", datetime.now(UTC))
    assert len(send()) == 2
    assert "Veces: 3 (desde las 10:10 hasta las 10:10 del 23-11-2026)" in mail.outbox[0].body
    clock.move_to(NOW.replace(minute=59, second=59))
    alerts.raise_alert(session, "208", "Motivo.", datetime.now(UTC))
    assert len(send()) == 2
    alerts.raise_alert(session, "309", "Otro motivo.", datetime.now(UTC))
    assert len(send()) == 4
    clock.move_to(NOW.replace(hour=14, minute=0))
    alerts.raise_alert(session, "208", "Motivo.", datetime.now(UTC))
    assert len(send()) == 6
    assert len(send()) == 6


def test_an_alert_that_waited_for_days_is_still_mailed(session, clock):
    alerts.raise_alert(session, "208", "Motivo.", NOW)
    clock.move_to(NOW + timedelta(days=4))
    assert len(send()) == 2
    assert "a las 10:10 del 23-11-2026" in mail.outbox[0].body


def test_without_coordinators_of_its_own_an_otecs_alerts_go_to_the_general_addresses():
    general_addresses("general@example.com")
    alerts.raise_alert(a_session(), "208", "Motivo.", NOW)
    assert [message.to for message in send()] == [["general@example.com"]]


def test_an_otecs_alerts_go_to_no_other_otecs_coordinators(session):
    general_addresses("general@example.com")
    other = a_session("otra@example.com")
    alerts.raise_alert(session, "208", "Motivo.", NOW)
    alerts.raise_alert(other, "309", "Motivo.", NOW)
    received = {message.to[0]: message.body for message in send()}
    assert set(received) == {"ana@example.com", "luis@example.com", "otra@example.com"}
    assert other.action_code not in received["ana@example.com"]
    assert session.action_code not in received["otra@example.com"]


def test_with_nobody_to_write_to_an_alert_is_kept_without_recipients():
    alerts.raise_alert(a_session(), "208", "Motivo.", NOW)
    assert send() == []
    kept = SentMail.objects.get()
    assert (kept.recipients, kept.sent_at, kept.attempts) == ("", None, 0)
    assert StaffAlert.objects.get().mailed_at is None
    assert queue_alerts(NOW) == 0


@pytest.mark.parametrize(
    ("code", "label", "responsible"),
    [
        ("208", "error 208", "Coordinación: la inscripción"),
        ("309", "error 309", "Coordinación: los datos del curso o de la acción"),
        ("211", "error 211", "Coordinación: los datos del OTEC"),
        ("200", "error 200", "Soporte de este sistema"),
        ("300", "error 300", "SENCE"),
        ("999", "error 999", "Soporte de este sistema"),
        ("", "error sin número", "Soporte de este sistema"),
        (NO_TOKEN, "falta el token del OTEC", "Coordinación: los datos del OTEC"),
    ],
)
def test_each_code_says_who_must_act_and_its_links_open(client, session, code, label, responsible):
    alerts.raise_alert(session, code, "Motivo.", NOW)
    text = send()[0].body
    assert label in send()[0].subject
    assert f"Quién debe actuar: {responsible}." in text
    boss = User.objects.create_user("jefa", is_staff=True)
    boss.groups.add(Group.objects.get(name="Administrador"))
    client.force_login(boss)
    links = re.findall(r"<http://localhost:8000(/.*)>", text)
    assert len(links) >= 4
    for link in links:
        assert client.get(link).status_code == 200, link


def test_the_link_to_the_sessions_lists_those_with_the_error(client, session):
    post(session, "open", answer(session, GlosaError="208"), error=True)
    client.force_login(User.objects.create_superuser("jefa"))
    link = re.search(r"Sesiones con este error <http://localhost:8000(.*)>", send()[0].body)[1]
    assert list(client.get(link).context["cl"].result_list) == [session]


def test_a_code_from_outside_is_text_and_not_markup(session):
    alerts.raise_alert(session, "<b>\r\nBcc: x@y</b>", "Motivo <i>.", NOW)
    message = send()[0]
    assert "\n" not in message.subject
    html = message.alternatives[0].content
    assert "<b>" not in html
    assert "<i>" not in html


def test_alerts_ask_the_same_of_the_database_however_many(session, django_assert_num_queries):
    for number in range(2):
        alerts.raise_alert(session, str(300 + number), "Motivo.", NOW)
    queue_alerts(NOW)
    for count in (1, 20):
        for number in range(count):
            alerts.raise_alert(a_session("x@example.com"), f"{count}-{number}", "Motivo.", NOW)
        with django_assert_num_queries(4):
            assert queue_alerts(NOW) == count
