"""Where a roster comes from: a path, an https address or a stream. All end as one temporary file.

Nothing is trusted by its name, and nothing is kept in memory. The copy is what is digested and
read, so that a file that changes meanwhile doesn't matter.
"""

import hashlib
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit

from courses.rosters.errors import RosterError

MAX_BYTES = 300 * 2**20
CHUNK = 2**16
HAS_SCHEME = re.compile(r"[a-zA-Z][\w+.-]*://")


@dataclass
class RosterSource:
    """A roster's bytes in a temporary file, at its start; `digest` is their SHA-256."""

    name: str
    file: IO[bytes]
    size: int
    digest: str


@contextmanager
def open_source(text: str, stdin: IO[bytes] | None = None) -> Iterator[RosterSource]:
    """Open what a user typed: a path, an https URL, or `-` for `stdin`, the process's own
    unless given. Raises RosterError."""
    if text == "-":
        chunks, name = stream_chunks(stdin or sys.stdin.buffer), "entrada estándar"
    elif HAS_SCHEME.match(text):
        # What it loads is a tenth of what this command has to load before it reads a row.
        from courses.rosters.download import url_chunks  # noqa: PLC0415

        chunks, name = url_chunks(text), url_name(text)
    else:
        chunks, name = path_chunks(text), Path(text).name
    with receive(chunks, name) as source:
        yield source


@contextmanager
def receive(
    chunks: Iterable[bytes], name: str, max_bytes: int | None = None
) -> Iterator[RosterSource]:
    """Copy `chunks` to a temporary file, gone at the end. Raises RosterError when too large."""
    max_bytes = MAX_BYTES if max_bytes is None else max_bytes
    digest, size = hashlib.sha256(), 0
    with tempfile.TemporaryFile() as file:
        for chunk in chunks:
            size += len(chunk)
            if size > max_bytes:
                raise too_large(max_bytes)
            digest.update(chunk)
            file.write(chunk)
        file.seek(0)
        yield RosterSource(name, file, size, digest.hexdigest())


def too_large(max_bytes: int) -> RosterError:
    return RosterError(
        f"El archivo supera los {max_bytes / 2**20:,.0f} MB que se aceptan. Divídalo en varios."
    )


def stream_chunks(stream: IO[bytes]) -> Iterator[bytes]:
    """The bytes of a stream: standard input, or an upload."""
    return iter(lambda: stream.read(CHUNK), b"")


def path_chunks(path: str) -> Iterator[bytes]:
    """The bytes of a file on this machine. Raises RosterError when it can't be read."""
    try:
        with Path(path).open("rb") as file:
            yield from stream_chunks(file)
    except FileNotFoundError as error:
        raise RosterError(f"No existe el archivo {path}. Revise la ruta.") from error
    except IsADirectoryError as error:
        raise RosterError(f"{path} es una carpeta. Indique un archivo.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "la ruta no es válida"
        raise RosterError(f"No se puede leer {path}: {reason}. Revise la ruta.") from error


def url_name(url: str) -> str:
    """The last part of the path, or the host: never the query, which may hold a key."""
    try:
        parts = urlsplit(url)
        return unquote(parts.path.rstrip("/").rpartition("/")[2]) or parts.hostname or "URL"
    except ValueError:
        return "URL"
