"""What gets hurt: a PostgreSQL, the site under gunicorn, and students who come back from SENCE."""

import json
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import psutil
import psycopg
import requests

from attendance.sence.callback_urls import PATHS
from tests.site_process import ROOT, as_production, database_url, free_port, until_it_answers
from usecap_sence.embedded_postgres import postgres, server
from usecap_sence.embedded_postgres.files import place_of

FOLDER = ROOT / ".faults"
HOME = FOLDER / "postgres"
OWNER = "usecap"
"""Whom the database belongs to, and no other: as in production, no superuser."""
BROWSERS = 8
PATIENCE = 120
"""Seconds for which a student reloads a page that did not come."""


class NotHereError(Exception):
    """What a scenario needs is not on this machine."""


class Database:
    """A PostgreSQL of its own, which may be killed."""

    def __init__(self) -> None:
        self.name = f"faults_{secrets.token_hex(4)}"
        server.use(HOME)
        self.start()
        with self.connect("postgres") as connection:
            if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [OWNER]).rowcount:
                connection.execute(f"CREATE ROLE {OWNER} LOGIN")
        self.create()

    def create(self) -> None:
        with self.connect("postgres") as connection:
            connection.execute(f"CREATE DATABASE {self.name} OWNER {OWNER}")

    def connect(self, name: str = "") -> psycopg.Connection:
        where = server.address(HOME)
        return psycopg.connect(
            host=where["HOST"], port=where["PORT"], user=where["USER"], dbname=name or self.name,
            autocommit=True,
        )  # fmt: skip

    @property
    def url(self) -> str:
        return database_url(self.name, server.address(HOME)["HOST"], OWNER)

    def start(self) -> None:
        server.start(HOME)

    def stop(self) -> None:
        server.stop(HOME)

    def kill(self) -> None:
        """As a power cut does: nothing is flushed, nobody is told."""
        process = postgres.postmaster(place_of(HOME))
        for one in (*process.children(), process):
            # Some end by themselves meanwhile.
            with suppress(psutil.NoSuchProcess):
                one.kill()

    @contextmanager
    def on_a_small_disk(self, size: str) -> Iterator[Path]:
        """Keep the tables, not the write-ahead log, on a disk of this size until the block ends.

        Nobody may be connected when it begins, nor when it ends.
        """
        # Beside the data: PostgreSQL's user reaches nothing in the project.
        disk = place_of(HOME) / "small"
        disk.mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", disk], check=True)  # noqa: S607
        try:
            tables = disk / "tables"
            tables.mkdir(mode=0o700)
            shutil.chown(tables, postgres.ROOT_RUNS_AS, postgres.ROOT_RUNS_AS)
            disk.chmod(0o755)
            with self.connect("postgres") as connection:
                connection.execute(f"CREATE TABLESPACE {self.name} LOCATION '{tables}'")
                connection.execute(f"ALTER DATABASE {self.name} SET TABLESPACE {self.name}")
            yield disk
            with self.connect("postgres") as connection:
                connection.execute(f"ALTER DATABASE {self.name} SET TABLESPACE pg_default")
                connection.execute(f"DROP TABLESPACE {self.name}")
        finally:
            subprocess.run(["umount", disk], check=True)  # noqa: S607

    def drop(self) -> None:
        self.start()
        with self.connect("postgres") as connection:
            connection.execute(f"DROP DATABASE {self.name} WITH (FORCE)")


class Site:
    """The site as production runs it, on a spool of its own."""

    def __init__(self, database: Database, spool: Path) -> None:
        self.root = ROOT
        self.spool = spool
        self.for_gunicorn: dict[str, str] = {}
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = as_production(DATABASE_URL=database.url, SPOOL_DIR=str(spool))
        self.log = (FOLDER / "site.log").open("a")
        self._log_begins = self.log.tell()

    def logged(self) -> str:
        """Return what this site has written to its log."""
        return (FOLDER / "site.log").read_bytes()[self._log_begins :].decode(errors="replace")

    def prepare(self, number: int) -> list[dict[str, str]]:
        """Migrate the database, and return so many sessions that wait for SENCE."""
        self.manage("migrate", "--verbosity=0")
        lines, _ = self.python("-m", "faults.prepare", str(number)).communicate()
        sessions = [json.loads(line) for line in lines.splitlines()]
        if len(sessions) != number:
            raise RuntimeError("The sessions were not prepared.")
        return sessions

    def python(self, *arguments: str) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, *arguments], cwd=self.root, env=self.environment,
            stdout=subprocess.PIPE, stderr=self.log, text=True,
        )  # fmt: skip

    def manage(self, *arguments: str) -> None:
        process = self.python("manage.py", *arguments)
        process.communicate()
        if process.returncode:
            raise RuntimeError(f"{arguments[0]} ended with {process.returncode}")

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", f"--bind=127.0.0.1:{self.port}", "--workers=2",
             "usecap_sence.wsgi"],
            cwd=self.root, env=self.environment | self.for_gunicorn, stdout=self.log,
            stderr=self.log,
        )  # fmt: skip

    def wait(self) -> None:
        """Return once it answers."""
        until_it_answers(
            lambda: requests.get(f"{self.url}/healthz", allow_redirects=False, timeout=30)
        )

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()

    def deploy(self) -> None:
        """New workers take over from old ones, which end what they have begun."""
        self.process.send_signal(signal.SIGHUP)

    def kill_a_worker(self) -> None:
        workers = psutil.Process(self.process.pid).children()
        if workers:
            workers[secrets.randbelow(len(workers))].kill()


@dataclass
class Posted:
    """What the students' browsers posted, each time with a marker of its own."""

    sent: list[str] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    refused: int = 0
    _lock: Lock = field(default_factory=Lock)

    def post(self, site: Site, session: dict[str, str], phase: str) -> bool:
        """Post SENCE's answer once; says whether it was acknowledged."""
        fields = {name: value for name, value in session.items() if name != "nonce"}
        marker = secrets.token_hex(8)
        fields |= {"FechaHora": "2026-11-23 09:00:00", "ZonaHoraria": "America/Santiago"}
        if phase == "open":
            fields["IdSesionSence"] = f"sence-{session['IdSesionAlumno']}"
        # A field that SENCE doesn't send, and that the site keeps with the rest.
        fields["Marca"] = marker
        with self._lock:
            self.sent.append(marker)
        try:
            answer = requests.post(
                site.url + PATHS[phase, False].format(nonce=session["nonce"]),
                fields,
                headers={"Origin": "https://sistemas.sence.cl", "X-Forwarded-Proto": "https"},
                allow_redirects=False, timeout=60,
            )  # fmt: skip
        except requests.RequestException:
            return False
        with self._lock:
            if answer.status_code == 303:
                self.acknowledged.append(marker)
            else:
                self.refused += 1
        return answer.status_code == 303

    def until_acknowledged(self, site: Site, session: dict[str, str], phase: str) -> None:
        """Post it as a student does who reloads the page until it comes."""
        deadline = time.monotonic() + PATIENCE
        while not self.post(site, session, phase):
            if time.monotonic() > deadline:
                raise RuntimeError("An answer was never acknowledged.")
            time.sleep(0.2)


@contextmanager
def everything(number: int, spool: Path | None = None) -> Iterator[tuple[Database, Site, list]]:
    """Give a database, the site running on it, and so many sessions that wait for SENCE."""
    FOLDER.mkdir(exist_ok=True)
    database = Database()
    site = Site(database, spool or FOLDER / f"spool-{database.name}")
    try:
        sessions = site.prepare(number)
        site.start()
        try:
            site.wait()
            yield database, site, sessions
        finally:
            site.stop()
    finally:
        database.drop()


def come_and_go(
    site: Site,
    sessions: list[dict[str, str]],
    posted: Posted,
    phases: tuple[str, ...] = ("open", "close"),
    pause: float = 0,
) -> None:
    """Open and close every session, BROWSERS at a time, each with a pause after every answer."""

    def one(session: dict[str, str]) -> None:
        for phase in phases:
            posted.until_acknowledged(site, session, phase)
            time.sleep(pause)

    with ThreadPoolExecutor(BROWSERS) as pool:
        list(pool.map(one, sessions))
