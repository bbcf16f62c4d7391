"""What a load writes, and what it leaves alone."""

import threading

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from courses.models import Action, Course, Enrolment, RejectedRow, RosterImport, StaffScope, Student
from courses.rosters.errors import RosterError
from tests.factories import ActionFactory, EnrolmentFactory, OtecFactory, StudentFactory, make_rut
from tests.rosters.makers import csv_bytes, load, load_people, person, table, troubles

MODELS = (Course, Action, Student, Enrolment)


def contents():
    """Every row of every table that a roster writes, with the version PostgreSQL gives it."""
    with connection.cursor() as cursor:
        for model in MODELS:
            cursor.execute(f"SELECT xmin, ctid, * FROM {model._meta.db_table} ORDER BY id")  # noqa: S608
            yield cursor.fetchall()


@pytest.mark.django_db
class TestWriting:
    def test_the_same_file_twice_changes_nothing(self, otec):
        data = csv_bytes(
            table(
                {"rut": person(4)["rut"], "codigo_accion": "0600001"},
                person(1, becario="sí", ambiente=""),
                person(2, ambiente="producción", correo=""),
                person(1, codigo_accion="0600002", correo="otro@example.com"),
                person(3, rut="1-1"),
                person(5, codigo_accion="0600003", curso="OTRO"),
                person(6, ambiente="prueba"),
                person(2),
            )
        )
        first = load(data)
        assert (first.created, first.rejected) == (4, 4)
        before = list(contents())
        second = load(data)
        assert (second.created, second.updated, second.unchanged) == (0, 0, 4)
        assert list(contents()) == before
        assert [line for line, _, _ in troubles(second)] == [line for line, _, _ in troubles(first)]
        assert RosterImport.objects.count() == 2

    def test_names_mail_and_exemption_follow_the_file(self, otec):
        load_people(person(1), person(2))
        result = load_people(
            person(1, nombres="Ana", apellidos="Soto", correo="ana@example.com"),
            person(2, becario="sí"),
        )
        assert (result.updated, result.unchanged) == (2, 0)
        student = Student.objects.get(run=person(1)["rut"])
        assert (student.given_names, student.surnames) == ("Ana", "Soto")
        assert student.email == "ana@example.com"
        assert Enrolment.objects.get(student__run=person(2)["rut"]).is_exempt is True

    def test_an_empty_cell_erases_nothing(self, otec):
        load_people(person(1, becario="sí"))
        before = list(contents())
        bare = {"rut": person(1)["rut"], "codigo_accion": "0600001"}
        assert load_people(bare).unchanged == 1
        assert list(contents()) == before

    def test_a_person_in_several_rows_keeps_the_last_data_given(self, otec):
        load_people(
            person(1, correo="primero@example.com"),
            person(1, codigo_accion="0600002", correo="ultimo@example.com"),
            person(1, codigo_accion="0600003", correo=""),
        )
        assert Student.objects.get().email == "ultimo@example.com"

    def test_a_full_name_does_not_replace_names_that_come_with_surnames(self, otec):
        full = {"nombres": "María José Muñoz Pérez 1", "apellidos": ""}
        load_people(person(1), person(1, codigo_accion="0600002", **full))
        assert Student.objects.get().given_names == "María José"

    def test_a_withdrawn_enrolment_comes_back(self, otec):
        load_people(person(1))
        Enrolment.objects.update(withdrawn_at=timezone.now())
        assert load_people(person(1)).updated == 1
        assert Enrolment.objects.get().withdrawn_at is None

    def test_who_is_not_in_the_file_stays(self, otec):
        load_people(person(1), person(2))
        load_people(person(3))
        assert Enrolment.objects.active().count() == 3

    def test_the_action_is_created_in_production_unless_the_file_says_otherwise(self, otec):
        result = load_people(person(1, ambiente=""), person(2, codigo_accion="0600002"))
        environments = dict(Action.objects.values_list("code", "environment"))
        assert environments == {"0600001": "production", "0600002": "test"}
        assert result.actions_created == 2
        assert result.courses_created == 1
        assert result.actions_in_production_by_default == 1

    def test_a_row_need_not_repeat_what_another_says_of_the_action(self, otec):
        bare = {"codigo_accion": "0600001"}
        first, last = ({"rut": person(n)["rut"], **bare} for n in (2, 3))
        assert load_people(first, person(1), last).created == 3

    def test_case_and_accents_do_not_make_another_course(self, otec):
        load_people(person(1))
        result = load_people(person(2, curso="  aplicacion de   excel ", codigo_accion="0600002"))
        assert (result.created, result.courses_created) == (1, 0)
        assert Course.objects.get().name == "APLICACIÓN DE EXCEL"

    def test_courses_without_a_code_are_told_apart_by_name(self, otec):
        line_1 = {"linea": "1", "codigo_sence": ""}
        result = load_people(
            person(1, **line_1),
            person(2, **line_1, curso="Aplicacion de Excel", codigo_accion="0600002"),
            person(3, **line_1, curso="OTRO", codigo_accion="0600003"),
        )
        assert (result.created, result.courses_created, result.actions_created) == (3, 2, 3)

    def test_what_existed_is_found_and_not_made_again(self, otec):
        action = ActionFactory(course__otec=otec)
        student = StudentFactory(email="suyo@example.com")
        result = load_people({"rut": student.run, "codigo_accion": action.code})
        assert result.created == 1
        assert Student.objects.get().email == "suyo@example.com"
        assert Enrolment.objects.get().created_at

    def test_ruts_are_made_canonical(self, otec):
        load_people(person(1, rut="11.000.009-K"), person(2, rut="\u200b 5.126.663–3 "))
        assert set(Student.objects.values_list("run", flat=True)) == {"11000009-k", "5126663-3"}

    def test_the_import_is_recorded_with_its_rejected_rows(self, otec):
        user = User.objects.create(username="ana")
        result = load(csv_bytes(table(person(1), person(2, correo="x"))), user=user)
        record = RosterImport.objects.get()
        assert result.roster_import == record
        assert (record.loaded_by, record.file_name, len(record.digest)) == (user, "roster", 64)
        assert (record.rows_read, record.rows_created, record.rows_rejected) == (2, 1, 1)
        rejected = RejectedRow.objects.get(roster_import=record)
        assert (rejected.line, rejected.column, rejected.value) == (3, "correo", "x")

    def test_who_is_limited_to_some_otecs_loads_for_those_alone(self, otec):
        other = OtecFactory(name="AJENA")
        theirs = ActionFactory(course__otec=other)
        user = User.objects.create(username="ana")
        StaffScope.objects.create(user=user).otecs.add(otec)
        rows = table(
            person(1),
            person(2, codigo_accion=theirs.code),
            person(3, codigo_accion="0600002", rut_otec=other.rut),
        )
        result = load(csv_bytes(rows), user=user)
        assert [(line, column) for line, column, _ in troubles(result)] == [
            (3, "codigo_accion"),
            (4, "rut_otec"),
        ]
        for _, _, reason in troubles(result):
            assert "no tiene a cargo" in reason
            assert "registre" not in reason
        assert Course.objects.filter(otec=otec).count() == result.created == 1
        assert load(csv_bytes(rows)).rejected == 1

    def test_a_change_says_the_name_that_the_student_had(self, otec):
        load_people(person(1), person(2), person(3, nombres="", apellidos=""))
        result = load_people(
            person(1, nombres="Otro", apellidos="Nombre"),
            person(2, correo="otro@example.com"),
            person(3),
            person(4),
            dry_run=True,
        )
        assert [(change.name, change.before) for change in result.changes] == [
            ("Otro Nombre", "María José Muñoz Pérez 1"),
            ("María José Muñoz Pérez 2", ""),
            ("María José Muñoz Pérez 3", ""),
            ("María José Muñoz Pérez 4", ""),
        ]

    def test_who_is_limited_neither_changes_nor_reads_a_student_of_another_otec(self, otec):
        theirs = {"given_names": "Secreta", "surnames": "Ajena", "email": "suyo@example.com"}
        student = EnrolmentFactory(**{f"student__{name}": v for name, v in theirs.items()}).student
        user = User.objects.create(username="ana")
        StaffScope.objects.create(user=user).otecs.add(otec)
        row = person(1, rut=student.run, nombres="Otra", correo="robo@example.com", apellidos="")
        result = load_people(row, person(2), user=user)
        assert Student.objects.filter(pk=student.pk, **theirs).exists()
        assert (result.created, result.shared_students) == (2, 1)
        assert result.changes[0].name == "Otra"
        assert load_people(row, user=user).unchanged == 1
        # Nor by the RUN alone.
        alone = person(
            3, rut=student.run, nombres="", apellidos="", correo="", codigo_accion="0600009"
        )
        result = load_people(alone, user=user, dry_run=True)
        assert (result.changes[0].name, result.shared_students) == ("", 0)

    def test_who_is_limited_changes_their_own_students_and_nobodys(self, otec):
        user = User.objects.create(username="ana")
        StaffScope.objects.create(user=user).otecs.add(otec)
        mine = EnrolmentFactory(action__course__otec=otec).student
        nobodys = StudentFactory()
        people = [
            person(n, rut=student.run, nombres="Nueva")
            for n, student in enumerate([mine, nobodys], start=1)
        ]
        result = load_people(*people, user=user)
        assert {change.name for change in result.changes} == {
            f"Nueva {p['apellidos']}" for p in people
        }
        names = Student.objects.filter(pk__in=[mine.pk, nobodys.pk]).values_list("given_names")
        assert list(names) == [("Nueva",), ("Nueva",)]

    def test_who_works_for_all_otecs_changes_any_student(self, otec):
        student = EnrolmentFactory().student
        result = load_people(person(1, rut=student.run, rut_otec=otec.rut, nombres="Nueva"))
        assert (result.created, result.shared_students) == (1, 0)
        assert Student.objects.get(pk=student.pk).given_names == "Nueva"

    def test_a_dry_run_says_what_would_happen_and_keeps_nothing(self, otec):
        result = load_people(person(1), person(2, rut="1-1"), dry_run=True)
        assert (result.created, result.rejected, result.actions_created) == (1, 1, 1)
        assert not result.loaded
        assert result.roster_import is None
        assert not any(model.objects.exists() for model in (*MODELS, RosterImport, RejectedRow))

    def test_all_or_nothing_keeps_nothing_if_a_row_is_bad(self, otec):
        result = load_people(person(1), person(2, rut="1-1"), all_or_nothing=True)
        assert (result.loaded, result.created, result.rejected) == (False, 0, 1)
        assert not any(model.objects.exists() for model in (*MODELS, RosterImport))
        assert load_people(person(1), all_or_nothing=True).loaded

    def test_progress_is_told_in_bytes_up_to_the_end(self, otec):
        calls = []
        data = csv_bytes(table(person(1)))
        load(data, progress=lambda *call: calls.append(call))
        assert calls == [(len(data), len(data), "B")]

    def test_twenty_thousand_rows_take_a_few_statements(self, otec):
        rows = table(*(person(n) for n in range(20_000)))
        data = csv_bytes(rows)
        with CaptureQueriesContext(connection) as queries:
            assert load(data).created == 20_000
        # Two batches of three COPYs, and what any load takes.
        assert len(queries) < 80
        with CaptureQueriesContext(connection) as few:
            load_people(person(1))
        assert len(queries) - len(few) <= 3

    def test_what_the_database_refuses_is_told_without_quoting_the_row(self, otec):
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE courses_student ADD CHECK (surnames NOT LIKE 'Muñoz%')")
        with pytest.raises(RosterError, match="error 23514") as caught:
            load_people(person(1))
        assert "Muñoz" not in str(caught.value)


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_two_imports_of_the_same_people_both_succeed(self):
        OtecFactory()
        data = csv_bytes(table(*(person(n) for n in range(300))))
        results, start = [], threading.Barrier(4)

        def run():
            try:
                start.wait()
                results.append(load(data))
            finally:
                connection.close()

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(result.created for result in results) == [0, 0, 0, 300]
        assert sum(result.unchanged for result in results) == 900
        assert Enrolment.objects.count() == 300
        assert Action.objects.count() == 1

    def test_a_failure_half_way_leaves_nothing(self):
        OtecFactory()
        rows = table(*(person(n) for n in range(11_000)))
        with pytest.raises(RosterError, match="demasiado larga"):
            load(csv_bytes(rows) + b"x" * 200_000)
        assert not Student.objects.exists()
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_class WHERE relname LIKE 'roster_%'")
            assert cursor.fetchone() == (0,)

    def test_reloading_does_not_touch_other_enrolments(self):
        other = EnrolmentFactory(withdrawn_at=timezone.now(), student__run=make_rut(9_000_000))
        load_people({"rut": make_rut(9_000_001), "codigo_accion": other.action.code})
        other.refresh_from_db()
        assert other.withdrawn_at
