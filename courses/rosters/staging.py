"""Rows into PostgreSQL with COPY, batch by batch, in temporary tables that the commit drops."""

from collections.abc import Iterable

from django.db.backends.utils import CursorWrapper

from courses.rosters.rows import Row
from courses.rosters.statements import CREATE

BATCH = 10_000


def create(cursor: CursorWrapper) -> None:
    """Make the empty temporary tables, anew if this transaction has had them already."""
    for statement in CREATE:
        cursor.execute(statement)


def stage(cursor: CursorWrapper, rows: Iterable[Row]) -> None:
    """Copy a batch of rows, the claims among them (once a batch) and their troubles."""
    claims, troubles = {}, []
    with cursor.copy(
        "COPY roster_row (line, run, given_names, surnames, email, is_exempt, claim) FROM STDIN"
    ) as copy:
        for row in rows:
            key = row.claim.key if row.claim else None
            copy.write_row(
                (row.line, row.run, row.given_names, row.surnames, row.email, row.is_exempt, key)
            )
            if row.claim:
                claims[key] = row.claim
            troubles += [(row.line, *trouble) for trouble in row.troubles]
    copy_rows(cursor, "COPY roster_said FROM STDIN", claims.values())
    copy_rows(cursor, 'COPY roster_trouble (line, "column", value, reason) FROM STDIN', troubles)


def copy_rows(cursor: CursorWrapper, statement: str, rows: Iterable[tuple]) -> None:
    with cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
