"""1 · The student's pages and the callback under gunicorn, beside the least that Django can do."""

import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import psycopg
import requests

from attendance.sence.callback_urls import callback_url, public_id
from bench import world
from bench.figures import Figure
from bench.load import CONNECTIONS, Load, load, side_by_side

SECTION = "1 pages"
HTTPS = {"X-Forwarded-Proto": "https"}
CALLBACKS = 20_000
"""Sessions made to be opened, each once: more than any server here opens while it is measured."""

ASK = """
    INSERT INTO attendance_attendancesession (
        enrolment_id, public_id, nonce, otec_id, environment, course_name, close_required, otec_rut,
        sence_code, action_code, training_line, run, student_session_id, requested_at,
        sence_session_id, opened_sence_time, opened_sence_zone, closed_sence_time,
        closed_sence_zone, error_glosa, error_phase, resolution
    )
    SELECT free.id, asked.id, asked.nonce, otec.id, environment, course.name, close_required,
        otec.rut, sence_code, code, training_line, run, asked.id::text, now(),
        '', '', '', '', '', '', '', ''
    FROM asked
    JOIN (
        SELECT *, row_number() OVER (ORDER BY id) AS number FROM courses_enrolment
        WHERE id NOT IN (
            SELECT enrolment_id FROM attendance_attendancesession
            WHERE closed_at IS NULL AND superseded_at IS NULL AND rejected_at IS NULL
        )
    ) free USING (number)
    JOIN courses_student student ON student.id = student_id
    JOIN courses_action action ON action.id = action_id
    JOIN courses_course course ON course.id = course_id
    JOIN courses_otec otec ON otec.id = otec_id
    RETURNING nonce, student_session_id, run, sence_code, action_code
"""
"""A session for each row of `asked`, in an enrolment that has none open."""


def run(name: str) -> Iterator[Figure]:
    """Measure on the database of that name."""
    with (
        world.connect(name) as connection,
        world.gunicorn("usecap_sence.wsgi", world.environment(name)) as site,
        world.gunicorn("bench.bare:application", world.bare_environment(name)) as bare,
    ):
        for what, path, headers in pages(connection, site):
            for connections in CONNECTIONS:
                ours, reference, more = side_by_side(
                    lambda: load(site + path, connections, headers=headers),  # noqa: B023
                    lambda: load(bare, connections),  # noqa: B023
                )
                yield Figure(
                    SECTION, f"GET {what}, {connections} connections", ours, reference,
                    "requests/s", at_least=0.8, more=more,
                )  # fmt: skip
        for connections in CONNECTIONS:
            # What is left of the reference once it asks the database one question, as our pages do.
            asking, reference, more = side_by_side(
                lambda: load(bare + "/row/", connections),  # noqa: B023
                lambda: load(bare, connections),  # noqa: B023
            )
            yield Figure(
                SECTION, f"the reference with one query, {connections} connections", asking,
                reference, "requests/s", more=more,
            )  # fmt: skip
        yield from _callbacks(connection, site, bare)


def pages(connection: psycopg.Connection, site: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Give each page's name, path and the headers with which a browser would ask for it."""
    yield "RUT", "/", HTTPS
    yield "guide", "/guia/", HTTPS
    (found,) = connection.execute(
        "SELECT run, public_id FROM attendance_attendancesession WHERE closed_at IS NULL"
        " AND close_required AND superseded_at IS NULL AND opened_at IS NOT NULL"
        " ORDER BY opened_at DESC LIMIT 1"
    ).fetchall()
    run, open_page = found
    headers = HTTPS | {"Cookie": cookies_of(site, run)}
    yield "courses", "/cursos/", headers
    yield "timer", f"/asistencia/{open_page}/", headers


def cookies_of(site: str, run: str) -> str:
    """Type the RUN as a student does; return the cookies that the browser has then."""
    first = requests.get(site, headers=HTTPS, timeout=30)
    (token,) = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)', first.text)
    cookies = first.cookies.get_dict()
    typed = requests.post(
        site,
        data={"csrfmiddlewaretoken": token, "rut": run},
        headers=HTTPS | {"Referer": "https://127.0.0.1/", "Host": "127.0.0.1"} | _cookie(cookies),
        allow_redirects=False,
        timeout=30,
    )
    if typed.status_code != 303:
        raise RuntimeError(f"The RUT was answered with {typed.status_code}.")
    return _cookie(cookies | typed.cookies.get_dict())["Cookie"]


def _cookie(cookies: dict[str, str]) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}


def _callbacks(connection: psycopg.Connection, site: str, bare: str) -> Iterator[Figure]:
    lines = _make_callbacks(connection)
    file = world.FOLDER / "callbacks.txt"
    file.write_text("\n".join(lines))
    commits = world.FOLDER / "commits.txt"
    commits.write_text("\n".join("/commits/2/\t" + line.partition("\t")[2] for line in lines))
    used = {site: 0, bare: 0}

    def post(base: str, source: Path, connections: int) -> Load:
        measured = load(
            base, connections, script="callbacks.lua", arguments=(str(source), str(used[base]))
        )
        # wrk makes a request more for each connection, which it doesn't count.
        used[base] += measured.requests + 2 * connections
        return measured

    for connections in CONNECTIONS:
        ours, reference, more = side_by_side(
            lambda: post(site, file, connections),  # noqa: B023
            lambda: post(bare, commits, connections),  # noqa: B023
        )
        yield Figure(
            SECTION, f"callback, {connections} connections", ours, reference, "requests/s",
            at_least=0.6, more=more,
        )  # fmt: skip
    ((opened,),) = connection.execute(
        "SELECT count(*) FROM attendance_attendancesession"
        " WHERE sence_session_id LIKE 'bench-%' AND opened_at IS NOT NULL"
    ).fetchall()
    if not used[site] - 1000 <= opened <= used[site]:
        raise RuntimeError(f"{used[site]} answers posted, {opened} sessions opened.")


def _make_callbacks(connection: psycopg.Connection) -> list[str]:
    """Make requested sessions; return for each the path of its callback, a tab, and the body."""
    nonces = [secrets.token_urlsafe(18) for _ in range(CALLBACKS)]
    with connection.transaction():
        connection.execute("CREATE TEMPORARY TABLE asked (number bigint, nonce text, id uuid)")
        with connection.cursor().copy("COPY asked FROM STDIN") as copy:
            for number, nonce in enumerate(nonces, start=1):
                copy.write_row((number, nonce, public_id(nonce)))
        found = connection.execute(ASK).fetchall()
        connection.execute("DROP TABLE asked")
    lines = []
    for number, (nonce, own_id, run, sence_code, action_code) in enumerate(found):
        body = urlencode(
            {
                "CodSence": sence_code,
                "CodigoCurso": action_code,
                "IdSesionAlumno": own_id,
                "IdSesionSence": f"bench-{number}",
                "RunAlumno": run,
                "FechaHora": "2026-11-23 09:00:00",
                "ZonaHoraria": "America/Santiago",
                "LineaCapacitacion": "3",
            }
        )
        lines.append(callback_url("", nonce, "open", error=False) + "\t" + body)
    return lines
