"""An end to waiting for a database that says nothing: neither yes, nor no, nor that it is gone.

PostgreSQL's own limits are kept by PostgreSQL, and those of TCP by the machine at the other end: a
server that is frozen, or behind something that takes bytes and forwards none, keeps neither.
"""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections

STEP = 0.25
"""Seconds by which patience may end late: how often the one who watches looks."""


def patience(seconds: float) -> AbstractContextManager[None]:
    """Hang up on the database where the block takes longer: what waits for it then raises
    OperationalError. A connection that is being made has its own limit, `connect_timeout`."""
    return _watch.over(connections[DEFAULT_DB_ALIAS], time.monotonic() + seconds)


class _Watch:
    """One thread for all that wait: a timer for each of two a callback costs as much as a query."""

    def __init__(self) -> None:
        self.deadlines: dict[object, tuple[float, Any]] = {}
        self.lock = threading.Lock()
        self.someone_waits = threading.Event()
        self.thread: threading.Thread | None = None

    @contextmanager
    def over(self, database: Any, deadline: float) -> Iterator[None]:
        mark = object()
        with self.lock:
            self.deadlines[mark] = deadline, database
            self._begin()
        self.someone_waits.set()
        try:
            yield
        finally:
            with self.lock:
                hung_up = self.deadlines.pop(mark, None) is None
            if hung_up:
                # Whoever asks next makes a new one.
                database.close()

    def _begin(self) -> None:
        # An application server forks, and a thread stays behind.
        if not (self.thread and self.thread.is_alive()):
            self.thread = threading.Thread(target=self._look, name="patience", daemon=True)
            self.thread.start()

    def _look(self) -> None:
        while True:
            self.someone_waits.wait()
            time.sleep(STEP)
            with self.lock:
                now = time.monotonic()
                for mark, (deadline, database) in list(self.deadlines.items()):
                    if now >= deadline:
                        del self.deadlines[mark]
                        _hang_up(database)
                if not self.deadlines:
                    self.someone_waits.clear()


def _hang_up(database: Any) -> None:
    # Where there is no connection yet, or no more, there is nothing to hang up on.
    with suppress(OSError, AttributeError, psycopg.Error):
        file = os.dup(database.connection.pgconn.socket)
        with socket.socket(fileno=file) as line:
            line.shutdown(socket.SHUT_RDWR)


_watch = _Watch()
