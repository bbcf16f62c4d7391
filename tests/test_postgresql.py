"""Production's backend: a connection that answered just now is not asked whether it lives."""

from collections.abc import Iterator

import pytest
from django.db import DatabaseError, OperationalError, connection

from usecap_sence.postgresql import base

pytestmark = pytest.mark.django_db(transaction=True)


class Counting(base.DatabaseWrapper):
    asked = 0

    def is_usable(self) -> bool:
        self.asked += 1
        return super().is_usable()


@pytest.fixture
def database() -> Iterator[Counting]:
    where = {
        name.upper(): connection.get_connection_params()[name] for name in ("host", "user", "port")
    }
    name = connection.settings_dict["NAME"]
    settings = connection.settings_dict | where | {"NAME": name, "CONN_MAX_AGE": 60}
    # Under the name of the tests' own, which signals of Django's look up.
    one = Counting(settings | {"CONN_HEALTH_CHECKS": True}, connection.alias)
    yield one
    one.close()


def ask(database: Counting) -> int:
    """A request that asks something; gives the number of the server's process."""
    database.close_if_unusable_or_obsolete()
    try:
        with database.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            return cursor.fetchone()[0]
    finally:
        database.close_if_unusable_or_obsolete()


def end(server: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [server])


def test_one_request_after_the_other_asks_nothing_more(database):
    assert len({ask(database) for _ in range(5)}) == 1
    assert database.asked == 0


def test_after_a_silence_it_is_asked_and_made_anew_where_it_is_gone(database, monkeypatch):
    first = ask(database)
    monkeypatch.setattr(base, "SILENCE", 0)
    assert ask(database) == first
    assert database.asked == 1
    end(first)
    assert ask(database) != first


def test_one_that_went_within_the_second_fails_once(database):
    first = ask(database)
    end(first)
    with pytest.raises(OperationalError):
        ask(database)
    assert ask(database) != first


def test_a_statement_that_a_migration_outdated_fails_once(database):
    def told() -> object:
        database.close_if_unusable_or_obsolete()
        try:
            with database.cursor() as cursor:
                for _ in range(10):
                    cursor.execute("SELECT said FROM outdated WHERE said <> %s", [""])
                return cursor.fetchall()
        finally:
            database.close_if_unusable_or_obsolete()

    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE outdated (said varchar(10))")
        try:
            assert told() == []
            cursor.execute("ALTER TABLE outdated ALTER said TYPE varchar(20)")
            with pytest.raises(DatabaseError, match="cached plan"):
                told()
            assert told() == []
        finally:
            cursor.execute("DROP TABLE outdated")
