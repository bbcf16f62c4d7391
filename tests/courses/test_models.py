"""Rules that the database keeps whoever writes, and the same rules in words for those who type."""

from datetime import UTC, date, datetime

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import ProtectedError

from courses.models import (
    Action,
    Course,
    Enrolment,
    Otec,
    RejectedRow,
    RosterImport,
    Student,
    TrainingLine,
)
from tests.courses.second_connection import ALIAS, second_connection
from tests.factories import (
    ActionFactory,
    CourseFactory,
    EnrolmentFactory,
    OtecFactory,
    StudentFactory,
    make_rut,
)

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


def refused(write, naming: str) -> None:
    """Assert that the database itself refuses, because of the rule of that name."""
    with pytest.raises(IntegrityError, match=naming), transaction.atomic():
        write()


def sentences(instance) -> list[str]:
    """Return what full_clean says of an instance."""
    try:
        instance.full_clean()
    except ValidationError as error:
        return error.messages
    return []


# RUTs

BAD_RUTS = ["", "12345678-9", "1.000005-k", "123456785", "1000005-K", "01000005-k", "999999-3"]


@pytest.mark.parametrize("rut", BAD_RUTS)
def test_a_rut_that_is_not_canonical_is_not_written(rut):
    refused(lambda: Otec.objects.bulk_create([Otec(name="X", rut=rut)]), "otec_rut_valid")
    refused(lambda: Student.objects.bulk_create([Student(run=rut)]), "student_run_valid")
    student = StudentFactory()
    refused(lambda: Student.objects.filter(pk=student.pk).update(run=rut), "student_run_valid")


@pytest.mark.parametrize("number", [1_000_005, 1_000_000, 9_999_999, 10_000_000, 99_999_999])
def test_a_canonical_rut_is_written(number):
    Student.objects.bulk_create([Student(run=make_rut(number))])
    Otec.objects.bulk_create([Otec(name="X", rut=make_rut(number))])


def test_two_otecs_or_students_do_not_share_a_rut():
    student, otec = StudentFactory(), OtecFactory()
    refused(lambda: Student.objects.bulk_create([Student(run=student.run)]), "run")
    refused(lambda: Otec.objects.bulk_create([Otec(name="X", rut=otec.rut)]), "rut")
    assert sentences(Student(run=student.run.upper())) == ["Ya existe Alumno con este RUN."]


def test_a_rut_typed_with_dots_becomes_canonical_when_it_is_checked():
    student = Student(run="1.000.005-K")
    student.full_clean()
    assert student.run == "1000005-k"
    assert sentences(Student(run="12345678-9")) == [
        "El dígito verificador no corresponde al RUT. Revise los números e inténtelo de nuevo."
    ]


# Courses


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (1, "1234567890"),
        (1, "-1"),
        (3, ""),
        (6, ""),
        (3, "123456789"),
        (3, "12345678 0"),
        (3, "123456789ñ"),
        (6, "-2"),
        (3, " -1"),
    ],
)
def test_a_sence_code_that_does_not_fit_the_line_is_refused(line, code):
    otec = OtecFactory()
    wrong = Course(otec=otec, name="X", training_line=line, sence_code=code)
    refused(lambda: Course.objects.bulk_create([wrong]), "course_sence_code_fits_line")
    assert sentences(wrong)


@pytest.mark.parametrize(
    ("line", "code"), [(1, ""), (3, "1234567890"), (6, "12379ABCDe"), (3, "-1"), (6, "-1")]
)
def test_a_sence_code_that_fits_the_line_is_accepted(line, code):
    right = Course(otec=OtecFactory(), name="X", training_line=line, sence_code=code)
    assert sentences(right) == []
    Course.objects.bulk_create([right])


def test_a_line_that_sence_does_not_know_is_refused():
    wrong = Course(otec=OtecFactory(), name="X", training_line=2, sence_code="1234567890")
    refused(lambda: Course.objects.bulk_create([wrong]), "course_line_known")
    assert sentences(wrong)


def test_the_rule_of_lines_and_codes_is_said_in_words():
    wrong = Course(otec=OtecFactory(), name="X", training_line=1, sence_code="1234567890")
    assert sentences(wrong) == [
        "La línea 1 no lleva código SENCE; las líneas 3 y 6 llevan uno de diez."
    ]


def test_a_sence_code_is_once_in_an_otec_and_again_in_another():
    course = CourseFactory()
    again = Course(otec=course.otec, name="Otro", training_line=6, sence_code=course.sence_code)
    refused(lambda: Course.objects.bulk_create([again]), "course_sence_code_unique")
    assert sentences(again) == ["El OTEC ya tiene un curso con ese código SENCE."]
    again.otec = OtecFactory()
    Course.objects.bulk_create([again])


@pytest.mark.parametrize(("line", "code"), [(1, ""), (3, "-1")])
def test_a_course_without_its_own_code_is_known_by_name_and_line(line, code):
    course = CourseFactory(training_line=line, sence_code=code)
    again = Course(otec=course.otec, name=course.name, training_line=line, sence_code=code)
    refused(lambda: Course.objects.bulk_create([again]), "course_name_unique_without_code")
    assert sentences(again) == ["El OTEC ya tiene un curso con ese nombre y línea."]
    again.name = "Otro nombre"
    Course.objects.bulk_create([again])


def test_courses_with_codes_may_share_a_name():
    course = CourseFactory()
    CourseFactory(otec=course.otec, name=course.name)


# Actions


def action_of(course, **fields) -> Action:
    dates = {"starts_on": date(2026, 7, 1), "ends_on": date(2026, 7, 1)}
    given = {"course": course} if course else {}
    return Action(**given | {"code": "6000001", "environment": "test"} | dates | fields)


def test_dates_out_of_order_are_refused_and_a_single_day_is_not():
    wrong = action_of(CourseFactory(), ends_on=date(2026, 6, 30))
    refused(lambda: Action.objects.bulk_create([wrong]), "action_dates_in_order")
    assert sentences(wrong) == ["La fecha de término es anterior a la de inicio."]
    Action.objects.bulk_create([action_of(wrong.course)])


def test_an_unknown_environment_is_refused():
    wrong = action_of(CourseFactory(), environment="staging")
    refused(lambda: Action.objects.bulk_create([wrong]), "action_environment_known")
    assert sentences(wrong)


@pytest.mark.parametrize("code", ["600 0001", "6000001 ", "\t6000001", "6000001\n", ""])
def test_an_action_code_is_one_word(code):
    wrong = action_of(CourseFactory(training_line=6), code=code)
    refused(lambda: Action.objects.bulk_create([wrong]), "action_code_one_word")
    assert sentences(wrong)


@pytest.mark.parametrize("code", ["RLAB-19-02-08-0071-1", "BOTIC-SOFOF-19-12-13-0046", "x" * 50])
def test_the_action_codes_of_line_1_are_accepted(code):
    right = action_of(CourseFactory(training_line=1, sence_code=""), code=code)
    assert sentences(right) == []
    Action.objects.bulk_create([right])


def test_an_action_code_is_unique_in_every_otec():
    action = ActionFactory()
    again = action_of(CourseFactory(), code=action.code)
    refused(lambda: Action.objects.bulk_create([again]), "action_code_unique")
    assert sentences(again) == ["Ya existe una acción con ese código."]


def test_a_course_has_one_unverified_action_and_each_course_may_have_its_own():
    action = ActionFactory(code="-1")
    again = action_of(action.course, code="-1")
    refused(lambda: Action.objects.bulk_create([again]), "action_unverified_unique_in_course")
    assert sentences(again) == ["El curso ya tiene una acción con código -1."]
    ActionFactory(code="-1")


def test_the_unverified_code_is_for_the_test_environment_alone():
    wrong = action_of(CourseFactory(), code="-1", environment="production")
    refused(lambda: Action.objects.bulk_create([wrong]), "action_code_unverified_only_in_test")
    assert sentences(wrong) == ["El código -1 solo sirve en el ambiente de prueba."]


def test_an_unverified_course_is_for_the_test_environment_alone():
    course = CourseFactory(sence_code="-1")
    wrong = action_of(course, environment="production")
    refused(lambda: Action.objects.bulk_create([wrong]), "action_unverified_only_in_test")
    assert sentences(wrong) == ["Un curso con código SENCE -1 solo sirve en el ambiente de prueba."]
    right = action_of(course)
    right.save()
    of_right = Action.objects.filter(pk=right.pk)
    refused(lambda: of_right.update(environment="production"), "action_unverified_only_in_test")


@pytest.mark.parametrize(("line", "sence_code"), [(1, ""), (3, "1234567890")])
def test_an_action_code_has_seven_characters_on_lines_1_and_3(line, sence_code):
    course = CourseFactory(training_line=line, sence_code=sence_code)
    short = action_of(course, code="123456")
    refused(lambda: Action.objects.bulk_create([short]), "action_code_long_enough")
    assert sentences(short) == [
        "El código de acción tiene al menos 7 caracteres, salvo en la línea 6."
    ]
    right = action_of(course, code="1234567")
    right.save()
    of_right = Action.objects.filter(pk=right.pk)
    refused(lambda: of_right.update(code="123456"), "action_code_long_enough")


def test_an_action_code_may_be_short_on_line_6():
    short = action_of(CourseFactory(training_line=6), code="1")
    assert sentences(short) == []
    Action.objects.bulk_create([short])


def test_an_action_moved_to_another_course_must_fit_it():
    action = action_of(CourseFactory(training_line=6), code="1")
    action.save()
    elsewhere = CourseFactory()
    refused(
        lambda: Action.objects.filter(pk=action.pk).update(course=elsewhere),
        "action_code_long_enough",
    )


def test_a_course_keeps_the_line_that_its_short_action_codes_need():
    course = CourseFactory(training_line=6)
    ActionFactory(course=course, code="123456")
    of_course = Course.objects.filter(pk=course.pk)
    refused(lambda: of_course.update(training_line=3), "action_code_long_enough")
    course.training_line = TrainingLine.TAX_CREDIT
    assert sentences(course) == [
        "La acción 123456 lo impide. "
        "El código de acción tiene al menos 7 caracteres, salvo en la línea 6."
    ]
    of_course.update(name="Otro nombre")


def test_a_course_with_actions_in_production_keeps_its_code():
    course = CourseFactory()
    action = ActionFactory(course=course, environment="production")
    of_course = Course.objects.filter(pk=course.pk)
    refused(lambda: of_course.update(sence_code="-1"), "action_unverified_only_in_test")
    course.sence_code = "-1"
    assert sentences(course) == [
        f"La acción {action.code} lo impide. "
        "Un curso con código SENCE -1 solo sirve en el ambiente de prueba."
    ]
    Action.objects.filter(pk=action.pk).update(environment="test")
    assert of_course.update(sence_code="-1") == 1


@pytest.fixture
def elsewhere(db):
    """A cursor of a second connection, and a course of line 6 that it has committed."""
    with second_connection() as other, other.cursor() as cursor:
        otec = Otec.objects.using(ALIAS).create(name="X", rut="77777777-7")
        fields = {"name": "X", "training_line": 6, "sence_code": "7777777777"}
        course = Course.objects.using(ALIAS).create(otec=otec, **fields)
        cursor.execute("SET lock_timeout = '100ms'")
        try:
            yield cursor, course.pk
        finally:
            other.close()
            Course.objects.using(ALIAS).all().delete()
            Otec.objects.using(ALIAS).all().delete()


def test_a_course_does_not_change_while_an_action_is_added(elsewhere):
    cursor, course = elsewhere
    with transaction.atomic():
        action_of(None, course_id=course, code="1").save()
        with pytest.raises(OperationalError, match="lock timeout"):
            cursor.execute("UPDATE courses_course SET training_line = 3")
        transaction.set_rollback(True)
    cursor.execute("UPDATE courses_course SET training_line = 3")


def test_an_action_is_not_added_while_its_course_changes(elsewhere):
    cursor, course = elsewhere
    cursor.execute("BEGIN")
    cursor.execute("UPDATE courses_course SET training_line = 3")
    with connection.cursor() as own:
        own.execute("SET LOCAL lock_timeout = '100ms'")
    with pytest.raises(OperationalError, match="lock timeout"), transaction.atomic():
        action_of(None, course_id=course, code="1").save()
    cursor.execute("COMMIT")
    refused(lambda: action_of(None, course_id=course, code="1").save(), "action_code_long_enough")


# Enrolments


def test_a_student_is_enrolled_once_in_an_action():
    enrolment = EnrolmentFactory()
    again = Enrolment(student=enrolment.student, action=enrolment.action)
    refused(lambda: Enrolment.objects.bulk_create([again]), "enrolment_unique")
    assert sentences(again) == ["El alumno ya está inscrito en esa acción."]
    EnrolmentFactory(student=enrolment.student)
    EnrolmentFactory(action=enrolment.action)


def test_an_enrolment_made_by_sql_alone_has_its_date():
    student, action = StudentFactory(), ActionFactory()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO courses_enrolment (student_id, action_id, is_exempt) "
            "VALUES (%s, %s, false) RETURNING created_at",
            [student.pk, action.pk],
        )
        assert cursor.fetchone()[0]


def test_enrolments_are_withdrawn_once_and_reinstated_once_in_one_query(django_assert_num_queries):
    gone = EnrolmentFactory(withdrawn_at=NOW)
    EnrolmentFactory.create_batch(3)
    later = datetime(2026, 8, 1, tzinfo=UTC)
    with django_assert_num_queries(1):
        assert Enrolment.objects.withdraw(later) == 3
    gone.refresh_from_db()
    assert gone.withdrawn_at == NOW
    assert Enrolment.objects.active().count() == 0
    assert Enrolment.objects.reinstate() == 4
    assert Enrolment.objects.withdrawn().count() == 0


def test_what_others_hang_on_is_not_deleted():
    enrolment = EnrolmentFactory()
    action = enrolment.action
    for needed in (enrolment.student, action, action.course, action.course.otec):
        with pytest.raises(ProtectedError):
            needed.delete()
    enrolment.delete()
    action.delete()


def test_the_rejected_rows_go_with_their_import():
    roster_import = RosterImport.objects.create(file_name="nomina.csv", digest="0" * 64)
    RejectedRow.objects.create(roster_import=roster_import, line=2, reason="Falta el RUT.")
    roster_import.delete()
    assert not RejectedRow.objects.exists()


@pytest.mark.parametrize(
    ("day", "running"),
    [("2026-06-30", 0), ("2026-07-01", 1), ("2026-07-15", 1), ("2026-07-31", 1), ("2026-08-01", 0)],
)
def test_an_action_runs_from_its_first_to_its_last_day(day, running):
    ActionFactory(starts_on=date(2026, 7, 1), ends_on=date(2026, 7, 31))
    day = date.fromisoformat(day)
    assert Action.objects.running(day).count() == running
