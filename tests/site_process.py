"""The whole site as it runs in production, as a process of its own."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parent.parent


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
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                requests.head(f"http://127.0.0.1:{port}/", timeout=30)
                break
            except requests.ConnectionError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
