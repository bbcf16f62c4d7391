"""What is asked and written in SQL that is made once is what Django would ask and write."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from attendance import lookups
from courses.models import Student
from tests.attendance.test_at_once import until_waiting
from tests.attendance_steps import opened, requested
from tests.factories import StudentFactory
from usecap_sence.compiled import Compiled, NotWrittenError, insert, update

pytestmark = pytest.mark.django_db
NAMES = Compiled(lambda run: Student.objects.filter(run=run).values_list("surnames"), "0-0")


def test_each_value_has_its_own_rows():
    one, other = StudentFactory(surnames="Uno"), StudentFactory(surnames="Otra")
    assert NAMES.rows(one.run) == [("Uno",)]
    assert NAMES.rows(other.run) == [("Otra",)]
    assert NAMES.rows("1-9") == []


def test_a_row_is_written_with_its_key():
    student = Student(run="5126663-3", given_names="Rosa", surnames="Soto", email="")
    insert(student)
    assert Student.objects.get(pk=student.pk).surnames == "Soto"
    student.surnames, student.given_names = "Díaz", "Ana"
    update(student, "surnames")
    stored = Student.objects.get(run="5126663-3")
    assert (stored.surnames, stored.given_names) == ("Díaz", "Rosa")


def test_two_rows_are_written_in_one_statement_or_neither(django_assert_num_queries):
    known, new = StudentFactory(surnames="Uno"), StudentFactory.build(run="5126663-3")
    known.surnames = "Dos"
    with django_assert_num_queries(1):
        update(known, "surnames", beside=new)
    known.surnames = "Tres"
    with pytest.raises(IntegrityError), transaction.atomic():
        update(known, "surnames", beside=new)
    stored = Student.objects.values_list("run", "surnames")
    assert set(stored) == {(known.run, "Dos"), (new.run, new.surnames)}


def test_a_row_that_is_gone_takes_nothing_with_it():
    gone, new = StudentFactory(), StudentFactory.build(run="5126663-3")
    Student.objects.filter(pk=gone.pk).delete()
    for beside in (None, new):
        with pytest.raises(NotWrittenError):
            update(gone, "surnames", beside=beside)
    assert not Student.objects.exists()


def test_a_row_that_nobody_locked_is_written_while_it_is_what_was_read():
    public_id = requested().public_id
    first, second = lookups.unlocked(public_id), lookups.unlocked(public_id)
    first.mark_opened("first", timezone.now(), time="", zone="")
    with pytest.raises(NotWrittenError):
        second.mark_opened("second", timezone.now(), time="", zone="")
    assert lookups.unlocked(public_id).sence_session_id == "first"


@pytest.mark.parametrize("condition", [Q(pk=1), Q(run="0-0", surnames="0-0")])
def test_a_sample_that_can_not_be_told_is_refused(condition):
    question = Compiled(lambda run: Student.objects.filter(condition).values_list("pk"), "0-0")
    with pytest.raises(ValueError, match="not once"):
        question.rows("1-9")


@pytest.mark.django_db(transaction=True)
def test_a_session_is_read_after_its_lock_was_waited_for():
    """What another transaction changed meanwhile is what the one that waited sees."""
    session = opened()
    is_held = Event()

    def hold_and_change() -> None:
        try:
            with transaction.atomic():
                held = lookups.locked(session.public_id)
                is_held.set()
                until_waiting(1)
                held.mark_closed(held.opened_at, time="", zone="")
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(hold_and_change)
        assert is_held.wait(10)
        with transaction.atomic():
            seen = lookups.locked(session.public_id)
        other.result()
    assert seen.closed_at == session.opened_at
