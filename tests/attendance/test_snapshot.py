"""What was sent stays: a later edit of the course doesn't change how an open session is closed."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from attendance.models import State
from tests.attendance_steps import again, closing, opened, page, post
from tests.factories import EnrolmentFactory, make_rut

pytestmark = pytest.mark.django_db


def sent_to_sence(text):
    """Return the fields of the page's form for SENCE, in their order."""
    form = re.search(r'<form[^>]*class="sence-form".*?</form>', text, re.S).group()
    return re.findall(r'name="([^"]*)" value="([^"]*)"', form)


def edit_everything(enrolment):
    student, action = enrolment.student, enrolment.action
    course, otec = action.course, action.course.otec
    student.run, action.code, action.environment = make_rut(20_000_001), "7999999", "production"
    action.close_required = False
    action.starts_on = action.ends_on = timezone.localdate() - timedelta(days=90)
    course.name, course.sence_code, otec.rut = "OTRO CURSO", "9999999999", make_rut(77_000_000)
    course.training_line = 6
    for edited in (student, action, course, otec):
        edited.full_clean()
        edited.save()


def test_the_close_form_sends_what_the_opening_sent_whatever_was_edited_since():
    session = opened(EnrolmentFactory())
    before = sent_to_sence(page(session))
    edit_everything(session.enrolment)
    assert sent_to_sence(page(session)) == before
    assert session.course_name in page(session)
    assert "OTRO CURSO" not in page(session)


def test_sences_answer_is_held_against_what_was_sent_whatever_was_edited_since():
    session = opened(EnrolmentFactory())
    edit_everything(session.enrolment)
    post(session, "close", closing(session))
    assert again(session).state == State.CLOSED


def test_a_token_that_was_replaced_is_the_one_sent():
    session = opened()
    session.otec.set_token("99999999-8888-7777-6666-555555555555")
    session.otec.save()
    assert ("Token", "99999999-8888-7777-6666-555555555555") in sent_to_sence(page(session))
