"""The whole site as it runs in production, as a process of its own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import requests

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60


def as_production(**settings: str) -> dict[str, str]:
    """Production's environment, for a site that this machine alone asks, as a proxy would.

    `settings` are those that differ; DATABASE_URL and SPOOL_DIR have to be among them.
    """
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "usecap_sence.settings",
        "DEBUG": "false",
        "SECRET_KEY": "of-this-machine-only-" + "aB3$" * 15,
        "TOKEN_ENCRYPTION_KEYS": "dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk=",
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "PUBLIC_BASE_URL": "https://localhost",
        # Written into forms that nobody posts: nothing here reaches SENCE.
        "SENCE_PRODUCTION_URL": "https://sistemas.sence.cl/rce/Registro/",
        "SENCE_TEST_URL": "https://sistemas.sence.cl/rcetest/Registro/",
        "SENCE_FORM_HOSTS": "https://*.sence.cl,https://*.claveunica.gob.cl",
        "BEHIND_TLS_PROXY": "true",
        "EMAIL_URL": "memorymail://",
        "CACHE_URL": "locmemcache://",
    } | settings  # fmt: skip


def database_url(name: str, host: str, user: str) -> str:
    """What DATABASE_URL must be for a database of the embedded PostgreSQL's; `host` is a folder."""
    return f"postgres:///{name}?{urlencode({'host': host, 'user': user}, quote_via=quote)}"


def until_it_answers(ask: Callable[[], Any]) -> None:
    """Ask again while that raises OSErrors, of which requests' are. Raises RuntimeError."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            ask()
        except OSError as error:
            if time.monotonic() > deadline:
                raise RuntimeError("It does not answer.") from error
            time.sleep(0.1)
        else:
            return


def free_port() -> int:
    """A port of this machine's that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@contextmanager
def running_site(
    environment: Mapping[str, str], *options: str, port: int | None = None
) -> Iterator[str]:
    """Gunicorn with the site, until the block ends; gives its address."""
    port = port or free_port()
    command = [sys.executable, "-m", "gunicorn", f"--bind=127.0.0.1:{port}", "--workers=1"]
    process = subprocess.Popen([*command, *options, "usecap_sence.wsgi"], cwd=ROOT, env=environment)
    try:
        until_it_answers(lambda: requests.head(f"http://127.0.0.1:{port}/", timeout=30))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
