"""The day-one watch: a course that starts badly is told at once, and once."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import mail
from django.core.management import call_command
from django.utils import timezone

from attendance.models import SentMail
from backoffice.mails import watch
from errors_catalog.models import ContactDetails
from tests.attendance_steps import answer, post, requested
from tests.factories import ActionFactory, EnrolmentFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 12, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock():
    ContactDetails.objects.update(alert_emails="general@example.com")
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def refused(action, glosa="208"):
    session = requested(EnrolmentFactory(action=action))
    post(session, "open", answer(session, GlosaError=glosa), error=True)
    return session


def succeeds(action):
    session = requested(EnrolmentFactory(action=action))
    post(session, "open", answer(session))
    return session


def told() -> list[SentMail]:
    """The mails that the watch wrote, oldest first."""
    watch.queue_watch(timezone.now())
    found = SentMail.objects.filter(key__regex="^alert:(first|share):").order_by("pk")
    return list(found)


def test_an_action_whose_first_students_all_fail_alike_is_told():
    action = ActionFactory()
    for _ in range(2):
        refused(action)
    assert told() == []
    session = refused(action)
    (mail_,) = told()
    assert mail_.otec == action.course.otec
    assert mail_.recipients == "general@example.com"
    assert action.code in mail_.subject
    assert "Los primeros 3 alumnos" in mail_.body
    assert "error 208" in mail_.body
    assert session.run not in mail_.body
    refused(action)
    assert len(told()) == 1


def test_it_goes_with_the_next_run_of_send_mails():
    action = ActionFactory()
    for _ in range(3):
        refused(action)
    call_command("send_mails", verbosity=0)
    assert any("Nadie ha podido iniciar" in message.subject for message in mail.outbox)


def test_one_success_is_enough_to_say_nothing():
    action = ActionFactory()
    succeeds(action)
    for _ in range(4):
        refused(action)
    assert told() == []


def test_different_errors_and_one_student_who_insists_are_no_pattern():
    action, other = ActionFactory(), ActionFactory()
    for glosa in ("208", "208", "204"):
        refused(action, glosa)
    enrolment = EnrolmentFactory(action=other)
    for _ in range(4):
        session = requested(enrolment)
        post(session, "open", answer(session, GlosaError="208"), error=True)
    assert told() == []


def test_more_than_a_tenth_of_the_hours_starts_refused_is_told_once_an_hour(clock):
    good, bad = ActionFactory(), ActionFactory()
    for _ in range(18):
        succeeds(good)
    succeeds(bad)
    refused(bad)
    assert told() == []
    refused(bad)
    refused(bad)
    (mail_,) = told()
    assert "3 de 22" in mail_.subject
    assert mail_.otec is None
    refused(bad)
    assert len(told()) == 1
    clock.shift(timedelta(hours=2))
    assert len(told()) == 1


def test_a_few_starts_say_nothing_of_a_share():
    bad, good = ActionFactory(), ActionFactory()
    for action in (good, bad):
        succeeds(action)
    for _ in range(4):
        refused(bad)
    assert told() == []
