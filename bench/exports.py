"""5 · Exporting the attendance, beside PostgreSQL's COPY of the same rows to a file."""

from collections.abc import Iterator
from time import perf_counter

from bench import world
from bench.figures import Figure
from bench.rosters import MEGABYTE, run_measured

SECTION = "5 exports"
COPY = """
    COPY (
        SELECT student.run, given_names, surnames, otec.name, course_name, sence_code, action_code,
            training_line, environment, sence_session_id, requested_at, opened_at, closed_at,
            rejected_at, superseded_at, resolved_at, resolution, close_required, error_glosa
        FROM attendance_attendancesession session
        JOIN courses_enrolment enrolment ON enrolment.id = enrolment_id
        JOIN courses_student student ON student.id = student_id
        JOIN courses_otec otec ON otec.id = otec_id
        ORDER BY requested_at, session.id
    ) TO STDOUT WITH CSV
"""


def run(few: int, many: int) -> Iterator[Figure]:
    """Export databases of so many sessions, whole."""
    memory = {}
    for sessions in (few, many):
        name = world.database(sessions)
        file = world.FOLDER / "export.csv"
        ours, memory[sessions] = run_measured(
            name, "manage.py", "export_attendance", "--format=csv", f"--output={file}"
        )
        begun = perf_counter()
        with (
            world.connect(name) as connection,
            file.open("wb") as out,
            connection.cursor().copy(COPY) as copy,
        ):
            for data in copy:
                out.write(data)
        copied = perf_counter() - begun
        file.unlink()
        yield Figure(
            SECTION, f"{sessions:,} rows, beside COPY TO", sessions / ours, sessions / copied,
            "rows/s",
        )  # fmt: skip
    yield Figure(
        SECTION, f"peak memory, {many:,} rows / {few:,}", memory[many] / MEGABYTE,
        memory[few] / MEGABYTE, "MB", at_most=1.2,
    )  # fmt: skip
