"""The sentence that students read when starts are failing at SENCE for everyone."""

from datetime import timedelta

import pytest
from django.core.cache import cache

from attendance import sence_state
from attendance.models import SenceCallback
from attendance.sence_state import failing_environments
from errors_catalog.models import SenceError
from tests.attendance_steps import answer, identified, opened, page, post, requested
from tests.database_away import database_away
from tests.factories import ActionFactory, EnrolmentFactory, StudentFactory

pytestmark = pytest.mark.django_db

SENTENCE = "En este momento Sence responde con errores a los alumnos"


@pytest.fixture
def action():
    return ActionFactory()


def refused(action, glosa="300", student=None):
    """Someone's start that SENCE refuses."""
    enrolment = EnrolmentFactory(action=action, student=student or StudentFactory())
    session = requested(enrolment)
    post(session, "open", answer(session, GlosaError=glosa, IdSesionSence=""), error=True)
    return session


def succeeded(action):
    session = requested(EnrolmentFactory(action=action))
    id_ = f"sence-{session.pk}"
    post(session, "open", answer(session, IdSesionSence=id_))
    return session


def failing():
    sence_state.forget()
    return bool(failing_environments())


def test_three_students_whom_sence_failed_are_enough(action):
    for glosa in ("300", "302", "304;305"):
        assert not failing()
        refused(action, glosa)
    assert failing()


def test_one_student_who_tries_again_and_again_is_one(action):
    enrolment = EnrolmentFactory(action=action)
    for _ in range(5):
        session = requested(enrolment)
        post(session, "open", answer(session, GlosaError="300"), error=True)
    assert not failing()


@pytest.mark.parametrize("glosa", ["311", "204", "212", "300;204", "999", ""])
def test_what_is_not_sences_fault_does_not_count(action, glosa):
    for _ in range(4):
        refused(action, glosa)
    assert not failing()


def test_a_code_that_staff_say_is_sences_counts(action):
    SenceError.objects.filter(code="311").update(responsible="sence")
    for _ in range(3):
        refused(action, "311")
    assert failing()


def test_one_success_takes_it_back_and_three_more_failures_bring_it_again(action):
    for _ in range(3):
        refused(action)
    succeeded(action)
    assert not failing()
    refused(action)
    refused(action)
    assert not failing()
    refused(action)
    assert failing()


def test_a_wrong_password_in_between_takes_nothing_back(action):
    for glosa in ("300", "300", "311", "300"):
        refused(action, glosa)
    assert failing()


@pytest.mark.parametrize(("seconds", "counts"), [(899, True), (901, False)])
def test_what_came_more_than_a_quarter_of_an_hour_ago_is_old_news(
    action, time_machine, seconds, counts
):
    time_machine.move_to("2026-11-23T12:00:00Z", tick=False)
    for _ in range(3):
        refused(action)
    time_machine.shift(timedelta(seconds=seconds))
    assert failing() is counts


def test_what_waited_on_disk_counts_by_when_it_came(action, time_machine):
    time_machine.move_to("2026-11-23T12:00:00Z", tick=False)
    for _ in range(3):
        refused(action)
    time_machine.shift(timedelta(hours=1))
    assert SenceCallback.objects.count() == 3
    assert not failing()


def test_production_and_test_are_told_apart(action):
    production = ActionFactory(environment="production")
    for _ in range(3):
        refused(action)
    sence_state.forget()
    assert failing_environments() == {"test"}
    assert SENTENCE in page(requested(EnrolmentFactory(action=action)))
    assert SENTENCE not in page(requested(EnrolmentFactory(action=production)))


def test_students_read_it_on_every_page_before_starting_and_not_after(client, action):
    running = opened(EnrolmentFactory(action=action))
    waiting = requested(EnrolmentFactory(action=action))
    for _ in range(3):
        refused(action)
    sence_state.forget()
    assert SENTENCE in client.get("/").content.decode()
    assert SENTENCE in identified(waiting.enrolment).get("/cursos/").content.decode()
    assert SENTENCE in page(waiting)
    assert SENTENCE not in page(running)


def test_nobody_reads_it_while_all_is_well(client, action):
    waiting = requested(EnrolmentFactory(action=action))
    refused(action)
    sence_state.forget()
    for text in (client.get("/").content.decode(), page(waiting)):
        assert SENTENCE not in text


def test_it_is_one_query_and_none_for_half_a_minute(action, django_assert_num_queries, client):
    for _ in range(3):
        refused(action)
    client.get("/")
    sence_state.forget()
    with django_assert_num_queries(1):
        assert SENTENCE in client.get("/").content.decode()
    with django_assert_num_queries(0):
        assert SENTENCE in client.get("/").content.decode()


def test_the_cache_is_asked_once_in_a_while(monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(sence_state, "HELD_SECONDS", 60)
    sence_state.forget()
    assert failing_environments() == frozenset()
    cache.clear()
    with django_assert_num_queries(0):
        assert failing_environments() == frozenset()


@pytest.mark.django_db(transaction=True)
def test_while_the_database_is_away_nothing_is_claimed(client):
    with database_away():
        sence_state.forget()
        response = client.get("/")
    assert response.status_code == 200
    assert SENTENCE not in response.content.decode()
