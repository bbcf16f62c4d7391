"""The students without a session as an XLSX file."""

import tempfile
from typing import IO, Any

from django.utils import timezone
from xlsxwriter import Workbook

from backoffice import board
from courses.models import Action
from usecap_sence.spreadsheets import as_cell

HEADINGS = {
    "RUN": 12,
    "Apellidos": 28,
    "Nombres": 28,
    "Correo": 34,
    "Último intento": 18,
    "Error del último intento": 24,
    "Último correo": 18,
}
"""The columns and their widths, in characters."""


def without_session_xlsx(action: Action) -> IO[bytes]:
    """Return the file, at its beginning, with one row for each student without a session.

    One row at a time is in memory. Every text is written as text: none becomes a formula.
    """
    file = tempfile.TemporaryFile()  # noqa: SIM115 - whoever asked for it closes it
    with Workbook(file, {"constant_memory": True, "strings_to_formulas": False}) as book:
        bold = book.add_format({"bold": True, "bg_color": "#12326B", "font_color": "#FFFFFF"})
        moment = book.add_format({"num_format": "dd-mm-yyyy hh:mm"})
        sheet = book.add_worksheet("Sin ninguna sesión")
        sheet.freeze_panes(1, 0)
        for column, (heading, width) in enumerate(HEADINGS.items()):
            sheet.set_column(column, column, width)
            sheet.write_string(0, column, heading, bold)
        students = board.with_story(board.without_session(action)).iterator(chunk_size=1000)
        for line, enrolment in enumerate(students, start=1):
            for column, value in enumerate(_cells(enrolment)):
                _write(sheet, line, column, value, moment)
    file.seek(0)
    return file


def _cells(enrolment: Any) -> list[Any]:
    student: Any = enrolment.student
    return [
        student.run,
        student.surnames,
        student.given_names,
        student.email,
        enrolment.tried_at,
        enrolment.last_error,
        enrolment.written_at,
    ]


def _write(sheet: Any, line: int, column: int, value: Any, moment: Any) -> None:
    if isinstance(value, str):
        sheet.write_string(line, column, as_cell(value))
    elif value:
        # A spreadsheet knows no time zones: Chile's clock is what its readers expect.
        sheet.write_datetime(line, column, timezone.localtime(value).replace(tzinfo=None), moment)
