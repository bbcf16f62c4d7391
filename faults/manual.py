"""What docs/operations.md tells the operator to type, done to the letter on a faults' database."""

import os
import re
import subprocess
from pathlib import Path

from faults.world import HOME, Database, Site
from tests.site_process import ROOT
from usecap_sence.embedded_postgres import postgres, server

# The units are a gunicorn, which the scenario stops and starts; the users are PostgreSQL's.
MACHINE = """
set -eu
systemctl() { :; }
runuser() { local user=$2; shift 3; PGUSER=$user "$@"; }
"""


def back_up(database: Database, site: Site, folder: Path) -> Path:
    """Run deploy/backup.sh; return the dump."""
    script = f"{MACHINE}runuser -u usecap -- {ROOT}/deploy/backup.sh {folder}"
    return Path(_run(database, site, script).split()[-1])


def restore(database: Database, site: Site, dump: Path) -> None:
    """Run the commands of "To restore"."""
    _run(database, site, MACHINE + _commands("To restore,", database, site, dump))


def _commands(after: str, database: Database, site: Site, dump: Path) -> str:
    """Return the first block of commands after these words, with this machine's names."""
    manual = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    block = re.search(r"(?:^    .*\n)+", manual[manual.index(after) :], re.MULTILINE)
    if block is None:
        raise RuntimeError(f"docs/operations.md has no commands after “{after}”.")
    here = {
        "/srv/usecap-sence": str(ROOT),
        "/var/lib/usecap-sence/spool": str(site.spool),
        "usecap_sence": database.name,
        "THE_FILE": str(dump.with_suffix("")),
    }
    return re.sub("|".join(here), lambda found: here[found[0]], block[0])


def _run(database: Database, site: Site, script: str) -> str:
    where = server.address(HOME)
    environment = site.environment | {
        "PATH": f"{postgres.wheel() / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PGHOST": str(where["HOST"]),
        "PGPORT": str(where["PORT"]),
        "PGDATABASE": database.name,
    }
    done = subprocess.run(
        ["bash", "-c", script],  # noqa: S607
        env=environment,
        stdout=subprocess.PIPE,
        stderr=site.log,
        text=True,
        check=True,
    )
    return done.stdout
