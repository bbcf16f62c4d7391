"""The states of a session: the same in SQL and in Python, kept by the database itself."""

import re
from datetime import timedelta
from itertools import permutations, product

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from attendance.models import AttendanceSession, CallbackVerdict, SenceCallback, State
from attendance.starting import _snapshot
from courses.models import Enrolment
from tests.attendance_steps import answer, opened, post, requested
from tests.factories import EnrolmentFactory

pytestmark = pytest.mark.django_db

LIMIT = timedelta(hours=3)
SECOND = timedelta(seconds=1)


def session_with(
    enrolment, now, admin_user, *, opened, closed, rejected, set_aside, close_required
):
    session = _snapshot(enrolment, now - timedelta(days=1))
    session.close_required = close_required
    if opened is not None:
        session.opened_at, session.sence_session_id = now - opened, "sence-1"
    session.closed_at = now if closed else None
    session.rejected_at = now if rejected else None
    if set_aside in ("superseded", "both"):
        session.superseded_at = now
    if set_aside in ("resolved", "both"):
        session.resolved_at, session.resolved_by, session.resolution = now, admin_user, "Porque sí."
    session.save()
    return session


def test_every_state_means_the_same_in_sql_and_in_python(admin_user):
    now = timezone.now()
    action = EnrolmentFactory().action
    combinations = product(
        [None, timedelta(0), LIMIT - SECOND, LIMIT, LIMIT + SECOND],
        [False, True],
        [False, True],
        [None, "superseded", "resolved", "both"],
        [False, True],
    )
    sessions = [
        session_with(
            EnrolmentFactory(action=action), now, admin_user, opened=since, closed=closed,
            rejected=rejected, set_aside=set_aside, close_required=close_required,
        )
        for since, closed, rejected, set_aside, close_required in combinations
        if since is not None or not closed
    ]  # fmt: skip
    assert len(sessions) == 144
    in_sql = {
        name: set(getattr(AttendanceSession.objects, name)(*needs))
        for name, needs in {
            "requested": [], "open": [], "closed": [], "rejected": [], "live": [],
            "past_limit": [now], "within_limit": [now], "overlong": [now],
        }.items()
    }  # fmt: skip
    with_words = AttendanceSession.objects.with_state_in_words(now)
    in_words = dict(with_words.values_list("pk", "in_words"))
    for session in sessions:
        assert in_words[session.pk] == session.state_in_words(now)
        in_python = {
            "requested": session.state == State.REQUESTED,
            "open": session.state == State.OPEN,
            "closed": session.state == State.CLOSED,
            "rejected": session.state == State.REJECTED,
            "live": session.is_live,
            "past_limit": session.is_past_limit(now),
            "within_limit": session.state == State.OPEN and not session.is_past_limit(now),
            "overlong": session.is_overlong(now),
        }
        assert {name: session in found for name, found in in_sql.items()} == in_python
    assert all(in_sql.values()), "a state that no combination reached"


def test_the_database_allows_one_live_session_per_enrolment():
    session = requested()
    second = _snapshot(session.enrolment, timezone.now())
    with (
        pytest.raises(IntegrityError, match="session_one_live_per_enrolment"),
        transaction.atomic(),
    ):
        second.save()
    post(session, "open", answer(session))
    with (
        pytest.raises(IntegrityError, match="session_one_live_per_enrolment"),
        transaction.atomic(),
    ):
        second.save()


@pytest.mark.parametrize("field", ["nonce", "public_id", "student_session_id"])
def test_no_two_sessions_share_an_id(field):
    session, other = requested(), EnrolmentFactory()
    second = _snapshot(other, timezone.now())
    setattr(second, field, getattr(session, field))
    with pytest.raises(IntegrityError, match=field), transaction.atomic():
        second.save()


@pytest.mark.parametrize(
    ("constraint", "values"),
    [
        ("session_opened_with_sence_id", {"opened_at": timezone.now()}),
        ("session_opened_with_sence_id", {"sence_session_id": "sence-1"}),
        ("session_closed_was_opened", {"closed_at": timezone.now()}),
        ("session_resolved_by_someone_for_a_reason", {"resolved_at": timezone.now()}),
        ("session_resolved_by_someone_for_a_reason", {"resolution": "Porque sí."}),
    ],
)
def test_the_database_refuses_a_session_that_makes_no_sense(constraint, values):
    session = requested()
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        AttendanceSession.objects.filter(pk=session.pk).update(**values)


def test_the_database_wants_a_name_and_a_reason_for_a_resolution(admin_user):
    session = requested()
    now = timezone.now()
    for values in (
        {"resolved_at": now, "resolution": "Porque sí."},
        {"resolved_at": now, "resolved_by": admin_user},
        {"resolved_by": admin_user, "resolution": "Porque sí."},
    ):
        with pytest.raises(IntegrityError, match="for_a_reason"), transaction.atomic():
            AttendanceSession.objects.filter(pk=session.pk).update(**values)


def execute(statement):
    with transaction.atomic(), connection.cursor() as cursor:
        # Else PostgreSQL refuses for its own reasons while foreign keys are to be checked.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(statement)


@pytest.mark.parametrize("table", ["attendance_sencecallback", "attendance_callbackverdict"])
@pytest.mark.parametrize(
    "statement",
    ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {}", "TRUNCATE {} CASCADE"],
)
def test_what_sence_answered_is_never_changed_nor_deleted(table, statement):
    session = requested()
    post(session, "open", answer(session))
    with pytest.raises(DatabaseError, match=r"(?i)cannot (update or delete|truncate)"):
        execute(statement.format(table))
    assert SenceCallback.objects.count() == CallbackVerdict.objects.count() == 1


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM attendance_attendancesession",
        "TRUNCATE attendance_attendancesession CASCADE",
        "TRUNCATE courses_enrolment CASCADE",
        "TRUNCATE courses_otec CASCADE",
    ],
)
def test_a_session_is_never_deleted(statement):
    requested()
    with pytest.raises(DatabaseError, match=r"Cannot (delete|truncate)"):
        execute(statement)
    assert AttendanceSession.objects.count() == 1


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("enrolment_id", "enrolment_id + 1"),
        ("public_id", "gen_random_uuid()"),
        ("nonce", "'another'"),
        ("otec_id", "otec_id + 1"),
        ("environment", "'production'"),
        ("otec_rut", "'1-9'"),
        ("sence_code", "'0000000000'"),
        ("action_code", "'0000000'"),
        ("training_line", "6"),
        ("run", "'1-9'"),
        ("student_session_id", "'another'"),
        ("course_name", "'OTRO'"),
        ("close_required", "NOT close_required"),
    ],
)
def test_the_snapshot_never_changes(column, value):
    requested()
    with pytest.raises(DatabaseError, match="Cannot update"):
        execute(f"UPDATE attendance_attendancesession SET {column} = {value}")  # noqa: S608


def test_what_a_session_hangs_on_is_not_deleted():
    session = opened()
    for owner in (session.enrolment, session.enrolment.student, session.otec):
        with pytest.raises(DatabaseError), transaction.atomic():
            owner.delete()


@pytest.mark.parametrize("model", [AttendanceSession, Enrolment])
def test_no_index_begins_as_another(model):
    """Each opening writes a session anew in all of its indexes, and a first one the enrolment."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, pg_get_indexdef(indexrelid), indpred IS NULL FROM pg_index"
            " JOIN pg_class ON pg_class.oid = indexrelid WHERE indrelid = %s::regclass",
            [model._meta.db_table],
        )
        found = {name: definition for name, definition, is_whole in cursor.fetchall() if is_whole}
    columns = {name: re.search(r"\(([^()]*)\)", text)[1] for name, text in found.items()}
    assert len(columns) > 2
    assert not [name for name, listed in columns.items() if "_pattern_ops" in listed]
    assert not [
        (short, long)
        for short, long in permutations(columns, 2)
        if f"{columns[long]}, ".startswith(f"{columns[short]}, ")
    ]
