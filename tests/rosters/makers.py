"""Real roster files of every kind, and the people in them, all invented."""

import csv
import io
from datetime import date
from typing import Any

import openpyxl
import xlwt
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import Table, TableCell, TableRow
from odf.text import P

from courses.rosters.load import RosterResult, load_roster
from courses.rosters.sources import receive
from tests.factories import make_rut

COLUMNS = (
    "rut", "nombres", "apellidos", "correo", "curso", "codigo_sence", "codigo_accion", "linea",
    "inicio", "termino", "becario", "ambiente", "rut_otec",
)  # fmt: skip


def person(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A row that loads on its own, where there is one OTEC."""
    row = {
        "rut": make_rut(11_000_000 + number),
        "nombres": "María José",
        "apellidos": f"Muñoz Pérez {number}",
        "correo": f"alumna{number}@example.com",
        "curso": "APLICACIÓN DE EXCEL",
        "codigo_sence": "0012345678",
        "codigo_accion": "0600001",
        "linea": "3",
        "inicio": "01-03-2026",
        "termino": "31-03-2026",
        "becario": "no",
        "ambiente": "prueba",
        "rut_otec": "",
    }
    return row | changes


def table(*people: dict[str, Any], columns: tuple[str, ...] = COLUMNS) -> list[list[Any]]:
    """A header and the rows of `people`."""
    return [list(columns), *([row.get(column, "") for column in columns] for row in people)]


def csv_bytes(rows: list[list[Any]], delimiter=";", encoding="utf-8", **options) -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, **options).writerows(rows)
    return out.getvalue().encode(encoding)


def xlsx_bytes(rows: list[list[Any]], title: str = "Inscritos") -> bytes:
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    return saved(book)


def xls_bytes(rows: list[list[Any]]) -> bytes:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Inscritos")
    as_date = xlwt.easyxf(num_format_str="DD-MM-YYYY")
    for line, row in enumerate(rows):
        for position, cell in enumerate(row):
            style = [as_date] if isinstance(cell, date) else []
            sheet.write(line, position, cell, *style)
    return saved(book)


def ods_bytes(rows: list[list[Any]]) -> bytes:
    document = OpenDocumentSpreadsheet()
    sheet = Table(name="Inscritos")
    for row in rows:
        line = TableRow()
        for cell in row:
            line.addElement(ods_cell(cell))
        sheet.addElement(line)
    document.spreadsheet.addElement(sheet)
    return saved(document)


def ods_cell(value: Any) -> TableCell:
    if isinstance(value, date):
        return TableCell(valuetype="date", datevalue=value.isoformat())
    if isinstance(value, (int, float)):
        return TableCell(valuetype="float", value=str(value))
    cell = TableCell(valuetype="string")
    cell.addElement(P(text=value))
    return cell


def saved(document: Any) -> bytes:
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def load(data: bytes, **options: Any) -> RosterResult:
    """Load a roster's bytes through the same door as the command."""
    with receive([data], "roster") as source:
        return load_roster(source, **options)


def load_people(*people: dict[str, Any], **options: Any) -> RosterResult:
    return load(csv_bytes(table(*people)), **options)


def troubles(result: RosterResult) -> list[tuple[int, str, str]]:
    """Where and why rows were rejected: (line, column, reason)."""
    return [(line, trouble.column, trouble.reason) for line, trouble in result.troubles]
