"""Spreadsheets of texts: written so that Excel opens them right and runs nothing, read back.

XLSX cells are written as text. In a CSV, a cell that a spreadsheet would take for a formula gets an
apostrophe before it, which is taken away when it is read.
"""

import csv
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterable
from typing import Any

import xlsxwriter
from import_export.formats.base_formats import Format
from python_calamine import CalamineError, CalamineWorkbook
from tablib import Dataset

from usecap_sence.spreadsheets import as_cell, as_typed, harmless

MAX_BYTES = 512 * 1024
MAX_UNPACKED = 20 * 2**20
MAX_ROWS, MAX_COLUMNS = 2000, 50
CELL = re.compile(rb"""\sr=["']([A-Z]+)(\d+)["']""")
WORKBOOK = b"PK\x03\x04"
WIDE, NARROW = 60, 22
TOO_LARGE = f"El archivo supera los {MAX_BYTES // 1024} KB que se aceptan."
REMEDY = "Guárdelo como Libro de Excel (.xlsx) o como CSV."


class TableError(ValueError):
    """A file that can't be read as a table; its words are for who uploaded it."""


class Xlsx(Format):
    """An Excel workbook, to download."""

    def get_title(self) -> str:
        return "Excel (.xlsx)"

    def get_extension(self) -> str:
        return "xlsx"

    def get_content_type(self) -> str:
        return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

    def can_export(self) -> bool:
        return True

    def export_data(self, dataset: Dataset, **kwargs: Any) -> bytes:
        out = io.BytesIO()
        with xlsxwriter.Workbook(out, {"in_memory": True}) as workbook:
            sheet = workbook.add_worksheet("Catálogo")
            styles = [workbook.add_format({"bold": True}), workbook.add_format({"text_wrap": True})]
            for line, row in enumerate([dataset.headers, *dataset]):
                for column, cell in enumerate(row):
                    sheet.write_string(line, column, as_cell(str(cell)), styles[min(line, 1)])
            for column, name in enumerate(dataset.headers):
                sheet.set_column(column, column, WIDE if name in WIDE_COLUMNS else NARROW)
            sheet.freeze_panes(1, 1)
        return out.getvalue()


WIDE_COLUMNS = ("descripcion", "solucion")


class Csv(Format):
    """A CSV that Excel opens in columns: semicolons, and a mark that says that it is UTF-8."""

    def get_title(self) -> str:
        return "CSV (separado por ;)"

    def get_extension(self) -> str:
        return "csv"

    def get_content_type(self) -> str:
        return "text/csv; charset=utf-8"

    def can_export(self) -> bool:
        return True

    def export_data(self, dataset: Dataset, **kwargs: Any) -> bytes:
        out = io.StringIO()
        writer = csv.writer(out, delimiter=";")
        writer.writerows(
            [harmless(str(cell)) for cell in row] for row in [dataset.headers, *dataset]
        )
        return out.getvalue().encode("utf-8-sig")


class Table(Format):
    """Either of them, to upload; which one is found from its content. `columns` are those that it
    may have, the first of them always."""

    columns: tuple[str, ...] = ()

    def __init__(self, encoding: str | None = None) -> None:
        """Take the encoding that the library gives to every format; ours is found from the file."""

    def get_title(self) -> str:
        return "Excel o CSV"

    def can_import(self) -> bool:
        return True

    def create_dataset(self, in_stream: bytes, **kwargs: Any) -> Dataset:
        """Return the table with its columns by their names. Raises TableError.

        Row number n of it is line n + 1 of the sheet, blank rows included.
        """
        if len(in_stream) > MAX_BYTES:
            raise TableError(TOO_LARGE)
        is_workbook = in_stream.startswith(WORKBOOK)
        rows = from_workbook(in_stream) if is_workbook else from_csv(in_stream)
        while rows and not any(rows[-1]):
            rows.pop()
        if len(rows) < 2:
            raise TableError("El archivo no trae filas. Escríbalas debajo de los encabezados.")
        if len(rows) > MAX_ROWS:
            raise TableError(f"El archivo trae más de {MAX_ROWS} filas. Divídalo en varios.")
        return self._dataset(rows)

    def _dataset(self, rows: list[list[str]]) -> Dataset:
        headers = [plain(name) for name in rows[0]]
        while headers and not headers[-1]:
            headers.pop()
        check_headers(headers, self.columns)
        dataset = Dataset(headers=headers)
        for line, row in enumerate(rows[1:], start=2):
            if any(row[len(headers) :]):
                raise TableError(
                    f"La línea {line} tiene más celdas que columnas hay. Si un texto lleva el "
                    "separador, póngalo entre comillas."
                )
            dataset.append([*row[: len(headers)], *[""] * (len(headers) - len(row))])
        return dataset


def check_headers(headers: list[str], columns: tuple[str, ...]) -> None:
    """Raise TableError for a header that a table of these columns doesn't have, or lacks."""
    said = f"La primera línea lleva los nombres de las columnas: {', '.join(columns)}."
    if columns[0] not in headers:
        raise TableError(f"Falta la columna «{columns[0]}». {said}")
    for name in headers:
        if name not in columns:
            raise TableError(f"No se conoce la columna «{name}». {said}")
        if headers.count(name) > 1:
            raise TableError(f"La columna «{name}» está repetida. Deje una sola.")


def plain(name: str) -> str:
    """Return a column's name without accents, capitals and spaces."""
    letters = unicodedata.normalize("NFKD", name.strip().casefold())
    kept = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return re.sub(r"\s+", "_", kept)


def from_csv(data: bytes) -> list[list[str]]:
    """Return the rows of a CSV. Raises TableError."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    if "\0" in text or not text.strip():
        raise TableError(f"El archivo está vacío o no es una tabla. {REMEDY}")
    first = text.lstrip().partition("\n")[0]
    delimiter = max(";,\t", key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise TableError(f"El archivo no se puede leer como CSV. {REMEDY}") from error
    return [[as_typed(cell).strip() for cell in row] for row in rows]


def from_workbook(data: bytes) -> list[list[str]]:
    """Return the rows of a workbook's first sheet. Raises TableError."""
    try:
        check_size(data)
        rows: Iterable[list[Any]] = (
            CalamineWorkbook.from_filelike(io.BytesIO(data))
            .get_sheet_by_index(0)
            .to_python(skip_empty_area=False)
        )
    except (CalamineError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise TableError(f"El archivo está dañado o no es una planilla. {REMEDY}") from error
    return [[as_text(cell).strip() for cell in row] for row in rows]


def check_size(data: bytes) -> None:
    """Raise TableError where the reader, which makes a cell of every gap, would need too much."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(part.file_size for part in archive.infolist()) > MAX_UNPACKED:
            raise TableError("La planilla es demasiado grande. Deje en ella solo el catálogo.")
        for part in archive.infolist():
            if part.filename.startswith("xl/worksheets/") and is_far(archive.read(part)):
                raise TableError(
                    "La planilla tiene celdas muy lejos de la tabla. Copie la tabla a una nueva."
                )


def is_far(sheet: bytes) -> bool:
    """Return whether a sheet has a cell beyond what a catalogue needs."""
    return any(
        int(line) > MAX_ROWS or len(column) > 2 or column_number(column) > MAX_COLUMNS
        for column, line in CELL.findall(sheet)
    )


def column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number


def as_text(cell: Any) -> str:
    """A cell as people read it: 311.0 is "311", a true is "sí"."""
    if isinstance(cell, bool):
        return "sí" if cell else "no"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
