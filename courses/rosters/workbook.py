"""Read a workbook from standard input and write its rows to standard output, a JSON array a line.

Run as a process of its own, because a damaged or hostile workbook can make the reader ask for more
memory than there is, which ends the process that asks. Each sheet is `[number, name, rows]`,
followed by its rows that aren't blank, `[number, line, cells]`, with the cells as text.
"""

import datetime
import json
import sys
import zipfile
from typing import IO, Any, TextIO

from python_calamine import (
    CalamineError,
    CalamineWorkbook,
    PasswordError,
    SheetVisibleEnum,
    load_workbook,
)

MAX_MEMORY = 3 * 2**30
MAX_CPU_SECONDS = 180
UNPACKED_FREELY, MOST_UNPACKED = 50 * 2**20, 100
"""Bytes that any workbook may unpack to, and how many times its own size beyond that. Rosters
unpack to 10 or 20 times theirs, what is made to fill a machine to hundreds of times."""
PASSWORD, UNREADABLE, SWELLS = 3, 4, 5
EXACT_DIGITS = 10**15


def limit_resources() -> None:
    try:
        import resource  # noqa: PLC0415 (there is none on Windows)
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_SECONDS, MAX_CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def swells(file: IO[bytes]) -> bool:
    """Whether a zipped workbook says that it unpacks to far more than rosters do."""
    try:
        with zipfile.ZipFile(file) as packed:
            entries = packed.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return False
    finally:
        file.seek(0)
    size = sum(entry.compress_size for entry in entries)
    return sum(entry.file_size for entry in entries) > UNPACKED_FREELY + MOST_UNPACKED * size


def as_text(cell: Any) -> str:
    """A cell as people read it: 1234567.0 is "1234567", dates are ISO, a true is "sí"."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "sí" if cell else "no"
    if isinstance(cell, (int, float)):
        # Spreadsheets keep 15 digits: a longer number has lost some, and is shown so.
        if abs(cell) >= EXACT_DIGITS:
            return f"{cell:E}"
        return str(int(cell)) if cell == int(cell) else str(cell)
    if isinstance(cell, datetime.datetime):
        return cell.date().isoformat() if cell.time() == datetime.time() else cell.isoformat(" ")
    return str(cell)


def write_rows(workbook: CalamineWorkbook, out: TextIO) -> None:
    visible = [m.name for m in workbook.sheets_metadata if m.visible == SheetVisibleEnum.Visible]
    for number, name in enumerate(visible):
        sheet = workbook.get_sheet_by_name(name)
        out.write(json.dumps([number, name, sheet.total_height]) + "\n")
        for line, row in enumerate(sheet.iter_rows(), 1):
            cells = [as_text(cell) for cell in row]
            if any(cells):
                out.write(json.dumps([number, line, cells]) + "\n")


def main() -> int:
    limit_resources()
    try:
        if swells(sys.stdin.buffer):
            return SWELLS
        write_rows(load_workbook(sys.stdin.buffer), sys.stdout)
    except PasswordError:
        return PASSWORD
    except (CalamineError, MemoryError, ValueError, OverflowError):
        return UNREADABLE
    return 0


if __name__ == "__main__":
    sys.exit(main())
