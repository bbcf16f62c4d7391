"""Mails to students: near and past the limit, asked for by staff, and without a session."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from attendance.models import SentMail
from backoffice.mails import Asked, remind, write_to_students_without_session
from tests.attendance_steps import opened
from tests.factories import ActionFactory, EnrolmentFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def coordinator():
    return get_user_model().objects.create_user("coordinadora", is_staff=True)


def test_staff_remind_a_student_once_an_hour(coordinator):
    session, now = opened(), timezone.now().replace(minute=10)
    assert remind(session, coordinator, now) == Asked.QUEUED
    assert remind(session, coordinator, now + timedelta(minutes=49)) == Asked.ALREADY
    assert remind(session, coordinator, now + timedelta(minutes=50)) == Asked.QUEUED
    assert SentMail.objects.filter(kind="reminder", created_by=coordinator).count() == 2


def test_a_text_of_staff_goes_once_to_each_student_without_session(coordinator):
    action = ActionFactory()
    opened(EnrolmentFactory(action=action))
    EnrolmentFactory(action=action, is_exempt=True)
    EnrolmentFactory(action=action, student__given_names="Rosa", student__surnames="Díaz")
    ask = (action, coordinator, "{curso}", "Hola {nombre}: {otra}")
    assert write_to_students_without_session(*ask, timezone.now()) == 1
    assert write_to_students_without_session(*ask, timezone.now()) == 0
    mail = SentMail.objects.get()
    assert mail.subject == action.course.name
    assert mail.body == "Hola Rosa Díaz: {otra}"
