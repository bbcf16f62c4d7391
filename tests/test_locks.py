"""What the web alone asks of its connections."""

import psycopg
import pytest
from django.db import DEFAULT_DB_ALIAS, OperationalError, connection, connections

from tests.courses.second_connection import second_connection
from usecap_sence import locks


def lock_timeout(database):
    with database.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        return cursor.fetchone()[0]


@pytest.mark.django_db
@pytest.mark.parametrize(("own", "waits"), [("", f"{locks.WAIT}s"), ("-c lock_timeout=7s", "7s")])
def test_what_the_operator_says_in_database_url_goes_before(monkeypatch, own, waits):
    options = connections[DEFAULT_DB_ALIAS].settings_dict["OPTIONS"]
    monkeypatch.setitem(options, "options", own)
    locks.give_up_soon()
    with second_connection() as new:
        assert lock_timeout(new) == waits
        locks.wait(new)
        assert lock_timeout(new) == "0"


@pytest.mark.django_db(transaction=True)
def test_a_held_lock_is_told_from_other_errors():
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("LOCK TABLE courses_otec")
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '50ms'")
            with pytest.raises(OperationalError) as held:
                cursor.execute("SELECT FROM courses_otec")
    connection.close()
    assert locks.is_held(held.value)
    assert not locks.is_held(OperationalError("away"))
