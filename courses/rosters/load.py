"""Load a roster: read, stage, judge, write. One transaction, whatever the size."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TextIO

from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction
from django.db.backends.utils import CursorWrapper

from courses.models import Environment, RosterImport
from courses.rosters import staging
from courses.rosters import statements as sql
from courses.rosters.errors import RosterError
from courses.rosters.readers import Table, open_table
from courses.rosters.report import write_report
from courses.rosters.rows import Trouble, read_row
from courses.rosters.sources import RosterSource
from courses.scope import otec_ids

SHOWN_TROUBLES = SHOWN_CHANGES = 20
Progress = Callable[[int, int, str], None]
"""Called with how much has been read, of how much, in which unit ("B" or "filas")."""

SENTENCES = {
    "repeated": "Repite el RUT y la acción de la línea %s. Deje una sola.",
    "stored_action": (
        "La acción está registrada con «%s» y el archivo dice «%s». Corrija el archivo; si lo "
        "registrado está mal, cámbielo en la administración."
    ),
    "stored_course": (
        "El curso está registrado con «%s» y el archivo dice «%s». Corrija el archivo; si lo "
        "registrado está mal, cámbielo en la administración."
    ),
    "new_action": (
        "La línea %s dice «%s» de esta acción y esta fila dice «%s». Deje el mismo dato en todas "
        "las filas de la acción."
    ),
    "new_course": (
        "La línea %s dice «%s» de este curso y esta fila dice «%s». Deje el mismo dato en todas "
        "las filas del curso."
    ),
    # A RUT is for the value, never for the sentence: sentences are shown on the terminal.
    "other_otec": "La acción es del OTEC «%s», que tiene otro RUT. Corrija el RUT o el código.",
    "other_otec_in_file": (
        "La línea %s da otro OTEC a esta acción. Deje el mismo en todas las filas de la acción."
    ),
    "no_otec": "No hay ningún OTEC registrado. Regístrelo en la administración.",
    "unknown_otec": (
        "No hay un OTEC con ese RUT. Corríjalo, o registre el OTEC en la administración."
    ),
    "otec_out_of_scope": (
        "Usted no tiene a cargo ningún OTEC con ese RUT. Corríjalo, o pida a quien administra el "
        "sistema que cargue esta fila."
    ),
    "out_of_scope": "La acción es de un OTEC que usted no tiene a cargo. Revise el código.",
    "unknown_action": (
        "La acción no está registrada. Revise el código, sin olvidar los ceros a la izquierda; "
        "o, para crearla, complete en la fila: %s."
    ),
    "environments": json.dumps({name: label.lower() for name, label in Environment.choices}),
}


@dataclass(frozen=True)
class Change:
    """A row that creates an enrolment (`is_new`) or changes one or its student.

    `before` is the name that the student had, where the row gives them another one.
    """

    line: int
    run: str
    name: str
    action_code: str
    course_name: str
    is_new: bool
    before: str


@dataclass
class RosterResult:
    """What a load did or, with `dry_run`, what it would do. Counts are of rows.

    `loaded` is False when nothing was kept: a dry run, or all or nothing with rejected rows.
    `troubles` are the first, as (line, trouble); all of them are in the report, and in the
    RejectedRow rows of `roster_import`, which is None when nothing was kept. `changes` are the
    first rows that change something. `shared_students` have enrolments of an OTEC that the user
    doesn't work for: what the file says of their names and e-mail was left aside.
    """

    columns: tuple[str, ...]
    unknown_columns: tuple[str, ...]
    sheet: str
    dry_run: bool
    loaded: bool = False
    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    courses_created: int = 0
    actions_created: int = 0
    actions_in_production_by_default: int = 0
    shared_students: int = 0
    troubles: tuple[tuple[int, Trouble], ...] = ()
    changes: tuple[Change, ...] = ()
    roster_import: RosterImport | None = None


def load_roster(
    source: RosterSource,
    *,
    dry_run: bool = False,
    all_or_nothing: bool = False,
    progress: Progress | None = None,
    report: TextIO | None = None,
    user: User | None = None,
) -> RosterResult:
    """Load the roster in `source`, which is read to its end, and say what came of it.

    `report`, opened with newline="", gets the rejected rows as CSV. A `user` who is limited to
    some OTECs loads for those alone. Raises RosterError, with nothing loaded, when there is no
    table to read or the database refuses the whole.
    """
    try:
        with open_table(source) as table, connection.cursor() as cursor, transaction.atomic():
            read_into_staging(cursor, table, progress or ignore_progress)
            otecs = otec_ids(user) if user else None
            result = judge(cursor, table, dry_run, otecs)
            if report is not None:
                write_report(report, troubles(cursor))
            if not (all_or_nothing and result.rejected):
                write(cursor, result, is_limited=otecs is not None)
                result.loaded = not dry_run
            if result.loaded:
                result.roster_import = keep_record(cursor, source, result, user)
            else:
                transaction.set_rollback(True)
    except DatabaseError as error:
        # PostgreSQL's own words may quote the row, with its RUT: only their code is said.
        code = getattr(error.__cause__, "sqlstate", None) or "sin código"
        raise RosterError(
            f"La base de datos no aceptó la carga (error {code}) y nada se cargó. Repita la carga; "
            "si vuelve a fallar, avise a quien administra el sistema."
        ) from None
    return result


def ignore_progress(done: int, total: int, unit: str) -> None:
    """Tell nobody."""


def read_into_staging(cursor: CursorWrapper, table: Table, progress: Progress) -> None:
    staging.create(cursor)
    rows = (read_row(record, table.header) for record in table.rows)
    while batch := list(islice(rows, staging.BATCH)):
        staging.stage(cursor, batch)
        progress(min(table.done(), table.total), table.total, table.unit)
    if not scalar(cursor, sql.COUNT_READ):
        raise RosterError(
            "No hay ninguna fila debajo del encabezado. Indique un archivo con filas."
        )
    # Of the columns that rows are joined by: of names and addresses it would take longer.
    cursor.execute("ANALYZE roster_row (line, run, claim), roster_said, roster_trouble")


def judge(
    cursor: CursorWrapper, table: Table, dry_run: bool, otecs: frozenset[int] | None
) -> RosterResult:
    """Find what is wrong with the staged rows, against each other and what is stored."""
    for statement in sql.LOCK:
        cursor.execute(statement)
    cursor.execute(sql.OTECS, {"otecs": None if otecs is None else list(otecs)})
    for statement in (sql.MAKE_CLAIMS, sql.FIND_COURSES, *sql.FIND_ACTIONS):
        cursor.execute(statement)
    cursor.execute("ANALYZE roster_claim")
    sentences = dict(SENTENCES)
    if otecs is not None:
        # It may exist, and whoever is limited to some OTECs registers none.
        sentences["unknown_otec"] = sentences["otec_out_of_scope"]
    read = scalar(cursor, sql.COUNT_READ)
    for statement in sql.JUDGE:
        cursor.execute(statement, sentences)
    return RosterResult(
        columns=tuple(table.header.positions),
        unknown_columns=table.header.unknown,
        sheet=table.sheet,
        dry_run=dry_run,
        read=read,
        rejected=scalar(cursor, sql.COUNT_REJECTED),
        troubles=tuple((line, Trouble(*rest)) for line, *rest in troubles(cursor, SHOWN_TROUBLES)),
    )


def troubles(cursor: CursorWrapper, limit: int | None = None) -> Iterator[tuple]:
    """Every trouble as (line, column, value, reason), in the order of the lines."""
    cursor.execute(sql.TROUBLES, {"limit": limit})
    while rows := cursor.fetchmany(staging.BATCH):
        yield from rows


def write(cursor: CursorWrapper, result: RosterResult, *, is_limited: bool) -> None:
    """Write the good rows, and count in `result` what changed.

    Whoever `is_limited` to some OTECs changes no student that another one enrolled as well.
    """
    result.courses_created = changed(cursor, sql.CREATE_COURSES)
    cursor.execute(sql.FIND_COURSES)
    result.actions_created = changed(cursor, sql.CREATE_ACTIONS)
    result.actions_in_production_by_default = scalar(cursor, sql.COUNT_DEFAULT_ENVIRONMENT)
    for statement in (*sql.FIND_ACTIONS, *sql.WRITE_PEOPLE):
        cursor.execute(statement, {"is_limited": is_limited})
    result.shared_students = scalar(cursor, sql.COUNT_SHARED)
    cursor.execute(sql.UPDATE_ENROLMENTS)
    result.updated = scalar(cursor, sql.COUNT_UPDATED)
    result.created = changed(cursor, sql.CREATE_ENROLMENTS)
    cursor.execute(sql.CHANGES, {"limit": SHOWN_CHANGES})
    result.changes = tuple(Change(*row) for row in cursor.fetchall())
    result.unchanged = result.read - result.rejected - result.created - result.updated


def keep_record(
    cursor: CursorWrapper, source: RosterSource, result: RosterResult, user: User | None
) -> RosterImport:
    roster_import = RosterImport.objects.create(
        loaded_by=user,
        file_name=source.name[-255:],
        digest=source.digest,
        rows_read=result.read,
        rows_created=result.created,
        rows_updated=result.updated,
        rows_unchanged=result.unchanged,
        rows_rejected=result.rejected,
    )
    for statement in (sql.KEEP_TROUBLES, sql.KEEP_ACTIONS):
        cursor.execute(statement, {"roster_import": roster_import.pk})
    return roster_import


def scalar(cursor: CursorWrapper, statement: str) -> int:
    cursor.execute(statement)
    return cursor.fetchone()[0]


def changed(cursor: CursorWrapper, statement: str) -> int:
    cursor.execute(statement)
    return cursor.rowcount
