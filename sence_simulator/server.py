"""Starts the two origins in one process, on loopback only."""

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import environ
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application

from sence_simulator.memory import simulator
from sence_simulator.middleware import URLCONF
from sence_simulator.registry import BadRegistryError, load_registry

LOOPBACK = "127.0.0.1"
REFUSED = 2


class StartRefusedError(Exception):
    """Why the simulator doesn't start: a sentence in Spanish for whoever started it."""


class SilentHandler(WSGIRequestHandler):
    """No request log: paths hold the ids of requests."""

    def log_message(self, *args: Any, **kwargs: Any) -> None:
        """Say nothing."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit status, 2 when it refuses to start."""
    options = parse(arguments)
    try:
        require_debug()
        if options.registry:
            simulator.registry = load_registry(options.registry)
        login_port = options.login_port
        if login_port is None:
            login_port = options.port + 1 if options.port else 0
        servers = [
            listen(options.port, "sence_simulator.urls_sence"),
            listen(login_port, "sence_simulator.urls_login"),
        ]
    except (StartRefusedError, BadRegistryError) as refusal:
        print(refusal, file=sys.stderr)  # noqa: T201
        return REFUSED
    serve_until_stopped(servers)
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sence_simulator",
        description="Simulador de SENCE para demostraciones y pruebas. Nunca para producción.",
    )
    parser.add_argument(
        "--port", type=int, default=8001, help="puerto de SENCE; 0 elige uno libre (8001)"
    )
    parser.add_argument(
        "--login-port", type=int, help="puerto del ingreso; si falta, el que sigue al de SENCE"
    )
    parser.add_argument("--registry", type=Path, help="archivo JSON con lo que SENCE conoce")
    return parser.parse_args(arguments)


def require_debug() -> None:
    """Refuse to run outside development: DEBUG must be true in the environment."""
    if not environ.Env().bool("DEBUG", default=False):
        raise StartRefusedError(
            "El simulador de SENCE no se inicia fuera de desarrollo: "
            "ponga DEBUG=true en el entorno si esto no es producción."
        )


def listen(port: int, urlconf: str) -> ThreadedWSGIServer:
    """A bound socket that answers with one origin's URLs; raises StartRefusedError."""
    try:
        server = ThreadedWSGIServer((LOOPBACK, port), SilentHandler)
    except (OSError, OverflowError) as error:
        raise StartRefusedError(
            f"No se puede escuchar en el puerto {port}: está ocupado o no se permite usarlo."
        ) from error
    server.base_environ[URLCONF] = urlconf
    return server


def serve_until_stopped(servers: Sequence[ThreadedWSGIServer]) -> None:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    sence, login = servers
    simulator.sence_origin = f"http://{LOOPBACK}:{sence.server_port}"
    # Another host name, not just another port: a policy that names one host must not allow both.
    simulator.login_origin = f"http://localhost:{login.server_port}"
    application = get_wsgi_application()
    for server in servers:
        server.set_app(application)
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"SENCE {simulator.sence_origin}")  # noqa: T201
    print(f"Ingreso {simulator.login_origin}")  # noqa: T201
    print("listo", flush=True)  # noqa: T201
    stop.wait()
    for server in servers:
        server.shutdown()
        server.server_close()
