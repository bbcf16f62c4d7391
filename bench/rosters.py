"""3 · Loading rosters, beside PostgreSQL's COPY of the same rows and django-import-export."""

import csv
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter

from bench import world
from bench.figures import Figure

SECTION = "3 rosters"
ROUNDS = 3
EMPTY = 10_000
"""The database that rosters are loaded into: with few sessions, and actions to enrol in."""
MEGABYTE = 1024


def run(few: int, many: int, beside_import_export: int) -> Iterator[Figure]:
    """Load `few` and `many` rows, and the last number of them in both ways."""
    name = world.database(EMPTY)
    memory = {}
    for rows in (few, many):
        roster = _roster(name, rows)
        times = [_beside_copy(name, roster) for _ in range(ROUNDS if rows == few else 1)]
        ours, copied, memory[rows] = (median(figures) for figures in zip(*times, strict=True))
        yield Figure(
            SECTION, f"{rows:,} rows, beside COPY into the same tables", rows / ours,
            rows / copied, "rows/s", at_least=0.25,
        )  # fmt: skip
    yield Figure(
        SECTION, f"peak memory, {many:,} rows / {few:,}", memory[many] / MEGABYTE,
        memory[few] / MEGABYTE, "MB", at_most=1.2,
    )  # fmt: skip
    roster = _roster(name, beside_import_export)
    load_ours = partial(_load, name, "manage.py", "import_enrolments", str(roster))
    first, _ = load_ours()
    theirs, _ = _load(name, "-m", "bench.import_export", str(roster))
    # Of two seconds, beside a minute and more of theirs: one that something disturbed would count.
    ours = median([first, load_ours()[0], load_ours()[0]])
    yield Figure(
        SECTION, f"{beside_import_export:,} rows, beside django-import-export in bulk",
        beside_import_export / ours, beside_import_export / theirs, "rows/s", at_least=25,
    )  # fmt: skip


def _roster(name: str, rows: int) -> Path:
    """Return a CSV of that many enrolments of half as many students, the same at every run."""
    path = world.FOLDER / f"roster-{rows}.csv"
    if path.exists():
        return path
    with world.connect(name) as connection:
        codes = [
            code for (code,) in connection.execute("SELECT code FROM courses_action ORDER BY id")
        ]
    random = Random(rows)  # noqa: S311 - a seed is the point
    with tempfile.NamedTemporaryFile("w", newline="", dir=world.FOLDER, delete=False) as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["rut", "nombres", "apellidos", "correo", "codigo_accion"])
        for number in range(rows // 2):
            body = 11_000_000 + number
            person = [f"{body}-{_digit(body)}", f"Nombre {number % 997}", f"Apellido {number}"]
            for code in random.sample(codes, 2):
                writer.writerow([*person, f"alumno{number}@example.com", code])
    os.replace(file.name, path)
    return path


def _digit(body: int) -> str:
    total = sum(int(digit) * (2 + place % 6) for place, digit in enumerate(reversed(str(body))))
    return {10: "k", 11: "0"}.get(11 - total % 11, str(11 - total % 11))


def _beside_copy(name: str, roster: Path) -> tuple[float, float, int]:
    """Return the seconds of our load, those of COPY, and our peak memory in kilobytes."""
    with world.copy_of(name) as loaded, world.copy_of(name) as copied:
        seconds, peak = run_measured(loaded, "manage.py", "import_enrolments", str(roster))
        return seconds, _copy(loaded, copied), peak


def _copy(source: str, target: str) -> float:
    """COPY what was loaded into `source` into `target`, whose tables, indexes, constraints and
    triggers are the same; return the seconds of the writing alone."""
    seconds = 0.0
    new = {
        "courses_student": "run >= '11000000' AND length(run) = 10",
        "courses_enrolment": "student_id IN (SELECT id FROM courses_student"
        " WHERE run >= '11000000' AND length(run) = 10)",
    }
    with world.connect(source) as reading, world.connect(target) as writing:
        for table, condition in new.items():
            file = world.FOLDER / "copied"
            with (
                file.open("wb") as out,
                reading.cursor().copy(
                    f"COPY (SELECT * FROM {table} WHERE {condition}) TO STDOUT"
                ) as copy,
            ):
                for data in copy:
                    out.write(data)
            begun = perf_counter()
            with file.open("rb") as rows, writing.cursor().copy(f"COPY {table} FROM STDIN") as copy:
                while data := rows.read(1 << 20):
                    copy.write(data)
            seconds += perf_counter() - begun
            file.unlink()
    return seconds


def _load(name: str, *arguments: str) -> tuple[float, int]:
    with world.copy_of(name) as copy:
        return run_measured(copy, *arguments)


def run_measured(name: str, *arguments: str) -> tuple[float, int]:
    """Run a command of the site's; return its seconds and its peak memory in kilobytes."""
    begun = perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=world.ROOT,
        env=world.environment(name),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{arguments[:2]} ended with {os.waitstatus_to_exitcode(status)}")
    return perf_counter() - begun, used.ru_maxrss
