"""Each way of hurting the site while students open and close their sessions."""

import random
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import psycopg

from faults.world import FOLDER, Database, Posted, Site, come_and_go

Harm = Callable[[Database, Site, "Future[None]"], None]
Sessions = list[dict[str, str]]


def meanwhile(harm: Harm) -> Callable[[Database, Site, Sessions, Posted], None]:
    """Do harm while all students come and go, and give back what was taken."""

    def scenario(database: Database, site: Site, sessions: Sessions, posted: Posted) -> None:
        with ThreadPoolExecutor(1) as pool:
            load = pool.submit(come_and_go, site, sessions, posted)
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
    time.sleep(20)


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


SCENARIOS = {
    "no harm": meanwhile(nothing),
    "PostgreSQL killed (SIGKILL) three times": meanwhile(kill_database),
    "PostgreSQL stopped for 20 s": meanwhile(stop_database),
    "every connection of PostgreSQL's taken for 10 s": meanwhile(exhaust_connections),
    "a worker killed (SIGKILL) every 0.7 s": meanwhile(kill_workers),
    "three deploys (SIGHUP)": meanwhile(deploy),
    "the whole site restarted": meanwhile(restart),
    "all on disk, two replayers killed six times": replay_and_kill,
    "no database and the spool's disk full": fill_the_disk,
}
