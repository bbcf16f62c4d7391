"""Each kind of bad row is told with its line, its column, what it said and what to do."""

import csv
import io

import pytest

from courses.models import Action, Course, Enrolment, RejectedRow, Student
from tests.factories import ActionFactory, CourseFactory, OtecFactory, make_rut
from tests.rosters.makers import csv_bytes, load, load_people, person, table, troubles, xlsx_bytes

pytestmark = pytest.mark.django_db


def rejected(*people):
    """Load `people` and return the only trouble: (line, column, value, reason)."""
    result = load_people(*people)
    [(line, trouble)] = result.troubles
    assert result.rejected == 1
    assert RejectedRow.objects.get().reason == trouble.reason
    return line, *trouble


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("rut", "11111111-2", "dígito verificador"),
        ("rut", "hola", "Escriba el RUT completo"),
        ("rut", "", "Falta el RUT"),
        ("codigo_accion", "", "Falta el código de la acción"),
        ("codigo_accion", "60 0001", "no lleva espacios"),
        ("codigo_accion", "600001", "al menos 7 caracteres"),
        ("codigo_accion", "1,23457E+11", "formato de texto"),
        ("codigo_accion", "1.23457E+11", "formato de texto"),
        ("codigo_accion", "x" * 51, "más de 50"),
        ("codigo_sence", "123456789", "diez letras o números"),
        ("codigo_sence", "1,23457E+09", "formato de texto"),
        ("linea", "2", "1, 3 o 6"),
        ("linea", "franquicia", "1, 3 o 6"),
        ("inicio", "31-02-2026", "no existe"),
        ("inicio", "29-02-2026", "no existe"),
        ("inicio", "00-01-2026", "no existe"),
        ("inicio", "03-25-2026", "después del día"),
        ("inicio", "01-03-26", "cuatro cifras"),
        ("inicio", "46082", "No es una fecha"),
        ("inicio", "mañana", "No es una fecha"),
        ("inicio", "01-03-0206", "El año no puede ser"),
        ("termino", "28-02-2026", "anterior al inicio (01-03-2026)"),
        ("becario", "quizás", "sí o no"),
        ("ambiente", "staging", "producción o prueba"),
        ("correo", "ana@", "No es un correo"),
        ("correo", "ana@example.com; b@example.com", "No es un correo"),
        ("nombres", "x" * 151, "más de 150"),
        ("nombres", "Ana\x07", "ilegibles"),
        ("curso", "x" * 301, "más de 300"),
        ("rut_otec", "76000000-3", "dígito verificador"),
    ],
)
def test_a_bad_cell_is_told_and_the_good_rows_load(otec, column, value, said):
    result = load_people(person(1), person(2, **{column: value}))
    assert (result.read, result.created, result.rejected) == (2, 1, 1)
    [(line, trouble)] = result.troubles
    assert (line, trouble.column) == (3, column)
    assert trouble.value.startswith(value[:199].replace("\x07", "\ufffd"))
    assert len(trouble.value) <= 200
    assert said in trouble.reason
    assert value not in trouble.reason or not value
    assert Enrolment.objects.count() == 1


def test_all_the_troubles_of_a_row_are_told(otec):
    bad = person(2, rut="1-1", correo="x", inicio="31-02-2026", curso="OTRO", becario="?")
    result = load_people(person(1), bad)
    assert {column for _, column, _ in troubles(result)} == {
        "rut", "correo", "inicio", "curso", "becario",
    }  # fmt: skip
    assert result.rejected == 1


def test_a_long_number_that_a_spreadsheet_rounded_is_refused(otec):
    result = load(xlsx_bytes(table(person(1, codigo_accion=1234567890123456789))))
    [(line, column, reason)] = troubles(result)
    assert (line, column) == (2, "codigo_accion")
    assert "formato de texto" in reason


def test_a_repeated_row_names_the_first(otec):
    rut = person(1)["rut"]
    line, column, value, reason = rejected(person(1), person(2), person(1))
    assert (line, column, value) == (4, "rut", rut)
    assert "línea 2" in reason


def test_the_same_person_in_another_action_is_no_repetition(otec):
    result = load_people(person(1), person(1, codigo_accion="0600002"))
    assert result.created == 2
    assert Student.objects.count() == 1


def test_an_unknown_action_needs_what_would_create_it(otec):
    line, column, value, reason = rejected(
        person(1), {"rut": person(2)["rut"], "codigo_accion": "9999999", "linea": "6"}
    )
    assert (line, column, value) == (3, "codigo_accion", "9999999")
    assert "no está registrada" in reason
    assert "complete en la fila: curso, codigo_sence, inicio, termino." in reason


def test_line_1_needs_no_sence_code_and_takes_none(otec):
    good = person(1, linea="1", codigo_sence="", codigo_accion="RLAB-19-02-08-0071-1")
    assert load_people(good).created == 1
    bad = person(2, linea="1", codigo_accion="RLAB-19-02-08-0072-1")
    _, column, value, reason = rejected(bad)
    assert (column, value) == ("codigo_sence", "0012345678")
    assert "línea 1 no lleva" in reason


def test_line_6_takes_a_short_action_code(otec):
    assert load_people(person(1, linea="6", codigo_accion="123")).created == 1


def test_unverified_codes_are_for_the_test_environment(otec):
    unverified = {"codigo_sence": "-1", "codigo_accion": "-1"}
    assert load_people(person(1, **unverified)).created == 1
    assert load_people(person(1, **unverified)).unchanged == 1
    assert load_people(person(2, **unverified, curso="OTRO")).created == 1
    result = load_people(person(3, **unverified, ambiente=""))
    assert {column for _, column, _ in troubles(result)} == {"codigo_accion", "codigo_sence"}
    assert all("prueba" in reason for _, _, reason in troubles(result))


def test_an_unverified_action_is_found_by_its_course_only(otec):
    ActionFactory(
        code="-1",
        course__otec=otec,
        course__sence_code="0012345678",
        starts_on="2026-03-01",
        ends_on="2026-03-31",
    )
    row = {"rut": person(1)["rut"], "codigo_accion": "-1", "ambiente": "prueba"}
    _, column, _, reason = rejected(row)
    assert column == "codigo_accion"
    assert "curso, linea, codigo_sence" in reason
    row = person(1, codigo_accion="-1", curso=Course.objects.get().name)
    assert load_people(row).created == 1
    assert Action.objects.count() == 1


@pytest.mark.parametrize(
    ("column", "value", "known"),
    [
        ("curso", "EXCEL AVANZADO", "APLICACIÓN DE EXCEL"),
        ("codigo_sence", "1234567890", "0012345678"),
        ("linea", "6", "3"),
        ("inicio", "02-03-2026", "01-03-2026"),
        ("termino", "30-03-2026", "31-03-2026"),
        ("ambiente", "producción", "prueba"),
    ],
)
@pytest.mark.parametrize("together", [True, False])
def test_data_that_contradict_the_action_are_told_with_both_values(
    otec, column, value, known, together
):
    other = person(2, **{column: value})
    if together:
        line, *trouble = rejected(person(1), other)
        assert line == 3
        assert "La línea 2 dice" in trouble[2]
    else:
        load_people(person(1))
        _, *trouble = rejected(other)
        assert "registrada con" in trouble[2]
    assert trouble[:2] == [column, value]
    assert f"«{known}»" in trouble[2]
    assert f"«{value}»" in trouble[2]
    assert Course.objects.get().name == "APLICACIÓN DE EXCEL"


def test_an_action_of_another_otec_is_told_without_its_rut_in_the_sentence(otec):
    other = OtecFactory(name="OTRA")
    result = load_people(person(1, rut_otec=otec.rut), person(2, rut_otec=other.rut))
    [(_, trouble)] = result.troubles
    assert (trouble.column, trouble.value) == ("rut_otec", other.rut)
    assert other.rut not in trouble.reason
    _, column, value, reason = rejected_again(person(2, rut_otec=other.rut))
    assert (column, value) == ("rut_otec", other.rut)
    assert "«USECAP»" in reason


def rejected_again(*people):
    [(line, trouble)] = load_people(*people).troubles
    return line, *trouble


def test_a_stored_course_is_not_contradicted_by_a_new_action(otec):
    CourseFactory(otec=otec, name="EXCEL BÁSICO", sence_code="0012345678", training_line=6)
    result = load_people(person(1, curso="Excel basico"))
    [(_, column, reason)] = troubles(result)
    assert column == "linea"
    assert "El curso está registrado con «6» y el archivo dice «3»" in reason
    assert not Action.objects.exists()


def test_two_new_actions_agree_on_their_new_course(otec):
    result = load_people(person(1), person(2, codigo_accion="0600002", curso="OTRO NOMBRE"))
    [(line, column, reason)] = troubles(result)
    assert (line, column) == (3, "curso")
    assert "La línea 2 dice «APLICACIÓN DE EXCEL» de este curso" in reason
    assert Action.objects.get().code == "0600001"


def test_a_course_that_only_rejected_rows_name_is_not_created(otec):
    load_people(person(1, rut="1-1"), person(2, correo="x", codigo_accion="0600002"))
    assert not Course.objects.exists()
    assert not Action.objects.exists()


def test_an_otec_must_be_registered_and_named_where_there_are_several():
    [(_, column, reason)] = troubles(load_people(person(1)))
    assert column == "rut_otec"
    assert "No hay ningún OTEC" in reason
    OtecFactory()
    OtecFactory()
    _, column, _, reason = rejected_again(person(1))
    assert column == "codigo_accion"
    assert "complete en la fila: rut_otec." in reason
    _, column, _, reason = rejected_again(person(1, rut_otec=make_rut(77_777_777)))
    assert column == "rut_otec"
    assert "No hay un OTEC con ese RUT" in reason


def test_the_report_opens_in_excel_and_runs_no_formula(otec):
    out = io.StringIO()
    load(csv_bytes(table(person(1, correo="=HYPERLINK(1)"), person(2, rut="1-1"))), report=out)
    text = out.getvalue()
    assert text.startswith("\ufefflinea;columna;valor;motivo\r\n")
    rows = list(csv.reader(io.StringIO(text[1:]), delimiter=";"))
    assert rows[1][:3] == ["2", "correo", "'=HYPERLINK(1)"]
    assert rows[2][:3] == ["3", "rut", "1-1"]
