"""Many at once, each with a connection of its own: one of them has an effect."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connections, transaction
from django.utils import timezone

from attendance import callbacks, lookups
from attendance.models import AttendanceSession, SenceCallback, StaffAlert, State
from attendance.starting import start
from tests.attendance_steps import (
    again,
    answer,
    choose,
    closing,
    identified,
    opened,
    outcomes,
    post,
    requested,
)
from tests.factories import ActionFactory, EnrolmentFactory

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(count, act):
    """Run `act(0)` … `act(count - 1)` in threads that set off together; return what they give."""
    barrier = Barrier(count)

    def one(number):
        try:
            barrier.wait()
            return act(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(one, range(count)))


def test_fifty_starts_at_once_give_one_session_and_the_same_ids():
    enrolment = EnrolmentFactory()
    clients = [identified(enrolment) for _ in range(50)]
    responses = at_once(50, lambda n: choose(clients[n], enrolment))
    session = AttendanceSession.objects.get()
    assert {response.status_code for response in responses} == {303}
    assert {response["Location"] for response in responses} == {session.get_absolute_url()}


def test_starts_at_once_past_the_limit_supersede_one_and_make_one():
    old = opened(at=timezone.now() - timedelta(hours=4))
    new = {s.pk for s in at_once(10, lambda n: start(old.enrolment_id, timezone.now()))}
    assert len(new) == 1
    assert AttendanceSession.objects.count() == 2
    assert again(old).superseded_at


def test_the_same_success_twice_at_once_is_one_opening_and_one_replay():
    for _ in range(5):
        session = requested()
        responses = at_once(2, lambda n, s=session: post(s, "open", answer(s)))
        assert [response.status_code for response in responses] == [303, 303]
        assert outcomes(session) == ["opened", "replay"]
        assert again(session).state == State.OPEN


def test_different_successes_at_once_are_one_opening_and_the_others_flagged():
    session = requested()
    at_once(8, lambda n: post(session, "open", answer(session, IdSesionSence=f"id-{n}")))
    assert sorted(outcomes(session)) == ["anomaly"] * 7 + ["opened"]
    assert SenceCallback.objects.count() == 8


def test_a_success_and_an_error_at_once_end_open():
    for _ in range(5):
        session = requested()
        error = answer(session, GlosaError="312", IdSesionSence="")
        sent = [(answer(session), False), (error, True)]
        at_once(2, lambda n, s=session, x=sent: post(s, "open", x[n][0], error=x[n][1]))
        assert again(session).state == State.OPEN
        assert again(session).error_at is None


def test_the_same_close_several_times_at_once_closes_once():
    session = opened()
    at_once(5, lambda n: post(session, "close", closing(session)))
    assert outcomes(session) == ["closed"] + ["replay"] * 4


def test_students_of_one_course_and_courses_of_one_student_do_not_wait_for_each_other():
    first = requested()
    classmate = requested(EnrolmentFactory(action=first.enrolment.action))
    same_student = requested(EnrolmentFactory(student=first.enrolment.student))
    with transaction.atomic():
        lookups.locked(first.public_id)
        others = [classmate, same_student]
        at_once(2, lambda n: post(others[n], "open", answer(others[n])))
        assert [outcomes(session) for session in others] == [["opened"]] * 2


def test_a_late_success_and_a_new_start_at_once_leave_one_live_session():
    for _ in range(5):
        old = requested(at=timezone.now() - timedelta(hours=4))
        acts = [
            lambda s=old: post(s, "open", answer(s)),
            lambda s=old: start(s.enrolment_id, timezone.now()),
        ]
        at_once(2, lambda n, a=acts: a[n]())
        assert again(old).state == State.OPEN
        assert old.enrolment.sessions.live().get() == old


def until_waiting(count):
    """Wait until so many connections wait for a lock."""
    deadline = time.monotonic() + 20
    with connections["default"].cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone() == (count,):
                return
            time.sleep(0.05)
    raise AssertionError("they do not wait")


def test_an_answer_is_judged_by_what_its_session_became_while_it_waited():
    """It waits for the enrolment's lock, and holds nothing that the one it waits for needs."""
    session = requested()

    def post_and_close():
        try:
            post(session, "open", answer(session, IdSesionSence="late"))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            held = lookups.locked(session.public_id)
            waiting = threads.submit(post_and_close)
            until_waiting(1)
            held.mark_opened("first", timezone.now(), time="", zone="")
        waiting.result()
    assert outcomes(session) == ["anomaly"]
    assert again(session).sence_session_id == "first"


def test_errors_of_the_same_codes_in_another_order_do_not_wait_for_each_other():
    action = ActionFactory()
    sessions = [requested(EnrolmentFactory(action=action)) for _ in range(3)]
    post(sessions[0], "open", answer(sessions[0], GlosaError="204;211;300;302"), error=True)
    # Each would hold its first code and, once we let go of the second, want the other's third.
    orders = ["204;300;211", "211;302;204"]

    def fail(n):
        try:
            session = sessions[n + 1]
            post(session, "open", answer(session, GlosaError=orders[n]), error=True)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as threads:
        with transaction.atomic():
            held = StaffAlert.objects.filter(code__in=["300", "302"]).select_for_update()
            assert len(held) == 2
            waiting = [threads.submit(fail, n) for n in range(2)]
            until_waiting(2)
        for one in waiting:
            one.result()
    assert [outcomes(session) for session in sessions] == [["rejected"]] * 3
    assert dict(StaffAlert.objects.values_list("code", "count")) == {
        "204": 3, "211": 3, "300": 2, "302": 2,
    }  # fmt: skip


def test_two_replayers_at_once_apply_each_answer_once():
    sessions = [requested() for _ in range(10)]
    kept = [
        SenceCallback.objects.create(
            received_at=timezone.now(), public_id=session.public_id, phase="open",
            announces_error=False, body=b"IdSesionSence=sence-1", body_length=21,
        )
        for session in sessions
    ]  # fmt: skip
    results = at_once(3, lambda n: callbacks.replay())
    assert {failed for _, failed in results} == {0}
    assert [outcomes(session) for session in sessions] == [["opened"]] * 10
    assert SenceCallback.objects.count() == len(kept)


def test_the_same_answer_applied_by_many_at_once_is_decided_once():
    session = opened()
    callback = SenceCallback.objects.create(
        received_at=timezone.now(), public_id=session.public_id, phase="close",
        announces_error=True, body=b"GlosaError=301", body_length=14,
    )  # fmt: skip
    at_once(8, lambda n: callbacks.apply(SenceCallback.objects.get(pk=callback.pk)))
    assert outcomes(session) == ["close_failed"]
    assert StaffAlert.objects.get().count == 1
