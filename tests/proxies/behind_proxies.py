"""The site behind the proxies that deploy/ configures: `make proxies`, which installs them.

Not part of `make test`: nginx and Caddy are no package of Python's.
"""

import http.client
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests
from django.contrib.admin.models import LogEntry
from django.db import connection

from attendance.models import AttendanceSession, SenceCallback
from tests import migrated_rows
from tests.attendance_steps import opened
from tests.backoffice.staff import browser_of, member
from tests.factories import EnrolmentFactory
from tests.site_process import (
    as_production,
    database_url,
    free_port,
    running_site,
    until_it_answers,
)

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
NONCE = "n" * 24
AWAY = "El sitio no está disponible por un momento."
RUTS = [f"1234567{number}-{digit}" for number, digit in enumerate("K86420")]
NAME = "asistencia.example.cl"
pytestmark = pytest.mark.django_db(transaction=True)


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Production's, on the tests' database, with a spool in the folder; collects static files."""
    parameters = connection.get_connection_params()
    site = {
        "ALLOWED_HOSTS": NAME,
        "PUBLIC_BASE_URL": f"https://{NAME}",
        "DATABASE_URL": database_url(parameters["dbname"], parameters["host"], parameters["user"]),
        "SPOOL_DIR": str(folder / "spool"),
        "RUT_MISSES_BY_CLIENT": "3",
    }
    settings = as_production(**site | more)
    subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity=0"],
        cwd=DEPLOY.parent, env=settings, check=True,
    )  # fmt: skip
    return settings


@pytest.fixture
def upstream(tmp_path) -> Iterator[str]:
    with running_site(environment(tmp_path)) as address:
        yield address.removeprefix("http://")


def certificate(folder: Path) -> tuple[Path, Path]:
    pair = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj",
         f"/CN={NAME}", "-out", pair[0], "-keyout", pair[1]],
        check=True, capture_output=True,
    )  # fmt: skip
    return pair


@contextmanager
def process(*command: str | Path, port: int, **environment: str) -> Iterator[None]:
    running = subprocess.Popen(list(map(str, command)), env=os.environ | environment)
    try:
        until_it_answers(
            lambda: requests.get(f"https://127.0.0.1:{port}/healthz", verify=False, timeout=5)
        )
        yield
    finally:
        running.terminate()
        running.wait()


@contextmanager
def nginx(upstream: str, folder: Path) -> Iterator[tuple[int, int]]:
    plain, secure = free_port(), free_port()
    public, private = certificate(folder)
    conf = (DEPLOY / "nginx.conf").read_text()
    for pattern, replacement in [
        (r"listen 80;", f"listen 127.0.0.1:{plain};"),
        (r"listen 443 ssl http2;", f"listen 127.0.0.1:{secure} ssl http2;"),
        (r"/etc/letsencrypt/\S+/fullchain.pem", str(public)),
        (r"/etc/letsencrypt/\S+/privkey.pem", str(private)),
        (r"/var/log/nginx/", f"{folder}/"),
        (r"127\.0\.0\.1:8000", upstream),
        (r"/srv/usecap-sence", str(DEPLOY.parent)),
    ]:
        conf, count = re.subn(pattern, replacement, conf)
        assert count, pattern
    # The user of the machine's nginx can't read what belongs to the tests.
    whole = folder / "nginx.conf"
    whole.write_text(
        f"user root; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{\n{conf}\n}}\n"
    )
    with process(shutil.which("nginx") or "nginx", "-c", whole, port=secure):
        yield plain, secure


@contextmanager
def caddy(upstream: str, folder: Path) -> Iterator[tuple[int, int]]:
    plain, secure = free_port(), free_port()
    conf = folder / "Caddyfile"
    own = f"http_port {plain}\nhttps_port {secure}\nlocal_certs\nskip_install_trust\nadmin off"
    conf.write_text(f"{{\n{own}\n}}\n" + (DEPLOY / "Caddyfile").read_text())
    folders = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    site = {"SITE": f"127.0.0.1, {NAME}", "UPSTREAM": upstream, "ROOT": str(DEPLOY.parent)}
    command = ["caddy", "run", "--adapter", "caddyfile", "--config", str(conf)]
    with process(*command, port=secure, **folders, **site):
        yield plain, secure


PROXIES = pytest.mark.parametrize("proxy", [nginx, caddy], ids=["nginx", "caddy"])


def ask(port: int, method: str, path: str, scheme: str = "https", **options):
    return requests.request(
        method, f"{scheme}://127.0.0.1:{port}{path}", headers={"Host": NAME}, verify=False,
        allow_redirects=False, timeout=30, **options,
    )  # fmt: skip


@PROXIES
def test_an_answer_of_sences_goes_through_and_plain_http_loses_nothing(proxy, upstream, tmp_path):
    with proxy(upstream, tmp_path) as (plain, secure):
        answered = ask(secure, "POST", f"/sence/{NONCE}/inicio/", data={"CodigoCurso": "1"})
        assert answered.status_code == 303
        # A redirect that browsers repeat the POST for, with its body.
        assert (
            ask(plain, "POST", f"/sence/{NONCE}/inicio/", "http", data={"a": 1}).status_code == 308
        )
        page = ask(secure, "GET", "/")
        assert page.status_code == 200
        assert "max-age=" in page.headers["Strict-Transport-Security"]


@PROXIES
def test_a_client_is_who_the_proxy_saw_and_not_who_it_says_it_is(proxy, upstream, tmp_path):
    """Three RUTs without courses are allowed here, whatever addresses a client invents."""
    with proxy(upstream, tmp_path) as (_, secure):
        statuses = [looked_up(secure, f"10.0.0.{number}", RUTS[number]) for number in range(6)]
    assert statuses == [200] * 4 + [429] * 2


def looked_up(port: int, invented: str, rut: str) -> int:
    """The status of the page with the courses of a RUT, for a new browser."""
    browser = requests.Session()
    browser.verify, browser.trust_env = False, False
    browser.headers.update(
        {"Host": NAME, "Referer": f"https://{NAME}/", "X-Forwarded-For": invented}
    )
    site = f"https://127.0.0.1:{port}"
    page = browser.get(f"{site}/", timeout=30)
    token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', page.text)[1]
    data = {"csrfmiddlewaretoken": token, "rut": rut}
    typed = browser.post(f"{site}/", data=data, timeout=30, allow_redirects=False)
    if typed.status_code != 303:
        return typed.status_code
    return browser.get(f"{site}/cursos/", timeout=30, allow_redirects=False).status_code


@PROXIES
def test_what_is_larger_than_any_roster_is_refused(proxy, upstream, tmp_path):
    with proxy(upstream, tmp_path) as (_, secure):
        try:
            refused = ask(secure, "POST", "/admin/cargar/", data=b"x" * 40_000_000).status_code
        except requests.ConnectionError:
            # It answered, and hung up on the rest.
            refused = 413
        assert refused == 413


SLOW_CLIENTS = 30
"""Many more than the site under test has threads."""
FORM, FILE = "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"
SLOW_POSTS = [(f"/sence/{NONCE}/inicio/", FORM), ("/admin/cargar/", FILE), ("/", FORM)]


@contextmanager
def posting(port: int, path: str, kind: str, end: str = "Content-Length: 100000") -> Iterator:
    """A connection on which a POST was begun, and nothing of its body sent."""
    unverified = ssl._create_unverified_context()  # noqa: S323 - the test's own certificate
    plain = socket.create_connection(("127.0.0.1", port), timeout=30)
    with unverified.wrap_socket(plain, server_hostname=NAME) as connected:
        head = [f"POST {path} HTTP/1.1", f"Host: {NAME}", f"Content-Type: {kind}", end, "", ""]
        connected.sendall("\r\n".join(head).encode())
        yield connected


@PROXIES
def test_who_sends_a_byte_a_second_keeps_nobody_waiting(proxy, upstream, tmp_path):
    stop = threading.Event()

    def drip(connections):
        while not stop.wait(1):
            for connected in connections:
                connected.sendall(b"x")

    with proxy(upstream, tmp_path) as (_, secure), ExitStack() as open_ones:
        ask(secure, "GET", "/")
        slow = [
            open_ones.enter_context(posting(secure, *SLOW_POSTS[number % len(SLOW_POSTS)]))
            for number in range(SLOW_CLIENTS)
        ]
        dripping = threading.Thread(target=drip, args=[slow])
        dripping.start()
        open_ones.callback(dripping.join)
        open_ones.callback(stop.set)
        time.sleep(3)
        for _ in range(10):
            began = time.monotonic()
            assert ask(secure, "GET", "/").status_code == 200
            answered = ask(secure, "POST", f"/sence/{NONCE}/inicio/", data={"CodigoCurso": "1"})
            assert answered.status_code == 303
            assert time.monotonic() - began < 3


ROWS = 25_000
"""Of an export some 10 MB long: more than the machine holds between the site and a proxy."""
SLOW_READERS = 6
"""More than the site under test has threads."""


def many_sessions() -> None:
    """As many as ROWS closed ones, of a course with a long name."""
    one = opened(EnrolmentFactory(action__course__name="Curso " + "x" * 200))
    own = {
        "public_id": "gen_random_uuid()",
        "nonce": "md5('nonce' || i)",
        "student_session_id": "gen_random_uuid()",
        "closed_at": "opened_at",
    }
    columns = [field.column for field in AttendanceSession._meta.concrete_fields][1:]
    values = ", ".join(own.get(column, column) for column in columns)
    with migrated_rows.without_triggers(), connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO attendance_attendancesession ({', '.join(columns)})"  # noqa: S608
            f" SELECT {values} FROM attendance_attendancesession, generate_series(2, %s) i"
            " WHERE id = %s",
            [ROWS, one.pk],
        )


@contextmanager
def reading_nothing(port: int, path: str, cookie: str = "", form: str = "") -> Iterator:
    """A client that asks for something large, by POST where there is a form, and does not read."""
    unverified = ssl._create_unverified_context()  # noqa: S323 - the test's own certificate
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.settimeout(60)
    plain.connect(("127.0.0.1", port))
    with unverified.wrap_socket(plain, server_hostname=NAME) as connected:
        head = [
            f"{'POST' if form else 'GET'} {path} HTTP/1.1", f"Host: {NAME}", f"Cookie: {cookie}",
            f"Referer: https://{NAME}{path}", f"Content-Type: {FORM}",
            f"Content-Length: {len(form)}", "", form,
        ]  # fmt: skip
        connected.sendall("\r\n".join(head).encode())
        yield connected


def exports_made() -> int:
    return LogEntry.objects.filter(change_message__endswith=f" {ROWS} filas.").count()


@PROXIES
def test_who_reads_nothing_of_what_they_asked_for_keeps_nobody_waiting(proxy, settings, tmp_path):
    many_sessions()
    export = "/admin/attendance/attendancesession/exportar/"
    guide = "/guia/guia-asistencia-sence.pdf"
    staff = browser_of(member("Coordinador")).cookies["sessionid"].value
    known = environment(tmp_path, SECRET_KEY=settings.SECRET_KEY)
    with (
        running_site(known) as address,
        proxy(address.removeprefix("http://"), tmp_path) as (_, secure),
        ExitStack() as open_ones,
    ):
        page = requests.get(
            f"https://127.0.0.1:{secure}{export}", verify=False, timeout=30,
            headers={"Host": NAME, "Cookie": f"sessionid={staff}"},
        )  # fmt: skip
        token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', page.text)[1]
        cookie = f"sessionid={staff}; csrftoken={page.cookies['csrftoken']}"
        form = f"csrfmiddlewaretoken={token}&format=csv"
        assert ask(secure, "GET", guide).headers["Content-Type"] == "application/pdf"
        slow = [
            open_ones.enter_context(reading_nothing(secure, export, cookie, form))
            for _ in range(SLOW_READERS)
        ]
        for _ in range(SLOW_READERS):
            open_ones.enter_context(reading_nothing(secure, guide))
        deadline = time.monotonic() + 60
        while exports_made() < SLOW_READERS and time.monotonic() < deadline:
            time.sleep(0.5)
        # Whole, and the threads free again, though nobody has read a byte.
        assert exports_made() == SLOW_READERS
        for _ in range(5):
            began = time.monotonic()
            assert ask(secure, "GET", "/").status_code == 200
            assert time.monotonic() - began < 3
        answered = http.client.HTTPResponse(slow[0])
        answered.begin()
        assert answered.status == 200
        assert answered.read().count(b"\r\n") == ROWS + 1


@PROXIES
@pytest.mark.parametrize("rest", [b"zz\r\n", None], ids=["no chunk", "hung up"])
def test_an_answer_in_chunks_that_was_cut_short_is_not_passed_on_as_whole(
    proxy, rest, upstream, tmp_path
):
    with proxy(upstream, tmp_path) as (_, secure):
        path = f"/sence/{NONCE}/inicio/"
        with posting(secure, path, FORM, "Transfer-Encoding: chunked") as connected:
            connected.sendall(b"7\r\nCodSenc\r\n")
            time.sleep(0.5)
            if rest:
                connected.sendall(rest)
                connected.settimeout(5)
                connected.recv(1000)
        time.sleep(2)
    for kept in SenceCallback.objects.all():
        assert kept.body_length > len(kept.body)


@PROXIES
def test_no_log_of_the_proxy_has_an_attempts_secret(proxy, upstream, tmp_path, capfd):
    with proxy(upstream, tmp_path) as (_, secure):
        ask(secure, "POST", f"/sence/{NONCE}/inicio/", data={"CodigoCurso": "1"})
        ask(secure, "GET", "/?q=11111111-1")
    told = capfd.readouterr()
    logs = [file.read_text() for file in tmp_path.glob("*.log")]
    for text in (told.out, told.err, *logs):
        assert NONCE not in text
        assert "11111111" not in text


@PROXIES
def test_while_the_site_is_away_students_read_a_page_and_an_answer_a_plain_502(proxy, tmp_path):
    with proxy(f"127.0.0.1:{free_port()}", tmp_path) as (_, secure):
        page = ask(secure, "GET", "/")
        assert page.status_code == 502
        assert AWAY in page.content.decode()
        answered = ask(secure, "POST", f"/sence/{NONCE}/inicio/", data={"CodigoCurso": "1"})
        assert answered.status_code == 502
        assert AWAY not in answered.content.decode()
        assert NONCE not in "".join(file.read_text() for file in tmp_path.glob("*.log"))
