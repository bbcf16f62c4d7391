"""The rejected rows as a CSV that Excel opens right."""

import csv
from collections.abc import Iterable
from typing import TextIO

BOM = "\ufeff"
HEADER = ("linea", "columna", "valor", "motivo")
STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_report(out: TextIO, troubles: Iterable[tuple]) -> None:
    """Write rows of (line, column, value, reason) to `out`, a text file opened with newline=""."""
    out.write(BOM)
    writer = csv.writer(out, delimiter=";")
    writer.writerow(HEADER)
    writer.writerows([harmless(str(cell)) for cell in row] for row in troubles)
    # A full disk has to be noticed while the load can still be undone.
    out.flush()


def harmless(cell: str) -> str:
    """The cell, with an apostrophe before what a spreadsheet would run as a formula."""
    return f"'{cell}" if cell.startswith(STARTS_A_FORMULA) else cell
