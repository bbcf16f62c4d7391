"""The days of the desk's charts: counted once where they have ended, and right all the same."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from attendance.models import AttendanceSession, DayCount
from backoffice import day_counts
from tests.attendance_steps import answer, closing, post, requested
from tests.backoffice.staff import member
from tests.courses.second_connection import ALIAS, second_connection
from tests.factories import EnrolmentFactory, OtecFactory

CHILE = ZoneInfo("America/Santiago")
TODAY = date(2026, 11, 23)
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=CHILE)
DAY = timedelta(days=1)


def asked(moment, otec=None):
    enrolment = EnrolmentFactory(
        action__course__otec=otec or OtecFactory(),
        action__starts_on=date(2026, 1, 1),
        action__ends_on=date(2026, 12, 31),
    )
    with time_machine.travel(moment, tick=False):
        return requested(enrolment, moment)


def opened(moment, otec=None):
    session = asked(moment, otec)
    with time_machine.travel(moment, tick=False):
        post(session, "open", answer(session))
    return session


@pytest.fixture
def user():
    return member("Coordinador")


def seen(user):
    """What today and the two days before opened and closed, as the desk shows it."""
    counts = day_counts.of(user, TODAY - 2 * DAY, TODAY)
    return {day: (hours.opened.total(), hours.closed.total()) for day, hours in counts.items()}


@pytest.mark.django_db
def test_a_day_that_has_ended_is_kept_and_today_is_not(user):
    opened(NOON - DAY)
    opened(NOON)
    assert seen(user) == {TODAY - 2 * DAY: (0, 0), TODAY - DAY: (1, 0), TODAY: (1, 0)}
    assert set(DayCount.objects.values_list("day", flat=True)) == {TODAY - 2 * DAY, TODAY - DAY}


@pytest.mark.django_db
def test_what_is_kept_is_not_counted_again(django_assert_num_queries, user):
    opened(NOON - DAY)
    assert seen(user) == seen(user)
    # What is kept, and today.
    with django_assert_num_queries(2):
        seen(user)


@pytest.mark.django_db
@pytest.mark.parametrize("phase", ["open", "close"])
def test_an_answer_that_is_applied_late_counts_on_its_day(phase, user):
    session = asked(NOON - DAY) if phase == "open" else opened(NOON - DAY)
    before = seen(user)[TODAY - DAY]
    late = answer(session) if phase == "open" else closing(session)
    with time_machine.travel(NOON - DAY + timedelta(hours=1), tick=False):
        post(session, phase, late)
    assert before == ((0, 0) if phase == "open" else (1, 0))
    assert seen(user)[TODAY - DAY] == ((1, 0) if phase == "open" else (1, 1))
    # Of the other days nothing changed.
    assert set(DayCount.objects.values_list("day", flat=True)) == {TODAY - 2 * DAY, TODAY - DAY}


@pytest.mark.django_db
def test_a_session_moved_by_hand_leaves_the_day_it_was_of(user):
    session = opened(NOON - DAY)
    seen(user)
    AttendanceSession.objects.filter(pk=session.pk).update(opened_at=NOON - 2 * DAY)
    assert seen(user) == {TODAY - 2 * DAY: (1, 0), TODAY - DAY: (0, 0), TODAY: (0, 0)}


@pytest.mark.django_db
def test_what_changes_neither_instant_leaves_the_days_as_they_are(user):
    session = opened(NOON - DAY)
    seen(user)
    session.refresh_from_db()
    session.mark_resolved(member("Coordinador", "otra"), "motivo", NOON)
    assert DayCount.objects.filter(day=TODAY - DAY).exists()


@pytest.mark.django_db
def test_everyone_sees_the_counts_of_their_otecs_whoever_had_them_kept():
    mine = OtecFactory()
    opened(NOON - DAY, mine)
    opened(NOON - DAY)
    user = member("Coordinador", "limitada", [mine])
    assert seen(user)[TODAY - DAY] == (1, 0)
    assert seen(member("Coordinador", "de-todos"))[TODAY - DAY] == (2, 0)
    assert seen(user)[TODAY - DAY] == (1, 0)


@pytest.mark.django_db
def test_a_day_without_totals_as_the_release_before_kept_it_is_counted_anew(user):
    opened(NOON - DAY)
    DayCount.objects.create(day=TODAY - DAY, counts=[])
    assert seen(user)[TODAY - DAY] == (1, 0)
    kept = DayCount.objects.get(day=TODAY - DAY)
    assert [entry[1:] for entry in kept.counts] == [[12, 1, 0]]
    assert [sum(hours) for hours in kept.totals] == [1, 0]


@pytest.mark.django_db
def test_who_sees_every_otec_reads_the_same_from_totals_as_from_each_otec(user):
    mine, other = OtecFactory(), OtecFactory()
    for otec, hours in ((mine, 1), (other, 1), (other, 3)):
        session = opened(NOON - DAY, otec)
        with time_machine.travel(NOON - DAY + timedelta(hours=hours), tick=False):
            post(session, "close", closing(session))
    limited = member("Coordinador", "limitada", [mine, other])
    of_day = [day_counts.of(who, TODAY - DAY, TODAY)[TODAY - DAY] for who in (user, user, limited)]
    assert [+hours.opened for hours in of_day] == [{12: 3}] * 3
    assert [+hours.closed for hours in of_day] == [{13: 2, 15: 1}] * 3


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("day", "hours", "twice"), [(date(2026, 4, 4), 25, 23), (date(2026, 9, 6), 23, None)]
)
def test_days_when_the_clocks_change_are_kept_whole(day, hours, twice, user):
    midnight = timezone.make_aware(datetime(day.year, day.month, day.day), CHILE)  # noqa: DTZ001
    otec = OtecFactory()
    for hour in range(-1, 26):
        opened(midnight.astimezone(ZoneInfo("UTC")) + timedelta(hours=hour, minutes=30), otec)
    for _ in range(2):  # as they are counted, and as they are kept
        hours_of_day = day_counts.of(user, day, day + 3 * DAY)[day].opened
        assert hours_of_day.total() == hours
        assert [hour for hour, count in hours_of_day.items() if count > 1] == (
            [twice] if twice else []
        )


@pytest.mark.django_db(transaction=True)
def test_nothing_is_kept_while_a_session_changes_and_nobody_waits(user):
    session = asked(NOON - DAY)
    with second_connection() as other:
        other.set_autocommit(False)
        AttendanceSession.objects.using(ALIAS).filter(pk=session.pk).update(
            opened_at=NOON - DAY, sence_session_id="1"
        )
        assert seen(user)[TODAY - DAY] == (0, 0)
        assert not DayCount.objects.exists()
        other.commit()
    assert seen(user)[TODAY - DAY] == (1, 0)
    assert DayCount.objects.filter(day=TODAY - DAY).exists()


@pytest.mark.django_db(transaction=True)
def test_a_session_that_changes_while_a_day_is_being_kept_undoes_it(user):
    session = asked(NOON - DAY)
    with second_connection() as other, other.cursor() as keeper:
        other.set_autocommit(False)
        keeper.execute("LOCK TABLE attendance_daycount IN SHARE ROW EXCLUSIVE MODE")
        keeper.execute("INSERT INTO attendance_daycount VALUES (%s, '[]')", [TODAY - DAY])
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '100ms'")
            with pytest.raises(Exception, match="lock timeout"):
                AttendanceSession.objects.filter(pk=session.pk).update(
                    opened_at=NOON - DAY, sence_session_id="1"
                )
            cursor.execute("RESET lock_timeout")
        other.commit()
    AttendanceSession.objects.filter(pk=session.pk).update(
        opened_at=NOON - DAY, sence_session_id="1"
    )
    assert not DayCount.objects.filter(day=TODAY - DAY).exists()
