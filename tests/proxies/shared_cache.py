"""Two web machines on one database, with Redis as the cache that they share: `make proxies`.

Each is a gunicorn of its own; a balancer sends a browser now to one, now to the other.
"""

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import requests
from django.utils import timezone

from attendance.models import AttendanceSession
from errors_catalog.models import HelpText
from tests.attendance_steps import answer, callback_path, closing
from tests.factories import EnrolmentFactory
from tests.proxies.behind_proxies import NAME, RUTS, environment
from tests.site_process import free_port, running_site, until_it_answers

pytestmark = pytest.mark.django_db(transaction=True)


class Machines:
    """Two sites, and the Redis that they share."""

    def __init__(self, addresses: list[str], redis: subprocess.Popen, port: int) -> None:
        self.addresses = addresses
        self.redis = redis
        self.port = port
        self.turn = 0

    def ask(self, method: str, path: str, cookies: dict | None = None, **options):
        """Ask the machine whose turn it is; `cookies` is kept as a browser keeps it."""
        self.turn += 1
        jar = cookies if cookies is not None else {}
        headers = {
            "Host": NAME,
            "X-Forwarded-Proto": "https",
            "Referer": f"https://{NAME}/",
            "Cookie": "; ".join(f"{name}={value}" for name, value in jar.items()),
        }
        address = self.addresses[self.turn % len(self.addresses)]
        answered = requests.request(
            method, address + path, headers=headers, allow_redirects=False, timeout=30, **options
        )
        jar.update(answered.cookies.get_dict())
        return answered

    def type_rut(self, rut: str, cookies: dict) -> requests.Response:
        token = re.search(
            r'csrfmiddlewaretoken" value="(\w+)"', self.ask("GET", "/", cookies).text
        )[1]
        return self.ask("POST", "/", cookies, data={"csrfmiddlewaretoken": token, "rut": rut})


@pytest.fixture
def machines(tmp_path) -> Iterator[Machines]:
    port = free_port()
    redis = subprocess.Popen(
        [shutil.which("redis-server") or "redis-server", "--port", str(port), "--bind", "127.0.0.1",
         "--save", "", "--appendonly", "no", "--dir", str(tmp_path)],
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        until_it_answers(lambda: socket.create_connection(("127.0.0.1", port)).close())
        shared = environment(tmp_path, CACHE_URL=f"redis://127.0.0.1:{port}/0")
        with ExitStack() as stack:
            addresses = [stack.enter_context(running_site(shared)) for _ in range(2)]
            yield Machines(addresses, redis, port)
    finally:
        redis.terminate()
        redis.wait()


def the_whole_way(machines: Machines) -> AttendanceSession:
    """RUT, course, SENCE's opening and its close, each step at the other machine."""
    enrolment = EnrolmentFactory()
    cookies: dict[str, str] = {}
    assert machines.type_rut(enrolment.student.run, cookies).status_code == 303
    token = re.search(
        r'csrfmiddlewaretoken" value="(\w+)"', machines.ask("GET", "/cursos/", cookies).text
    )[1]
    chosen = {"csrfmiddlewaretoken": token, "enrolment": enrolment.pk}
    page = machines.ask("POST", "/cursos/", cookies, data=chosen).headers["Location"]
    assert "Inicia tu tiempo" in machines.ask("GET", page, cookies).text
    session = AttendanceSession.objects.get(enrolment=enrolment)
    for phase, fields in (("open", answer(session)), ("close", closing(session))):
        answered = machines.ask("POST", callback_path(session, phase), data=fields)
        assert answered.headers["Location"] == page
    assert "<title>Sesión cerrada" in machines.ask("GET", page, cookies).text
    session.refresh_from_db()
    return session


def test_each_step_of_a_student_may_be_at_another_machine(machines):
    assert the_whole_way(machines).closed_at


def test_ruts_without_courses_are_counted_by_both_machines_together(machines):
    """Three are allowed. Of six by turns, each machine alone would allow all."""
    statuses = []
    for rut in RUTS:
        cookies: dict[str, str] = {}
        typed = machines.type_rut(rut, cookies)
        if typed.status_code == 303:
            typed = machines.ask("GET", "/cursos/", cookies)
        statuses.append(typed.status_code)
    assert statuses == [200] * 4 + [429] * 2


def test_what_staff_write_is_at_both_machines_once_the_cache_lets_go(machines):
    for _ in machines.addresses:
        assert "Nadie más" not in machines.ask("GET", "/guia/").text
    HelpText.objects.update_or_create(key="offline", defaults={"text": "Nadie más lo leyó."})
    # Here another process wrote it. The one that does drops it from the cache at once.
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        pages = [machines.ask("GET", "/").text for _ in machines.addresses]
        if all("Nadie más lo leyó." in page for page in pages):
            return
        time.sleep(1)
    pytest.fail("The machines show the old text after the time that the cache has.")


def test_without_redis_students_go_on_and_nothing_is_lost(machines):
    machines.redis.kill()
    machines.redis.wait()
    began = timezone.now()
    session = the_whole_way(machines)
    assert session.closed_at > began
