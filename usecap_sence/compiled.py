"""What is asked and written over and over again, in SQL that is made once.

For columns whose values psycopg takes and gives as they are: no JSON, no default that is left to
the database.
"""

from collections.abc import Callable
from functools import cache, cached_property
from typing import Any

from django.db import DatabaseError, connection
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
        sql, parameters = self.ask(self.sample).query.sql_with_params()
        if parameters.count(self.sample) != 1:
            raise ValueError(f"{self.sample!r} is not once in the parameters {parameters!r}.")
        return sql, parameters

    def rows(self, value: Any) -> list[tuple]:
        """Return the rows for `value`. Raises django.db.Error where the database is away."""
        sql, parameters = self._sql
        with connection.cursor() as cursor:
            cursor.execute(sql, [value if one == self.sample else one for one in parameters])
            return cursor.fetchall()


def insert(row: Model) -> None:
    """Write a new row, as `save(force_insert=True)` does without signals.

    Raises django.db.Error.
    """
    sql, values = _insertion(row)
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} RETURNING {_quoted(row._meta.pk.column)}", values)
        (row.pk,) = cursor.fetchone()
    row._state.adding = False


def update(row: Model, *names: str, beside: Model | None = None) -> None:
    """Write the columns of a row, as `save(update_fields=names)` does without signals.

    `beside` is a new row that goes with it in the same statement, within a transaction, and learns
    no primary key. Raises django.db.Error, a DatabaseError where the row to update is gone.
    """
    sql, values = _update(type(row), names), [*(getattr(row, name) for name in names), row.pk]
    if beside:
        insertion, more = _insertion(beside)
        both = f"WITH changed AS ({sql} RETURNING 1) {insertion}"
        sql, values = f"{both} RETURNING (SELECT count(*) FROM changed)", values + more  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        changed = cursor.fetchone()[0] if beside else cursor.rowcount
    if changed != 1:
        raise DatabaseError(f"{changed} rows of {type(row).__name__} have this key.")


def _insertion(row: Model) -> tuple[str, list[Any]]:
    sql, names = _insert(type(row))
    return sql, [getattr(row, name) for name in names]


@cache
def _insert(model: type[Model]) -> tuple[str, list[str]]:
    fields = [field for field in model._meta.local_concrete_fields if not field.primary_key]
    columns = ", ".join(_quoted(field.column) for field in fields)
    places = ", ".join(["%s"] * len(fields))
    sql = f"INSERT INTO {_quoted(model._meta.db_table)} ({columns}) VALUES ({places})"  # noqa: S608
    return sql, [field.attname for field in fields]


@cache
def _update(model: type[Model], names: tuple[str, ...]) -> str:
    columns = {field.attname: field.column for field in model._meta.local_concrete_fields}
    changed = ", ".join(f"{_quoted(columns[name])} = %s" for name in names)
    table, key = _quoted(model._meta.db_table), _quoted(model._meta.pk.column)
    return f"UPDATE {table} SET {changed} WHERE {key} = %s"  # noqa: S608


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
