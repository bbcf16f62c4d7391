"""Questions to the database that Django's ORM puts into SQL once, where each page asks the same."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import QuerySet


class Compiled:
    """The rows of a `values_list` queryset for one value that changes from time to time.

    `ask` makes the queryset for a value; `sample` is any value of its type that the queryset has
    nowhere else. Putting a page's queryset into SQL takes Django longer than PostgreSQL takes to
    answer it. Rows come as psycopg gives them: not for fields whose values Django converts.
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


def one_after_the_other(value: Any, *questions: Compiled, first: str = "") -> list[list[tuple]]:
    """Return the rows of each question for `value`, asked in one exchange with PostgreSQL.

    Each sees what is there once those before it are answered; `first` is a statement that goes
    before them. Raises django.db.Error.
    """
    with ExitStack() as stack:
        cursors = [stack.enter_context(connection.cursor()) for _ in questions]
        with connection.wrap_database_errors, connection.connection.pipeline():
            if first:
                stack.enter_context(connection.cursor()).execute(first)
            for cursor, question in zip(cursors, questions, strict=True):
                question.execute(cursor, value)
            return [cursor.fetchall() for cursor in cursors]
