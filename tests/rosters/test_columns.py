"""Columns by any of their usual names, in any order."""

import pytest

from courses.models import Enrolment, Student
from courses.rosters.columns import COLUMN_OF, SYNONYMS, find_header, squeeze
from courses.rosters.errors import RosterError
from tests.factories import ActionFactory, EnrolmentFactory
from tests.rosters.makers import csv_bytes, load, make_rut, person, table, troubles


def header(*cells):
    return find_header([(1, cells)])


def test_each_name_means_one_column_only():
    names = [squeeze(name) for names in SYNONYMS.values() for name in set(map(squeeze, names))]
    assert len(names) == len(set(names)) <= len(COLUMN_OF)


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("RUN", "rut"),
        (" Rut  Alumno ", "rut"),
        ("E-Mail", "correo"),
        ("MAIL", "correo"),
        ("Correo Electrónico", "correo"),
        ("Nombre del Curso", "curso"),
        ("CÓDIGO SENCE", "codigo_sence"),
        ("Cod. Sence", "codigo_sence"),
        ("CodSence", "codigo_sence"),
        ("Línea (1, 3 o 6)", "linea"),
        ("Fecha de Término", "termino"),
        ("FECHA\nINICIO", "inicio"),
        ("Becario *", "becario"),
        ("rut_otec", "rut_otec"),
    ],
)
def test_a_column_is_known_by_its_usual_names(name, column):
    assert header("Folio", name, "rut" if column != "rut" else "otra").positions[column] == 1


@pytest.mark.parametrize(
    "name", ["ID Acción", "Id de acción", "folio", "SENCENET", "Código de la acción", "N° Acción"]
)
def test_the_action_is_known_by_its_usual_names(name):
    assert header("rut", name).positions["codigo_accion"] == 1


def test_unknown_columns_are_ignored_and_named():
    assert header("rut", "Sucursal", "", "folio", "Obs.").unknown == ("Sucursal", "Obs.")


def test_the_codes_name_that_sence_uses_for_the_action_is_not_guessed():
    assert "codigocurso" not in COLUMN_OF


def test_two_columns_that_mean_the_same_are_refused():
    with pytest.raises(RosterError, match=r"«Folio» y «ID Acción»"):
        header("rut", "Folio", "ID Acción")


def test_a_missing_header_is_refused_with_what_is_needed_and_what_was_said():
    with pytest.raises(RosterError, match=r"falta codigo_accion.*«RUT; Nombre; Curso»"):
        find_header([(1, ["Título"]), (3, ["RUT", "Nombre", "Curso"])])
    with pytest.raises(RosterError, match=r"faltan rut y codigo_accion.*«Lista de espera»"):
        find_header([(1, ["Lista de espera", ""])])


def test_rows_without_a_header_are_not_quoted():
    rut = make_rut(12_345_678)
    with pytest.raises(RosterError, match="parece tener datos") as caught:
        find_header([(1, [rut, "Ana Soto", "6000001"])])
    assert "Ana" not in str(caught.value)
    assert rut not in str(caught.value)


@pytest.mark.django_db
class TestNames:
    def student(self, **row):
        ActionFactory(code="0600001")
        row = {"rut": make_rut(11_000_001), "codigo_accion": "0600001"} | row
        result = load(csv_bytes(table(row, columns=tuple(row))))
        assert troubles(result) == []
        return Student.objects.get()

    def test_only_the_rut_and_the_action_are_needed(self):
        assert self.student().run == make_rut(11_000_001)
        assert Enrolment.objects.get().is_exempt is False

    def test_a_full_name_goes_to_the_names(self):
        assert self.student(**{"Nombre Completo": "Ana Soto Díaz"}).given_names == "Ana Soto Díaz"

    def test_surnames_in_two_columns_are_joined(self):
        student = self.student(Nombres="Ana", Paterno="Soto", Materno="Díaz")
        assert (student.given_names, student.surnames) == ("Ana", "Soto Díaz")

    @pytest.mark.parametrize("full_name", ["ana soto diaz", "Soto Díaz Ana"])
    def test_a_full_name_that_says_what_is_stored_changes_nothing(self, full_name):
        enrolment = EnrolmentFactory(
            student__given_names="Ana", student__surnames="Soto Díaz", action__code="0600001"
        )
        row = {"rut": enrolment.student.run, "folio": "0600001", "alumno": full_name}
        assert load(csv_bytes(table(row, columns=tuple(row)))).unchanged == 1

    def test_a_check_digit_in_a_column_of_its_own_completes_the_rut(self):
        body, digit = make_rut(11_000_001).split("-")
        assert self.student(rut=body, DV=digit).run == make_rut(11_000_001)


@pytest.mark.django_db
def test_columns_come_in_any_order(otec):
    columns = tuple(reversed(person()))
    assert load(csv_bytes(table(person(1), columns=columns))).created == 1
