"""How long the site waits for a lock of the database's that somebody else holds.

Whoever waits has a thread that other students need. So the web gives up soon and says so, while
migrations, commands and rosters, which nobody's browser waits for, wait as long as it takes.
"""

from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections

WAIT = 3
"""Seconds: more than the one after which PostgreSQL looks for a deadlock (`deadlock_timeout`), less
than SENCE's answer waits before it goes to disk (`attendance.callbacks.SILENCE_TO_KEEP`)."""


def give_up_soon() -> None:
    """Have every connection that this process makes from now on give up after `WAIT`: what asked
    then raises OperationalError."""
    options = connections[DEFAULT_DB_ALIAS].settings_dict["OPTIONS"]
    # First, so that what DATABASE_URL says of it goes before.
    options["options"] = f"-c lock_timeout={WAIT}s {options.get('options', '')}".strip()


def wait(connection: Any) -> None:
    """Have this connection, of a thread that serves no page, wait as long as it takes."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = 0")


def is_held(error: BaseException) -> bool:
    """Whether an error of Django's says that somebody else held a lock for too long."""
    return isinstance(error.__cause__, psycopg.errors.LockNotAvailable)
