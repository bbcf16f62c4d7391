"""An end to waiting for a database that says nothing: neither yes, nor no, nor that it is gone.

PostgreSQL's own limits are kept by PostgreSQL, and those of TCP by the machine at the other end: a
server that is frozen, or behind something that takes bytes and forwards none, keeps neither.
"""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Hang up on the database where the block takes longer: what waits for it then raises
    OperationalError. A connection that is being made has its own limit, `connect_timeout`."""
    timer = threading.Timer(seconds, _hang_up, [connections[DEFAULT_DB_ALIAS]])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _hang_up(database: Any) -> None:
    # Where there is no connection yet, or no more, there is nothing to hang up on.
    with suppress(OSError, AttributeError, psycopg.Error):
        file = os.dup(database.connection.pgconn.socket)
        with socket.socket(fileno=file) as line:
            line.shutdown(socket.SHUT_RDWR)
