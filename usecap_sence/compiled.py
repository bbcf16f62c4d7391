"""What is asked and written over and over again, in SQL that is made once.

For columns whose values psycopg takes and gives as they are: no JSON, no database's default.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache, cached_property
from typing import Any

from django.db import DatabaseError, connection
from django.db.backends.utils import CursorWrapper
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
        with connection.cursor() as cursor:
            self.execute(cursor, value)
            return cursor.fetchall()

    def execute(self, cursor: CursorWrapper, value: Any) -> None:
        sql, parameters = self._sql
        cursor.execute(sql, [value if one == self.sample else one for one in parameters])


@contextmanager
def together() -> Iterator[None]:
    """Send what is executed within to PostgreSQL in one exchange, as far as nobody fetches rows.

    Raises django.db.Error at the end for what failed.
    """
    with connection.wrap_database_errors, connection.connection.pipeline():
        yield


def one_after_the_other(value: Any, *questions: Compiled, first: str = "") -> list[list[tuple]]:
    """Return the rows of each question for `value`, asked in one exchange with PostgreSQL.

    Each sees what is there once those before it are answered; `first` is a statement that goes
    before them. Raises django.db.Error.
    """
    with ExitStack() as stack:
        cursors = [stack.enter_context(connection.cursor()) for _ in questions]
        with together():
            if first:
                stack.enter_context(connection.cursor()).execute(first)
            for cursor, question in zip(cursors, questions, strict=True):
                question.execute(cursor, value)
            return [cursor.fetchall() for cursor in cursors]


def insert(row: Model, *, keyed: bool = True) -> None:
    """Write a new row, as `save(force_insert=True)` does without signals.

    Without `keyed` it learns no primary key, and nothing is waited for within `together`. Raises
    django.db.Error.
    """
    sql, names = _insert(type(row))
    with connection.cursor() as cursor:
        cursor.execute(sql, [getattr(row, name) for name in names])
        if keyed:
            (row.pk,) = cursor.fetchone()
    row._state.adding = False


def update(row: Model, *names: str) -> None:
    """Write the columns of a row, as `save(update_fields=names)` does without signals.

    Raises django.db.Error, a DatabaseError where the row is gone, which is not seen `together`.
    """
    with connection.cursor() as cursor:
        cursor.execute(_update(type(row), names), [*(getattr(row, name) for name in names), row.pk])
        if cursor.rowcount == 0:
            raise DatabaseError(f"{type(row).__name__} {row.pk} is gone.")


@cache
def _insert(model: type[Model]) -> tuple[str, list[str]]:
    fields = [field for field in model._meta.local_concrete_fields if not field.primary_key]
    columns = ", ".join(_quoted(field.column) for field in fields)
    places = ", ".join(["%s"] * len(fields))
    table, key = _quoted(model._meta.db_table), _quoted(model._meta.pk.column)
    sql = f"INSERT INTO {table} ({columns}) VALUES ({places}) RETURNING {key}"  # noqa: S608
    return sql, [field.attname for field in fields]


@cache
def _update(model: type[Model], names: tuple[str, ...]) -> str:
    columns = [_quoted(model._meta.get_field(name).column) for name in names]
    changed = ", ".join(f"{column} = %s" for column in columns)
    table, key = _quoted(model._meta.db_table), _quoted(model._meta.pk.column)
    return f"UPDATE {table} SET {changed} WHERE {key} = %s"  # noqa: S608


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
