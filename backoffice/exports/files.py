"""An export's rows as CSV that Excel opens right, and as XLSX; a row at a time, whatever their
number."""

from collections.abc import Callable, Generator, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import IO, Any

from django.db import connection, transaction
from django.db.models import Func, TextField, Value
from django.db.models.functions import NullIf
from psycopg import ClientCursor

from attendance.models import AttendanceSessionQuerySet
from backoffice.exports.attendance import COLUMNS, TITLES, Kind, query
from usecap_sence.spreadsheets import BOM, as_cell, harmless_in_sql

CSV, XLSX = "csv", "xlsx"
ROWS_AT_ONCE = 5_000
"""Rows that the database's cursor gives at a time: what an XLSX holds in memory."""
LINES_AT_ONCE = 1_000
MAX_SHEET_ROWS = 1_048_576
"""Rows of an XLSX sheet, the header included."""


class ToChar(Func):
    function = "to_char"
    output_field = TextField()


class Interval(Func):
    """A duration without days: beyond 24 hours it has more hours."""

    template = "make_interval(secs => extract(epoch FROM %(expressions)s))"


# COPY writes an empty text as "", and nothing for NULL.
AS_TEXT: dict[Kind, Callable[[Any], Any]] = {
    Kind.TEXT: lambda value: NullIf(harmless_in_sql(value), Value(""), output_field=TextField()),
    Kind.WORDS: lambda value: value,
    Kind.NUMBER: lambda value: value,
    Kind.MOMENT: lambda value: ToChar(value, Value("DD-MM-YYYY HH24:MI:SS")),
    Kind.DURATION: lambda value: ToChar(Interval(value), Value("FMHH24:MI:SS")),
}


def csv_rows(sessions: AttendanceSessionQuerySet, now: datetime) -> Generator[bytes]:
    """Give the lines of a CSV, its header aside, as PostgreSQL writes them.

    The COPY lives in a transaction, which ends with the iteration: whoever stops early cancels it.
    """
    found = query(sessions, now, [AS_TEXT[column.kind](column.value) for column in COLUMNS])
    # For a queryset that can have no rows Django would make no SQL.
    compiler = found.query.get_compiler(connection=connection, elide_empty=False)
    sql, parameters = compiler.as_sql()
    statement = f"COPY ({sql}) TO STDOUT (FORMAT csv, DELIMITER ';')"
    with (
        transaction.atomic(),
        connection.cursor() as cursor,
        connection.wrap_database_errors,
        cursor.copy(ClientCursor(connection.connection).mogrify(statement, parameters)) as copy,
    ):
        for line in copy:
            yield b"%b\r\n" % line[:-1]


def csv_chunks(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Give the file piece by piece: UTF-8 with BOM, `;`, dates of Chile as dd-mm-yyyy."""
    yield f"{BOM}{';'.join(TITLES)}\r\n".encode()
    lines = iter(lines)
    while some := list(islice(lines, LINES_AT_ONCE)):
        yield b"".join(some)


def xlsx_rows(sessions: AttendanceSessionQuerySet, now: datetime) -> Generator[tuple]:
    """Give the values of each row's cells from a cursor of the database's.

    The cursor lives in a transaction, which ends with the iteration: all rows are of one moment.
    """
    found = query(sessions, now, [column.value for column in COLUMNS])
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Every row is wanted: without it PostgreSQL plans for the first tenth of them, which
            # takes twice as long for all.
            cursor.execute("SET LOCAL cursor_tuple_fraction = 1")
        yield from found.iterator(chunk_size=ROWS_AT_ONCE)


ROWS = {CSV: csv_rows, XLSX: xlsx_rows}


def write_xlsx(rows: Iterable[tuple], file: IO[bytes]) -> None:
    """Write the workbook to an open binary file; rows beyond a sheet's limit go on in another."""
    # A command that writes a CSV need not wait for it; pages have it from the uploads'.
    import xlsxwriter  # noqa: PLC0415

    book = xlsxwriter.Workbook(file, {"constant_memory": True})
    header = book.add_format({"bold": True})
    formats = {
        Kind.MOMENT: book.add_format({"num_format": "dd-mm-yyyy hh:mm:ss"}),
        Kind.DURATION: book.add_format({"num_format": "[h]:mm:ss"}),
    }
    sheet, line = _new_sheet(book, header), 0
    for row in rows:
        line += 1
        if line == MAX_SHEET_ROWS:
            sheet, line = _new_sheet(book, header), 1
        for place, value in enumerate(row):
            _write(sheet, (line, place), value, formats.get(COLUMNS[place].kind))
    book.close()


def _new_sheet(book: Any, header: Any) -> Any:
    number = len(book.worksheets()) + 1
    sheet = book.add_worksheet("Asistencia" if number == 1 else f"Asistencia {number}")
    sheet.freeze_panes(1, 1)
    for place, column in enumerate(COLUMNS):
        sheet.set_column(place, place, column.width)
        sheet.write_string(0, place, column.title, header)
    return sheet


def _write(sheet: Any, cell: tuple[int, int], value: Any, time_format: Any) -> None:
    if value is None or value == "":
        return
    if isinstance(value, str):
        # As a text, whatever it begins with: no formula, and codes keep their zeros.
        sheet.write_string(*cell, as_cell(value))
    elif time_format:
        sheet.write_datetime(*cell, value, time_format)
    else:
        sheet.write_number(*cell, value)
