"""Each way of hurting the site while students open and close their sessions."""

import os
import random
import shutil
import subprocess
import tarfile
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from faults.clock import Clock
from faults.manual import back_up, restore
from faults.previous import check_out_previous, check_out_this
from faults.world import FOLDER, Database, Posted, Site, come_and_go

Harm = Callable[[Database, Site, "Future[None]"], None]
Sessions = list[dict[str, str]]
HOUR = 3600


def meanwhile(harm: Harm, pause: float = 0) -> Callable[[Database, Site, Sessions, Posted], None]:
    """Do harm while all students come and go, and give back what was taken."""

    def scenario(database: Database, site: Site, sessions: Sessions, posted: Posted) -> None:
        with ThreadPoolExecutor(1) as pool:
            load = pool.submit(come_and_go, site, sessions, posted, pause=pause)
            time.sleep(1)
            try:
                harm(database, site, load)
            finally:
                database.start()
            load.result()

    return scenario


def nothing(database: Database, site: Site, load: "Future[None]") -> None:
    """No harm: what the rest is compared with."""


def kill_database(database: Database, site: Site, load: "Future[None]") -> None:
    for _ in range(3):
        database.kill()
        time.sleep(1)
        database.start()
        time.sleep(2)


def stop_database(database: Database, site: Site, load: "Future[None]") -> None:
    database.stop()
    time.sleep(60)


def exhaust_connections(database: Database, site: Site, load: "Future[None]") -> None:
    held = []
    try:
        while True:
            held.append(database.connect())
    except psycopg.OperationalError:
        time.sleep(10)
    finally:
        for connection in held:
            connection.close()


def kill_workers(database: Database, site: Site, load: "Future[None]") -> None:
    while not load.done():
        site.kill_a_worker()
        time.sleep(0.7)
        # On a machine too busy to start one in that time there would never be any.
        site.wait()


def deploy(database: Database, site: Site, load: "Future[None]") -> None:
    for _ in range(3):
        site.deploy()
        time.sleep(2)


def restart(database: Database, site: Site, load: "Future[None]") -> None:
    site.stop()
    time.sleep(2)
    site.start()


def replay_and_kill(database: Database, site: Site, sessions: Sessions, posted: Posted) -> None:
    """All answers reach the disk alone; then two replayers at once, killed again and again."""
    database.stop()
    come_and_go(site, sessions, posted)
    database.start()
    seeded = random.Random(1)  # noqa: S311 - the same moments each time
    for _ in range(6):
        replayers = [site.python("manage.py", "replay_callbacks") for _ in range(2)]
        time.sleep(1.5 + seeded.random())
        for replayer in replayers:
            replayer.kill()
            replayer.wait()


def fill_the_disk(database: Database, site: Site, sessions: Sessions, posted: Posted) -> None:
    """No database, and a spool with room for some: the rest must not be acknowledged."""
    full = FOLDER / "full"
    full.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", full], check=True)  # noqa: S607
    try:
        site.stop()
        site.environment["SPOOL_DIR"] = str(full)
        database.stop()
        site.start()
        time.sleep(5)
        for session in sessions:
            posted.post(site, session, "open")
        if not posted.refused or not posted.acknowledged:
            raise RuntimeError("The disk did not get full.")
        database.start()
        site.manage("replay_callbacks")
        come_and_go(site, sessions, posted)
    finally:
        site.stop()
        subprocess.run(["umount", full], check=True)  # noqa: S607
        site.start()


def fill_the_databases_disk(
    database: Database, site: Site, sessions: Sessions, posted: Posted
) -> None:
    def fill(database: Database, site: Site, load: "Future[None]") -> None:
        filler = os.open(disk / "filler", os.O_WRONLY | os.O_CREAT)
        try:
            while True:
                os.write(filler, bytes(2**16))
        except OSError:
            time.sleep(10)
        finally:
            os.close(filler)
            (disk / "filler").unlink()

    site.stop()
    with database.on_a_small_disk("100m") as disk:
        site.start()
        site.wait()
        try:
            meanwhile(fill, pause=1)(database, site, sessions, posted)
        finally:
            site.stop()
    if "No space left on device" not in site.logged():
        raise RuntimeError("PostgreSQL's disk did not get full.")


def step_the_clock(database: Database, site: Site, sessions: Sessions, posted: Posted) -> None:
    def step(database: Database, site: Site, load: "Future[None]") -> None:
        for seconds in (HOUR, -HOUR, 0):
            clock.set(seconds)
            time.sleep(5)
        if load.done():
            raise RuntimeError("The students had gone before the clock was right again.")

    clock = _on_a_clock_of_its_own(site)
    meanwhile(step, pause=1)(database, site, sessions, posted)
    _must_be_received_hours_apart(database)


def step_the_clock_on_disk(
    database: Database, site: Site, sessions: Sessions, posted: Posted
) -> None:
    """All answers reach the disk alone, and by the clock every close is before its opening."""
    clock = _on_a_clock_of_its_own(site)
    database.stop()
    try:
        for seconds, phase in (HOUR, "open"), (-HOUR, "close"):
            clock.set(seconds)
            come_and_go(site, sessions, posted, (phase,))
        clock.set(0)
    finally:
        database.start()
    site.manage("replay_callbacks")
    _must_be_received_hours_apart(database)


def _on_a_clock_of_its_own(site: Site) -> Clock:
    clock = Clock()
    site.stop()
    site.for_gunicorn |= clock.environment
    site.start()
    site.wait()
    return clock


def _must_be_received_hours_apart(database: Database) -> None:
    with database.connect() as connection:
        (apart,), *_ = connection.execute(
            "SELECT extract(epoch FROM max(received_at) - min(received_at))"
            " FROM attendance_sencecallback"
        ).fetchall()
    if not HOUR < apart < 3 * HOUR:
        raise RuntimeError("The clock was not stepped.")


def upgrade(database: Database, site: Site, sessions: Sessions, posted: Posted) -> None:
    """As docs/operations.md says it: the new code in the old one's folder, migrate, reload."""

    def move_on(database: Database, site: Site, load: "Future[None]") -> None:
        # Until each worker has had somebody: before that, a release that old loads its code late.
        time.sleep(4)
        check_out_this(site.root)
        before = len(posted.acknowledged)
        _migrate(site)
        if len(posted.acknowledged) == before:
            raise RuntimeError("No student came while the database was migrated.")
        site.deploy()
        time.sleep(5)
        if load.done():
            raise RuntimeError("The students had gone before the new code served.")

    site.stop()
    site.root = check_out_previous()
    database.drop()
    database.create()
    sessions = site.prepare(len(sessions))
    site.start()
    site.wait()
    meanwhile(move_on, pause=1)(database, site, sessions, posted)


def _migrate(site: Site) -> None:
    """As the manual says: again where the site and the migration waited for each other."""
    try:
        site.manage("migrate", "--verbosity=0")
    except RuntimeError:
        if "deadlock detected" not in site.logged():
            raise
        site.manage("migrate", "--verbosity=0")


def lose_the_machine(database: Database, site: Site, sessions: Sessions, posted: Posted) -> None:
    """All opened, half of them on disk alone; backed up while those are applied, and restored."""
    half = len(sessions) // 2
    come_and_go(site, sessions[:half], posted, ("open",))
    database.stop()
    come_and_go(site, sessions[half:], posted, ("open",))
    database.start()
    with TemporaryDirectory(dir=FOLDER) as folder:
        replayer = site.python("manage.py", "replay_callbacks")
        while len(list(site.spool.iterdir())) == len(sessions) - half:
            time.sleep(0.01)
        dump = back_up(database, site, Path(folder))
        replayer.wait()
        with tarfile.open(dump.with_suffix(".spool.tar.gz")) as spool:
            if len(spool.getnames()) == 1:
                raise RuntimeError("Nothing was on disk any more when the backup was taken.")
        site.stop()
        shutil.rmtree(site.spool)
        database.drop()
        restore(database, site, dump)
    site.start()
    site.wait()
    come_and_go(site, sessions, posted, ("close",))


SCENARIOS = {
    "no harm": meanwhile(nothing),
    "PostgreSQL killed (SIGKILL) three times": meanwhile(kill_database),
    "PostgreSQL stopped for a minute": meanwhile(stop_database),
    "every connection of PostgreSQL's taken for 10 s": meanwhile(exhaust_connections),
    "a worker killed (SIGKILL) every 0.7 s": meanwhile(kill_workers),
    "three deploys (SIGHUP)": meanwhile(deploy),
    "the whole site restarted": meanwhile(restart),
    "all on disk, two replayers killed six times": replay_and_kill,
    "no database and the spool's disk full": fill_the_disk,
    "the database's disk full for 10 s": fill_the_databases_disk,
    "the clock stepped an hour on, two back, one on": step_the_clock,
    "all on disk, the clock stepped two hours back": step_the_clock_on_disk,
    "the previous release upgraded and migrated": upgrade,
    "all lost but a backup, and restored": lose_the_machine,
}
