"""Tables out of bytes: the kind of file is found from its content, and the rows come as text.

CSV is read as a stream; a workbook is read by a process of its own (workbook.py).
"""

import codecs
import csv
import json
import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import chain, groupby, islice
from operator import itemgetter
from typing import IO, NamedTuple

from courses.rosters import workbook
from courses.rosters.columns import Header, find_header, known_columns
from courses.rosters.errors import RosterError
from courses.rosters.sources import CHUNK, RosterSource

HEADER_ROWS = 20
MAX_LINE = 100_000
MAX_LINES_IN_RECORD = 10
DELIMITERS = ";,\t|"
UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
WORKBOOK_MARKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
NOT_TABLES = {
    b"%PDF": "un PDF",
    b"\x89PNG": "una imagen",
    b"\xff\xd8\xff": "una imagen",
    b"GIF8": "una imagen",
    b"BM": "una imagen",
    b"\x1f\x8b": "un archivo comprimido",
    b"7z\xbc\xaf\x27\x1c": "un archivo comprimido",
    b"Rar!": "un archivo comprimido",
    b"PK\x05\x06": "un archivo comprimido",
    b"{\\rtf": "un documento de texto",
}
MARKUP = (b"<!doctype", b"<html", b"<table", b"<head", b"<body", b"<meta", b"<style", b"<?xml")
REMEDY = "Guárdelo como Libro de Excel (.xlsx) o como CSV."
UNCLOSED_QUOTE = "La fila abre unas comillas que no se cierran. Corrija las comillas de esta línea."


class Record(NamedTuple):
    """A row that isn't blank: its line in the file, its cells, or why they couldn't be told."""

    line: int
    cells: list[str]
    problem: str = ""


@dataclass
class Table:
    """A roster's rows below its header. `done()` says how many of `total` units have been read."""

    header: Header
    rows: Iterator[Record]
    total: int
    unit: str
    done: Callable[[], int]
    sheet: str = ""


@contextmanager
def open_table(source: RosterSource) -> Iterator[Table]:
    """Open a source's table at its first row of data. Raises RosterError, now or while reading."""
    start = source.file.read(CHUNK)
    source.file.seek(0)
    refuse_other_kinds(start)
    if start.startswith(WORKBOOK_MARKS):
        with workbook_messages(source.file) as messages:
            yield workbook_table(messages)
    else:
        yield csv_table(source, encoding_of(source.file))


def refuse_other_kinds(start: bytes) -> None:
    text = start.removeprefix(codecs.BOM_UTF8).lstrip()
    if not text:
        raise RosterError("El archivo está vacío. Indique uno con encabezado y filas.")
    for mark, kind in NOT_TABLES.items():
        if start.startswith(mark):
            raise RosterError(f"El archivo es {kind}, no una tabla. {REMEDY}")
    if text[:20].lower().startswith(MARKUP):
        raise RosterError(
            f"El archivo es una página web o XML, aunque su nombre diga otra cosa. {REMEDY}"
        )
    if b"\0" in start and not start.startswith((*WORKBOOK_MARKS, *UTF16_MARKS)):
        raise RosterError(f"El archivo no es una tabla de texto ni una planilla. {REMEDY}")


# --- CSV --------------------------------------------------------------------------------------


def encoding_of(file: IO[bytes]) -> str:
    """UTF-8 if all of it is, with or without its mark; else Windows-1252, as Excel writes it."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        if file.read(2) in UTF16_MARKS:
            return "utf-16"
        file.seek(0)
        while chunk := file.read(CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    finally:
        file.seek(0)
    return "utf-8-sig"


def csv_table(source: RosterSource, encoding: str) -> Table:
    lines = text_lines(source.file, encoding)
    head = list(islice(lines, 5 * HEADER_ROWS))
    delimiter = best_delimiter(head)
    header = find_header(first_rows(head, delimiter))
    rows = csv_records(chain(head, lines), delimiter)
    return Table(
        header,
        (row for row in rows if row.line > header.line),
        total=source.size,
        unit="B",
        done=source.file.tell,
    )


def text_lines(file: IO[bytes], encoding: str) -> Iterator[str]:
    text = TextIOWrapper(file, encoding, errors="replace")
    try:
        while line := text.readline(MAX_LINE):
            if len(line) == MAX_LINE:
                raise RosterError(f"El archivo tiene una línea demasiado larga. {REMEDY}")
            yield line
    finally:
        text.detach()


def first_rows(head: list[str], delimiter: str) -> list[tuple[int, list[str]]]:
    rows = (row for row in csv_records(head, delimiter) if not row.problem)
    return [(row.line, row.cells) for row in islice(rows, HEADER_ROWS)]


def best_delimiter(head: list[str]) -> str:
    """The delimiter under which some row names the most columns that we know."""

    def columns(delimiter: str) -> int:
        rows = first_rows(head, delimiter)
        return max((len(known_columns(cells)) for _, cells in rows), default=0)

    return max(DELIMITERS, key=columns)


def csv_records(lines: Iterable[str], delimiter: str) -> Iterator[Record]:
    """Split lines into the records that aren't blank."""
    lines, ahead, number = iter(lines), deque[str](), 1
    while True:
        ahead.extend(islice(lines, MAX_LINES_IN_RECORD - len(ahead)))
        if not ahead:
            return
        record, taken = first_record(number, ahead, delimiter)
        for _ in range(taken):
            ahead.popleft()
        number += taken
        if record.problem or any(map(str.strip, record.cells)):
            yield record


def first_record(number: int, ahead: Sequence[str], delimiter: str) -> tuple[Record, int]:
    """The record that starts at `ahead[0]`, and how many of the lines it takes.

    A quote that never closes, or that closes in another row, spoils its own line and not the rest.
    """
    if '"' not in ahead[0]:
        return Record(number, ahead[0].rstrip("\n").split(delimiter)), 1
    for taken in range(1, len(ahead) + 1):
        try:
            cells = next(csv.reader(list(islice(ahead, taken)), delimiter=delimiter, strict=True))
        except csv.Error as error:
            if "unexpected end" in str(error):
                continue
            if taken == 1:
                # Quotes within a quoted name: read as Excel does.
                return Record(number, next(csv.reader([ahead[0]], delimiter=delimiter))), 1
            break
        if any("\n" in cell and delimiter in cell for cell in cells):
            break
        return Record(number, cells), taken
    return Record(number, [], UNCLOSED_QUOTE), 1


# --- Workbooks --------------------------------------------------------------------------------


@contextmanager
def workbook_messages(file: IO[bytes]) -> Iterator[Iterator[list]]:
    """What the reader's process says, as a stream. Raises RosterError when it fails."""
    file.flush()
    os.lseek(file.fileno(), 0, os.SEEK_SET)
    process = subprocess.Popen(  # noqa: S603 (our own program, no argument of the user's)
        [sys.executable, "-I", workbook.__file__],
        stdin=file,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with process:
        try:
            yield checked_messages(process)
        finally:
            process.kill()


def checked_messages(process: subprocess.Popen) -> Iterator[list]:
    yield from map(json.loads, process.stdout or ())
    status = process.wait()
    if status == workbook.PASSWORD:
        raise RosterError("La planilla está protegida con contraseña. Guárdela sin ella.")
    if status == workbook.SWELLS:
        raise RosterError(
            "La planilla no se abre: al descomprimirse ocuparía cientos de veces su tamaño. Copie "
            "sus datos a un libro nuevo y guárdelo como Libro de Excel (.xlsx) o como CSV."
        )
    if status:
        raise RosterError(
            "No se puede leer la planilla: está dañada, es demasiado grande o no es de Excel ni "
            f"de LibreOffice. Ábrala y guárdela de nuevo. {REMEDY}"
        )


def workbook_table(messages: Iterator[list]) -> Table:
    """The first sheet that has a header. Raises the first sheet's RosterError when none has."""
    failure = RosterError("La planilla está vacía. Indique una con encabezado y filas.")
    failures = []
    for _, sheet in groupby(messages, key=itemgetter(0)):
        _, name, height = next(sheet)
        rows = (Record(line, cells) for _, line, cells in sheet)  # noqa: B031
        head = list(islice(rows, HEADER_ROWS))
        try:
            header = find_header([(row.line, row.cells) for row in head])
        except RosterError as error:
            failures += [error] if head else []
            continue
        return sheet_table(name, height, header, chain(head, rows))
    raise failures[0] if failures else failure


def sheet_table(name: str, height: int, header: Header, rows: Iterator[Record]) -> Table:
    line = header.line

    def below() -> Iterator[Record]:
        nonlocal line
        for row in rows:
            line = row.line
            if line > header.line:
                yield row

    return Table(header, below(), total=height, unit="filas", done=lambda: line, sheet=name)
