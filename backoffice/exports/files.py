"""An export's rows as CSV that Excel opens right, and as XLSX; a row at a time, whatever their
number."""

import csv
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import IO, Any, NamedTuple

import xlsxwriter

from attendance.screens import as_hours
from backoffice.exports.attendance import ENVIRONMENTS, Row, local
from usecap_sence.spreadsheets import BOM, harmless

MAX_SHEET_ROWS = 1_048_576
"""Rows of an XLSX sheet, the header included."""
LINES_AT_ONCE = 1_000


class Column(NamedTuple):
    title: str
    width: int
    value: Callable[[Row, datetime], Any]
    """Gives a text, a number, a datetime without zone or None; a duration, in seconds."""
    is_duration: bool = False


def _moment(name: str) -> Callable[[Row, datetime], Any]:
    def value(row: Row, now: datetime) -> datetime | None:
        moment = getattr(row, name)
        return moment and local(moment)

    return value


def _seconds(row: Row, now: datetime) -> int | None:
    # Of what isn't closed nobody knows yet how long it was.
    return int(row.duration(now).total_seconds()) if row.closed_at else None


COLUMNS = [
    Column("RUN", 12, lambda row, now: row.run),
    Column("Nombres", 22, lambda row, now: row.given_names),
    Column("Apellidos", 22, lambda row, now: row.surnames),
    Column("OTEC", 22, lambda row, now: row.otec_name),
    Column("Curso", 40, lambda row, now: row.course_name),
    Column("Código SENCE", 14, lambda row, now: row.sence_code),
    Column("Acción", 14, lambda row, now: row.action_code),
    Column("Línea", 6, lambda row, now: row.training_line),
    Column("Ambiente", 11, lambda row, now: ENVIRONMENTS[row.environment]),
    Column("IdSesionSence", 24, lambda row, now: row.sence_session_id),
    Column("Solicitada", 19, _moment("requested_at")),
    Column("Abierta", 19, _moment("opened_at")),
    Column("Cerrada", 19, _moment("closed_at")),
    Column("Duración", 10, _seconds, is_duration=True),
    Column("Estado", 30, lambda row, now: row.state_in_words(now)),
    Column("Último error", 12, lambda row, now: row.error_glosa),
    Column("Reemplazada", 19, _moment("superseded_at")),
    Column("Resuelta", 19, _moment("resolved_at")),
    Column("Motivo de la resolución", 30, lambda row, now: row.resolution),
]
TITLES = [column.title for column in COLUMNS]


class _Line:
    """A file that keeps what was last written to it, for csv.writer."""

    def __init__(self) -> None:
        self.written: list[str] = []

    def write(self, text: str) -> None:
        self.written.append(text)

    def take(self) -> bytes:
        text = "".join(self.written)
        self.written.clear()
        return text.encode()


def csv_chunks(rows: Iterable[Row], now: datetime) -> Iterator[bytes]:
    """Give the file piece by piece: UTF-8 with BOM, `;`, dates of Chile as dd-mm-yyyy."""
    line = _Line()
    writer = csv.writer(line, delimiter=";", lineterminator="\r\n")
    line.write(BOM)
    writer.writerow(TITLES)
    for number, row in enumerate(rows, start=1):
        writer.writerow([_as_text(column, column.value(row, now)) for column in COLUMNS])
        if number % LINES_AT_ONCE == 0:
            yield line.take()
    yield line.take()


def _as_text(column: Column, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return harmless(value)
    if isinstance(value, datetime):
        return f"{value:%d-%m-%Y %H:%M:%S}"
    return as_hours(value) if column.is_duration else str(value)


def write_xlsx(rows: Iterable[Row], file: IO[bytes], now: datetime) -> None:
    """Write the workbook to an open binary file; rows beyond a sheet's limit go on in another."""
    book = xlsxwriter.Workbook(file, {"constant_memory": True})
    formats = {
        "header": book.add_format({"bold": True}),
        "moment": book.add_format({"num_format": "dd-mm-yyyy hh:mm:ss"}),
        "duration": book.add_format({"num_format": "[h]:mm:ss"}),
    }
    sheet, line = _new_sheet(book, formats["header"]), 0
    for row in rows:
        line += 1
        if line == MAX_SHEET_ROWS:
            sheet, line = _new_sheet(book, formats["header"]), 1
        for place, column in enumerate(COLUMNS):
            _write(sheet, (line, place), column, column.value(row, now), formats)
    book.close()


def _new_sheet(book: Any, header: Any) -> Any:
    number = len(book.worksheets()) + 1
    sheet = book.add_worksheet("Asistencia" if number == 1 else f"Asistencia {number}")
    sheet.freeze_panes(1, 1)
    for place, column in enumerate(COLUMNS):
        sheet.set_column(place, place, column.width)
        sheet.write_string(0, place, column.title, header)
    return sheet


def _write(sheet: Any, cell: tuple[int, int], column: Column, value: Any, formats: dict) -> None:
    if value is None or value == "":
        return
    if isinstance(value, str):
        # As a text, whatever it begins with: no formula, and codes keep their zeros.
        sheet.write_string(*cell, value)
    elif isinstance(value, datetime):
        sheet.write_datetime(*cell, value, formats["moment"])
    elif column.is_duration:
        sheet.write_number(*cell, value / 86_400, formats["duration"])
    else:
        sheet.write_number(*cell, value)
