"""The rejected rows as a CSV that Excel opens right."""

import csv
from collections.abc import Iterable
from typing import TextIO

from usecap_sence.spreadsheets import BOM, harmless

HEADER = ("linea", "columna", "valor", "motivo")


def write_report(out: TextIO, troubles: Iterable[tuple]) -> None:
    """Write rows of (line, column, value, reason) to `out`, a text file opened with newline=""."""
    out.write(BOM)
    writer = csv.writer(out, delimiter=";")
    writer.writerow(HEADER)
    writer.writerows([harmless(str(cell)) for cell in row] for row in troubles)
    # A full disk has to be noticed while the load can still be undone.
    out.flush()
