"""2 · The whole way of a student: journeys a second, and what each step costs."""

import http.client
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from html import unescape
from itertools import repeat
from statistics import median
from time import perf_counter
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

import psycopg

from bench import world
from bench.figures import Figure

SECTION = "2 journey"
BROWSERS = 8
JOURNEYS = 15
"""Each browser's, in each round."""
ROUNDS = 3
FORM = "application/x-www-form-urlencoded"
# Steps that ask for a page, and steps that write with that many commits: the same for both sites.
PAGES, COMMITS = 5, (0, 1, 2, 2)
WANTED = {"RUT page": 0, "courses": 1, "start": 4, "opening": 6, "timer": 1, "closing": 6}
"""The most queries that a step may make (connection health checks aside)."""


def run(name: str) -> Iterator[Figure]:
    """Measure on the database of that name."""
    with world.connect(name) as connection:
        queue = students(connection, BROWSERS * JOURNEYS * (ROUNDS + 2))
    with (
        world.gunicorn("usecap_sence.wsgi", world.environment(name)) as site,
        world.gunicorn("bench.bare:application", world.bare_environment(name)) as bare,
        ProcessPoolExecutor(1) as client,
    ):
        rates = []
        for _ in range(ROUNDS + 1):
            share, queue = queue[: BROWSERS * JOURNEYS], queue[BROWSERS * JOURNEYS :]
            ours = client.submit(_all, site, share).result()
            rates.append((ours, client.submit(_all_bare, bare, len(share)).result()))
        ours, reference = (median(rate) for rate in zip(*rates[1:], strict=True))
        yield Figure(SECTION, f"{BROWSERS} browsers at once", ours, reference, "journeys/s")
    yield from _steps(name, queue[0])


def students(connection: psycopg.Connection, number: int) -> list[tuple[str, int]]:
    """Give students who can start today, by RUN, and the enrolment that each chooses."""
    return connection.execute(
        "SELECT DISTINCT ON (run) run, enrolment.id FROM courses_enrolment enrolment"
        " JOIN courses_student student ON student.id = student_id"
        " JOIN courses_action action ON action.id = action_id"
        " WHERE current_date BETWEEN starts_on AND ends_on AND close_required AND NOT is_exempt"
        " AND NOT EXISTS (SELECT FROM attendance_attendancesession session"
        "  WHERE session.run = student.run AND closed_at IS NULL AND superseded_at IS NULL)"
        " ORDER BY run LIMIT %s",
        [number],
    ).fetchall()


class Asks(Protocol):
    """Whoever asks the site for `journey`."""

    def ask(
        self, method: str, path: str, fields: dict[str, str] | None = None, *, foreign: bool = False
    ) -> tuple[int, str, str]:
        """Return the status, where it redirects to, and the page. `foreign`: as SENCE's posts."""


class Browser:
    """A connection with cookies that follows no redirect and counts nothing."""

    def __init__(self, base: str) -> None:
        self.connection = http.client.HTTPConnection(urlsplit(base).netloc, timeout=60)
        self.cookies: dict[str, str] = {}

    def ask(
        self, method: str, path: str, fields: dict[str, str] | None = None, *, foreign: bool = False
    ) -> tuple[int, str, str]:
        headers = {"X-Forwarded-Proto": "https"}
        if fields is not None:
            headers |= {"Content-Type": FORM}
        if foreign:
            headers |= {"Origin": "https://sistemas.sence.cl"}
        else:
            cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            headers |= {"Cookie": cookies, "Referer": "https://127.0.0.1/", "Host": "127.0.0.1"}
        body = None if fields is None else urlencode(fields)
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        for header in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = header.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer.status, answer.headers.get("Location", ""), answer.read().decode()


def fields_of(page: str) -> dict[str, str]:
    """Return the hidden fields of a page's forms."""
    found = {}
    for tag in re.findall(r"<input[^>]*>", page):
        said = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if said.get("type") == "hidden":
            found[said["name"]] = unescape(said.get("value", ""))
    return found


def journey(browser: Asks, run: str, enrolment: int) -> Iterator[str]:
    """Go the student's whole way; gives the name of each step once it is done.

    Raises RuntimeError where the site answers anything else than what the way expects.
    """

    def ask(expected: int, *arguments: Any, **options: Any) -> tuple[str, str]:
        status, location, page = browser.ask(*arguments, **options)
        if status != expected:
            raise RuntimeError(f"{arguments[:2]} was answered with {status}")
        return location, page

    _, page = ask(200, "GET", "/")
    yield "RUT page"
    csrf = {"csrfmiddlewaretoken": fields_of(page)["csrfmiddlewaretoken"]}
    ask(303, "POST", "/", csrf | {"rut": run})
    yield "RUT"
    _, page = ask(200, "GET", "/cursos/")
    yield "courses"
    csrf = {"csrfmiddlewaretoken": fields_of(page)["csrfmiddlewaretoken"]}
    home, _ = ask(303, "POST", "/cursos/", csrf | {"enrolment": str(enrolment)})
    yield "start"
    _, page = ask(200, "GET", home)
    yield "start page"
    sent = fields_of(page)
    answer = {name: sent[name] for name in ("CodSence", "CodigoCurso", "LineaCapacitacion")}
    answer |= {"RunAlumno": run, "IdSesionAlumno": sent["IdSesionAlumno"]}
    answer |= {"FechaHora": "2026-11-23 09:00:00", "ZonaHoraria": "America/Santiago"}
    opening = answer | {"IdSesionSence": f"journey-{enrolment}"}
    ask(303, "POST", urlsplit(sent["UrlRetoma"]).path, opening, foreign=True)
    yield "opening"
    _, page = ask(200, "GET", home)
    yield "timer"
    back = urlsplit(fields_of(page)["UrlRetoma"]).path
    if not back.endswith("/cierre/"):
        raise RuntimeError("SENCE's answer opened nothing.")
    ask(303, "POST", back, answer, foreign=True)
    yield "closing"
    _, page = ask(200, "GET", home)
    if "UrlRetoma" in page:
        raise RuntimeError("SENCE's answer closed nothing.")
    yield "closed page"


def _all(base: str, students: list[tuple[str, int]]) -> float:
    """Return journeys a second, in a process of its own: BROWSERS threads, nothing else."""
    return _at_once(_journeys, base, [students[number::BROWSERS] for number in range(BROWSERS)])


def _all_bare(base: str, number: int) -> float:
    return _at_once(_bare_journeys, base, [number // BROWSERS] * BROWSERS)


def _at_once(work: Callable[[str, Any], int], base: str, shares: list) -> float:
    begun = perf_counter()
    with ThreadPoolExecutor(BROWSERS) as pool:
        done = sum(pool.map(work, repeat(base), shares))
    return done / (perf_counter() - begun)


def _journeys(base: str, students: list[tuple[str, int]]) -> int:
    for run, enrolment in students:
        for _ in journey(Browser(base), run, enrolment):
            pass
    return len(students)


def _bare_journeys(base: str, number: int) -> int:
    for _ in range(number):
        browser = Browser(base)
        for _ in range(PAGES):
            browser.ask("GET", "/")
        for commits in COMMITS:
            browser.ask("POST", f"/commits/{commits}/", {"body": "x" * 300})
    return number


def _steps(name: str, student: tuple[str, int]) -> Iterator[Figure]:
    """What each step costs, counted in a process with the site in it."""
    command = [sys.executable, "-m", "bench.steps", student[0], str(student[1])]
    done = subprocess.run(
        command, cwd=world.ROOT, env=world.environment(name), capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    for step, cost in json.loads(done.stdout).items():
        yield Figure(
            SECTION, f"{step}: {cost['commits']} commits, {cost['bytes']} bytes",
            cost["queries"], unit="queries", at_most=WANTED.get(step), more=cost,
        )  # fmt: skip
