"""Any kind of file that people have, found from its content."""

import io
import zipfile
from datetime import date

import openpyxl
import pytest

from courses.models import Action, Course, Enrolment, Student
from courses.rosters.errors import RosterError
from tests.rosters.makers import (
    COLUMNS,
    csv_bytes,
    load,
    ods_bytes,
    person,
    saved,
    table,
    troubles,
    xls_bytes,
    xlsx_bytes,
)

pytestmark = pytest.mark.django_db
ROWS = table(person(1, becario="sí"), person(2))


def assert_loaded(result):
    assert troubles(result) == []
    assert (result.read, result.created) == (2, 2)
    student = Student.objects.get(run=person(1)["rut"])
    assert (student.given_names, student.surnames) == ("María José", "Muñoz Pérez 1")
    assert student.email == "alumna1@example.com"
    course = Course.objects.get()
    assert (course.name, course.sence_code) == ("APLICACIÓN DE EXCEL", "0012345678")
    action = Action.objects.get()
    assert (action.code, action.environment) == ("0600001", "test")
    assert (action.starts_on, action.ends_on) == (date(2026, 3, 1), date(2026, 3, 31))
    exempt = Enrolment.objects.order_by("student__run").values_list("is_exempt", flat=True)
    assert list(exempt) == [True, False]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_csv_loads_in_each_dialect_and_encoding(otec, delimiter, encoding):
    assert_loaded(load(csv_bytes(ROWS, delimiter, encoding)))


@pytest.mark.parametrize("line_end", ["\r\n", "\n", "\r"])
def test_csv_loads_with_each_end_of_line_and_every_field_quoted(otec, line_end):
    assert_loaded(load(csv_bytes(ROWS, lineterminator=line_end, quoting=1)))


@pytest.mark.parametrize("make", [xlsx_bytes, xls_bytes, ods_bytes])
def test_workbooks_load(otec, make):
    assert_loaded(load(make(ROWS)))


@pytest.mark.parametrize("make", [xlsx_bytes, xls_bytes, ods_bytes])
def test_a_workbooks_own_dates_and_numbers_are_understood(otec, make):
    dates = {"inicio": date(2026, 3, 1), "termino": date(2026, 3, 31)}
    rows = table(person(1, codigo_accion=6000001, linea=3, **dates))
    assert troubles(load(make(rows))) == []
    action = Action.objects.get()
    assert (action.code, action.starts_on, action.ends_on) == ("6000001", *dates.values())


def test_quoted_fields_may_hold_the_delimiter_quotes_and_line_breaks(otec):
    rows = table(person(1, curso='EXCEL; "AVANZADO"', nombres="Ana\nMaría"))
    assert troubles(load(csv_bytes(rows))) == []
    assert Course.objects.get().name == 'EXCEL; "AVANZADO"'
    assert Student.objects.get().given_names == "Ana María"


def test_blank_lines_and_ragged_rows_do_no_harm(otec):
    lines = csv_bytes(ROWS).decode().splitlines()
    short = f"{person(3)['rut']};Ana;;;;;0600001"
    text = "\n".join([lines[0], "", ";;;;", lines[1] + ";;;", lines[2], "   ", short, ""])
    result = load(text.encode())
    assert troubles(result) == []
    assert (result.read, result.created) == (3, 3)


def test_a_row_with_more_cells_than_the_header_is_rejected_at_its_line(otec):
    text = csv_bytes(ROWS).decode() + "\n" + ";".join("x" * 15)
    result = load(text.encode())
    [(line, column, reason)] = troubles(result)
    assert (line, column) == (5, "")
    assert "más celdas que el encabezado" in reason


@pytest.mark.parametrize("broken", ['{rut};"Ana;;;;;0600001', '{rut};"Ana;;;;;"0600001"x'])
def test_a_quote_that_never_closes_spoils_its_own_line_alone(otec, broken):
    lines = csv_bytes(ROWS).decode().splitlines()
    lines.insert(2, broken.format(rut=person(9)["rut"]))
    lines += [lines[-1].replace(person(2)["rut"], person(n)["rut"]) for n in (5, 6)]
    result = load("\n".join(lines).encode())
    assert result.created == 4
    assert {line for line, _, _ in troubles(result)} == {3}


def test_quotes_in_the_middle_of_a_name_are_read_as_excel_does(otec):
    text = csv_bytes(table(person(1, nombres="NOMBRE"))).decode()
    assert troubles(load(text.replace("NOMBRE", 'Ana "Anita" Soto').encode())) == []
    assert Student.objects.get().given_names == 'Ana "Anita" Soto'


def test_a_title_and_blank_lines_above_the_header_are_passed_over(otec):
    above = [["Listado de inscritos 2026"], [], ["", "", "USECAP"], []]
    result = load(csv_bytes([*above, *table(person(1), person(1))]))
    assert [line for line, _, _ in troubles(result)] == [7]
    assert "línea 6" in troubles(result)[0][2]
    load(xlsx_bytes([*above, *table(person(2), person(2))]))
    assert Enrolment.objects.count() == 2


def test_the_line_told_is_the_spreadsheets_own(otec):
    rows = [["Título"], [], *table(person(1)), [], ["11111111-2", *[""] * 5, "0600001"]]
    [(line, column, _)] = troubles(load(xlsx_bytes(rows)))
    assert (line, column) == (6, "rut")


def test_the_first_sheet_with_a_header_is_read_and_hidden_ones_are_not(otec):
    book = openpyxl.Workbook()
    book.active.title = "Instrucciones"
    book.active.append(["Llene la hoja siguiente"])
    hidden = book.create_sheet("Antigua")
    hidden.sheet_state = "hidden"
    for row in table(person(7)):
        hidden.append(row)
    for row in ROWS:
        (book["Datos"] if "Datos" in book.sheetnames else book.create_sheet("Datos")).append(row)
    result = load(saved(book))
    assert_loaded(result)
    assert result.sheet == "Datos"


def test_text_that_was_already_misread_is_rejected_and_not_stored(otec):
    result = load(csv_bytes(table(person(1, nombres="MarÃ\xada JosÃ©"))))
    [(_, column, reason)] = troubles(result)
    assert column == "nombres"
    assert "letras ilegibles" in reason


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "vacío"),
        (b"\xef\xbb\xbf \r\n\r\n", "vacío"),
        (b"%PDF-1.7 ...", "un PDF"),
        (b"\x89PNG\r\n\x1a\n....", "una imagen"),
        (b"\xff\xd8\xff\xe0", "una imagen"),
        (b"\x1f\x8b\x08\x00", "comprimido"),
        (b"<html><table><tr><td>rut</td></tr></table>", "página web"),
        (b"\xef\xbb\xbf\r\n<?xml version='1.0'?><Workbook/>", "XML"),
        (b"rut;codigo_accion\n\0\0\0", "no es una tabla"),
        (b"PK\x03\x04" + b"x" * 200, "No se puede leer la planilla"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "No se puede leer la planilla"),
        (b"rut;codigo_accion\n", "ninguna fila"),
        (b"rut;codigo_accion\n;\n\n", "ninguna fila"),
        (xlsx_bytes([]), "vacía"),
        (xlsx_bytes([list(COLUMNS)]), "ninguna fila"),
        (b"x" * 200_000, "demasiado larga"),
    ],
)
def test_what_is_not_a_table_is_refused_with_a_sentence(data, said):
    with pytest.raises(RosterError, match=said):
        load(data)


def test_a_zip_that_holds_no_workbook_is_refused():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("inscritos.csv", csv_bytes(ROWS))
    with pytest.raises(RosterError, match="No se puede leer la planilla"):
        load(out.getvalue())


@pytest.mark.parametrize("last_cell", ["XFD20000", "XFD1048576"])
def test_a_workbook_that_would_take_all_memory_ends_its_reader_and_not_us(last_cell):
    book = openpyxl.Workbook()
    book.active["A1"] = "rut"
    book.active[last_cell] = " "
    with pytest.raises(RosterError, match="demasiado grande"):
        load(saved(book))


def test_a_workbook_cut_short_is_refused(otec):
    with pytest.raises(RosterError, match="No se puede leer la planilla"):
        load(xlsx_bytes(ROWS)[:-3000])
