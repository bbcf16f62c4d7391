"""Someone else at work in the same database at the same moment."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

ALIAS = "someone-else"


@contextmanager
def second_connection() -> Iterator[BaseDatabaseWrapper]:
    """A connection of its own, for `using(ALIAS)`. What it commits is for the caller to delete."""
    other = connection.copy(ALIAS)
    connections[ALIAS] = other
    try:
        yield other
    finally:
        other.close()
        del connections[ALIAS]
