"""Who starts and stops the embedded server: its users, and the supervisor that counts them.

It is decided by the kernel's locks, which no death leaves behind:

- users.lock: shared by every process that uses the server, for its life. flock, because forked
  children keep it, and programs that they execute do not.
- supervisor.lock: held by the supervisor, which stops the server once it can have users.lock alone.
- start.lock: held while a server is started, or looked at in order to stop it.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Any

from django.db.utils import OperationalError

from . import postgres
from .files import ALONE, AT_ONCE, SHARED, grab, lock, open_file, place_of, socket_folder

GRACE = 2  # seconds without users before it stops: commands in a row share one server
LOG_BYTES = 1_000_000  # the log starts afresh when a start finds it longer
_users: dict[Path, IO] = {}


def address(home: str | Path) -> dict[str, Any]:
    """Return HOST, PORT and USER, as in Django's settings, of the server of `home`."""
    return {
        "HOST": str(socket_folder(place_of(home))),
        "PORT": postgres.PORT,
        "USER": postgres.SUPERUSER,
    }


def use(home: str | Path) -> None:
    """Count this process as a user until it ends, and see to it that a supervisor runs."""
    place = place_of(home)
    if place not in _users:
        users = open_file(place, "users.lock")
        grab(users, SHARED)
        _users.setdefault(place, users)
    with lock(place, "supervisor.lock", SHARED | AT_ONCE) as unsupervised:
        pass
    if unsupervised:
        start(home)


def start(home: str | Path) -> None:
    """Start the server and its supervisor, whichever is missing; return when it answers.

    Raises OperationalError if it does not: what handles a database that is down handles that too.
    """
    postgres.wheel()
    place = place_of(home)
    command = [sys.executable, "-m", __package__, "--serve", str(home)]
    with (
        open_file(place, "log") as log,
        # Not subprocess.run: it would kill a first start half way when the user hits Ctrl-C.
        subprocess.Popen(  # noqa: S603
            command,
            cwd=Path(__file__).parents[2],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        ) as process,
    ):
        process.wait()
    if process.returncode:
        raise OperationalError(
            f"El PostgreSQL de desarrollo no pudo iniciarse: revise {place / 'log'}, "
            "o indique otro servidor en DATABASE_URL."
        )


def stop(home: str | Path) -> None:
    """Stop the server at once, whoever uses it. Nothing happens if it is not running."""
    place = place_of(home)
    with lock(place, "start.lock", ALONE):
        postgres.stop(place)
    for _ in range(50):  # until the supervisor has seen it; a client may also have started it again
        with lock(place, "supervisor.lock", SHARED | AT_ONCE) as unsupervised:
            if unsupervised:
                return
        time.sleep(0.1)


def remove(home: str | Path) -> None:
    """Stop the server and delete all its data."""
    stop(home)
    place = place_of(home)
    shutil.rmtree(socket_folder(place), ignore_errors=True)
    shutil.rmtree(place)


def serve(home: str | Path) -> None:
    """Start the server if it does not run; leave a supervisor behind if there is none."""
    place = place_of(home)
    with lock(place, "start.lock", ALONE):
        if (place / "log").exists() and (place / "log").stat().st_size > LOG_BYTES:
            os.truncate(place / "log", 0)
        postgres.start(place)
        supervisor = open_file(place, "supervisor.lock")
        if not grab(supervisor, ALONE | AT_ONCE):
            return
    if os.fork():
        os._exit(0)  # tells the client that the server answers
    os.chdir("/")
    _supervise(place, supervisor)


def _supervise(place: Path, supervisor: IO) -> None:
    """Stop the server after GRACE seconds without users; end when it does not run."""
    idle = 0
    while True:
        time.sleep(1)
        with (
            lock(place, "start.lock", ALONE | AT_ONCE) as nobody_starts,
            lock(place, "users.lock", ALONE | AT_ONCE) as nobody_uses,
        ):
            idle = idle + 1 if nobody_uses else 0
            if nobody_starts and idle > GRACE:
                postgres.stop(place)
            if nobody_starts and postgres.postmaster(place) is None:
                # Before start.lock: whoever gets that next must find that there is no supervisor.
                supervisor.close()
                return
