"""Where the embedded server's files are, and the locks among them.

What this machine or user cannot do raises ImproperlyConfigured with a sentence on what to do.
"""

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from django.core.exceptions import ImproperlyConfigured

try:
    import fcntl
except ImportError as error:
    raise ImproperlyConfigured(
        "El PostgreSQL de desarrollo funciona en Linux y macOS: en Windows use WSL, "
        "o indique otro servidor en DATABASE_URL."
    ) from error

ROOT_BASE = Path("/var/lib/usecap-sence")
SOCKET = ".s.PGSQL.5432"
SHARED, ALONE, AT_ONCE = fcntl.LOCK_SH, fcntl.LOCK_EX, fcntl.LOCK_NB


def place_of(home: str | Path) -> Path:
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


def socket_folder(place: Path) -> Path:
    """Return the folder of the server's socket: the data's, or a short one if that cannot be.

    A socket's path has at most 103 bytes on macOS; libpq takes a comma for the next host.
    """
    folder = place / "cluster"
    if len(os.fsencode(folder / SOCKET)) <= 103 and "," not in str(folder):
        return folder
    short = Path("/tmp") / f"usecap-sence-{os.geteuid()}"  # noqa: S108 # nosec B108
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


def open_file(place: Path, name: str) -> IO:
    try:
        return open(place / name, "a", opener=lambda path, flags: os.open(path, flags, 0o600))
    except PermissionError as error:
        raise _not_writable(place) from error


def grab(file: IO, operation: int) -> bool:
    """Lock an open file until it is closed; says whether that was possible, if AT_ONCE."""
    try:
        fcntl.flock(file, operation)
    except BlockingIOError:
        return False
    return True


@contextmanager
def lock(place: Path, name: str, operation: int) -> Iterator[bool]:
    """Hold a lock inside a `with` block; yields what grab() returns."""
    with open_file(place, name) as file:
        yield grab(file, operation)
