"""What is asked and written over and over again, in SQL that is made once.

For columns whose values psycopg takes and gives as they are: no JSON, no default that is left to
the database.
"""

from collections.abc import Callable
from functools import cache, cached_property
from typing import Any, NamedTuple

from django.db import DatabaseError, connection, transaction
from django.db.models import Model, QuerySet


class Compiled:
    """The rows of a `values_list` queryset for one value that changes from time to time.

    `ask` makes the queryset for a value; `sample` is any value of its type that the queryset has
    nowhere else. Putting a page's queryset into SQL takes Django longer than PostgreSQL takes to
    answer it.
    """

    def __init__(self, ask: Callable[[Any], QuerySet], sample: Any) -> None:
        self.ask = ask
        self.sample = sample

    @cached_property
    def _sql(self) -> tuple[str, tuple]:
        # Django puts no lock into SQL outside of a transaction.
        with transaction.atomic():
            sql, parameters = self.ask(self.sample).query.sql_with_params()
        if parameters.count(self.sample) != 1:
            raise ValueError(f"{self.sample!r} is not once in the parameters {parameters!r}.")
        return sql, parameters

    def asked(self, value: Any) -> tuple[str, list]:
        """Return the question for `value`: SQL, and its parameters."""
        sql, parameters = self._sql
        return sql, [value if one == self.sample else one for one in parameters]

    def rows(self, value: Any) -> list[tuple]:
        """Return the rows for `value`. Raises django.db.Error where the database is away."""
        with connection.cursor() as cursor:
            cursor.execute(*self.asked(value))
            return cursor.fetchall()


class Unlocked(NamedTuple):
    """How a row was read that nobody locked."""

    version: str
    """PostgreSQL's `xmin` of it, which each change makes another."""
    lock: tuple[str, list]
    """SQL that locks what the row's changes wait in line for, and its parameters."""


class NotWrittenError(DatabaseError):
    """The row is gone, or is another since it was read without a lock."""


def insert(row: Model) -> None:
    """Write a new row, as `save(force_insert=True)` does without signals.

    Raises django.db.Error.
    """
    sql, values = _insertion(row)
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} RETURNING {_quoted(row._meta.pk.column)}", values)
        (row.pk,) = cursor.fetchone()
    row._state.adding = False


def update(
    row: Model, *names: str, beside: Model | None = None, unlocked: Unlocked | None = None
) -> None:
    """Write the columns of a row, as `save(update_fields=names)` does without signals.

    `beside` is a new row that is written in the same statement, and learns no primary key. A row
    that was read without a lock is locked as `unlocked` says, and is written where it still is what
    was read. Raises NotWrittenError with nothing written, and django.db.Error.
    """
    lock, parameters = unlocked.lock if unlocked else ("", [])
    sql = _update(type(row), names, lock)
    values = [*(getattr(row, name) for name in names), *parameters, row.pk]
    if unlocked:
        values.append(unlocked.version)
    if beside:
        insertion, more = _insertion(beside, "SELECT {} FROM changed")
        sql, values = f"WITH changed AS ({sql} RETURNING 1) {insertion}", values + more
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        written = cursor.rowcount
    if written != 1:
        raise NotWrittenError(f"{written} rows of {type(row).__name__} were written.")


def _insertion(row: Model, source: str = "VALUES ({})") -> tuple[str, list[Any]]:
    sql, names = _insert(type(row), source)
    return sql, [getattr(row, name) for name in names]


@cache
def _insert(model: type[Model], source: str) -> tuple[str, list[str]]:
    fields = [field for field in model._meta.local_concrete_fields if not field.primary_key]
    columns = ", ".join(_quoted(field.column) for field in fields)
    given = source.format(", ".join(["%s"] * len(fields)))
    sql = f"INSERT INTO {_quoted(model._meta.db_table)} ({columns}) {given}"
    return sql, [field.attname for field in fields]


@cache
def _update(model: type[Model], names: tuple[str, ...], lock: str) -> str:
    columns = {field.attname: field.column for field in model._meta.local_concrete_fields}
    changed = ", ".join(f"{_quoted(columns[name])} = %s" for name in names)
    table, key = _quoted(model._meta.db_table), _quoted(model._meta.pk.column)
    if not lock:
        return f"UPDATE {table} SET {changed} WHERE {key} = %s"  # noqa: S608
    return (
        f"UPDATE {table} SET {changed} FROM ({lock}) AS locked"  # noqa: S608
        f" WHERE {table}.{key} = %s AND {table}.xmin = %s::xid"
    )


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
