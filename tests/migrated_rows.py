"""What the migrations leave in the tables: kept once, and put back whenever a test empties them."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.color import no_style
from django.db import connection, transaction

SCHEMA = "migrated"


def keep() -> None:
    """Copy every table that has rows, beside the tables that tests use."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
        cursor.execute(f"CREATE SCHEMA {SCHEMA}")
        for table in tables():
            name = connection.ops.quote_name(table)
            cursor.execute(f"SELECT EXISTS (SELECT FROM {name})")  # noqa: S608
            if cursor.fetchone()[0]:
                cursor.execute(f"CREATE TABLE {SCHEMA}.{name} AS TABLE {name}")


@contextmanager
def without_triggers() -> Iterator[None]:
    """Let append-only tables be emptied. pgtrigger's own way sends two statements as one, which
    PostgreSQL takes from no connection that plans them once."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        try:
            yield
        finally:
            cursor.execute("RESET session_replication_role")


def put_back() -> None:
    """Fill the tables, which are empty, as they were when they were kept."""
    with without_triggers(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [SCHEMA])
        for (table,) in cursor.fetchall():
            name = connection.ops.quote_name(table)
            cursor.execute(f"INSERT INTO {name} TABLE {SCHEMA}.{name}")
        for statement in connection.ops.sequence_reset_sql(no_style(), models()):
            cursor.execute(statement)


def tables() -> list[str]:
    return connection.introspection.django_table_names(only_existing=True, include_views=False)


def models() -> list:
    return list(connection.introspection.installed_models(tables()))
