"""Django's side of the embedded PostgreSQL: its own backend, on a server started when needed."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import psycopg
from django.db.backends.base.creation import TEST_DATABASE_PREFIX
from django.db.backends.postgresql import base, client
from psycopg import sql

from . import postgres, server


class DatabaseClient(client.DatabaseClient):
    """dbshell with the wheel's own psql, so that nothing else has to be installed."""

    @classmethod
    def settings_to_cmd_args_env(cls, settings_dict: dict, parameters: Iterable[str]) -> tuple:
        args, env = super().settings_to_cmd_args_env(settings_dict, parameters)
        return [str(postgres.wheel() / "bin" / "psql"), *args[1:]], env

    def runshell(self, parameters: Iterable[str]) -> None:
        self.connection.ensure_connection()
        super().runshell(parameters)


class DatabaseWrapper(base.DatabaseWrapper):
    """PostgreSQL's backend; `HOME` in its settings is the folder for the data."""

    client_class = DatabaseClient

    def get_connection_params(self) -> dict[str, Any]:
        self.settings_dict.update(server.address(self.settings_dict["HOME"]), PASSWORD="")
        return super().get_connection_params()

    def get_new_connection(self, conn_params: dict[str, Any]) -> psycopg.Connection:
        server.use(self.settings_dict["HOME"])
        try:
            return super().get_new_connection(conn_params)
        except psycopg.OperationalError:
            # Libpq does not say why in a form to rely on: make sure of all that there can be.
            server.start(self.settings_dict["HOME"])
            _create_database(conn_params)
            return super().get_new_connection(conn_params)


def _create_database(conn_params: dict[str, Any]) -> None:
    """Create the settings' database if it is missing; Django itself creates those for tests."""
    name = conn_params["dbname"]
    if name.startswith(TEST_DATABASE_PREFIX):
        return
    where = {key: conn_params[key] for key in ("host", "port", "user")}
    with psycopg.connect(**where, dbname="postgres", autocommit=True) as connection:
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).rowcount:
            return
        with suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
