"""Takes the test's database away for real, and brings it back."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import connection
from psycopg import sql


@contextmanager
def database_away() -> Iterator[None]:
    """While the block runs, the database drops every connection that it has and takes no new one.

    Ours is left open at our end, as a server that stops leaves it. For transactional tests.
    """
    name = connection.settings_dict["NAME"]
    parameters = connection.get_connection_params() | {"dbname": "postgres"}
    with psycopg.connect(**parameters, autocommit=True) as server:
        _allow_connections(server, name, "false")
        try:
            server.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
                [name],
            )
            yield
        finally:
            _allow_connections(server, name, "true")
            connection.close()


def _allow_connections(server: psycopg.Connection, name: str, allowed: str) -> None:
    statement = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    server.execute(statement.format(sql.Identifier(name), sql.SQL(allowed)))
