"""Sentry, where it is asked for: our errors arrive, and nobody's data with them."""

import gzip
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import brotli
import pytest
from django.conf import settings

UNPACK = {"gzip": gzip.decompress, "br": brotli.decompress, "": bytes}
FAIL = """
import django; django.setup()
from django.test import Client
client = Client(raise_request_exception=False)
data = {"rut": "11111111-1", "name": "Rosa"}
client.post("/roto/?q=11111111-1", data, headers={"cookie": "sessionid=secreto"})
import sentry_sdk; sentry_sdk.flush(10)
print("sent" if sentry_sdk.get_client().is_active() else "off")
"""


@pytest.fixture
def server():
    """A server that keeps what it is sent, as Sentry's own would."""
    received: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            unpack = UNPACK[self.headers.get("Content-Encoding", "")]
            received.append(unpack(body).decode())
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        running.received = received
        yield running
        running.shutdown()


def fail(**environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", "import tests.settings, django.conf; "
         "django.conf.settings.ROOT_URLCONF = 'tests.broken_with_people'\n" + FAIL],
        cwd=settings.BASE_DIR, capture_output=True, text=True, check=True,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"} | environment,
    )  # fmt: skip
    return done.stdout.strip()


def test_an_error_arrives_without_anybodys_data(server):
    dsn = f"http://key@127.0.0.1:{server.server_address[1]}/1"
    assert fail(SENTRY_DSN=dsn) == "sent"
    told = "".join(server.received)
    assert "LookupError" in told
    assert "broken_with_people" in told
    for secret in ("11111111", "secreto", "Rosa", "Cookie"):
        assert secret.lower() not in told.lower()


def test_without_an_address_nothing_is_sent(server):
    assert fail(SENTRY_DSN="") == "off"
    assert server.received == []
