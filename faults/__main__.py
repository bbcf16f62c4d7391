"""`make faults`: hurts the system on purpose, and counts.

Each scenario has a database, a gunicorn and students of its own. Every answer of SENCE's carries a
marker. What was acknowledged (303) must be kept exactly once and applied, and every session must
end closed. Prints a table and writes its lines into faults/results.md; exits with 1 on any
difference, and where a scenario could not be tried.
"""

import argparse
import sys

from faults.scenarios import SCENARIOS
from faults.world import Database, NotHereError, Posted, everything
from tests.site_process import ROOT

SESSIONS = 150
RESULTS = ROOT / "faults" / "results.md"
HEADING = ("scenario", "sent", "303", "kept", "applied", "lost", "twice", "opened", "closed")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m faults", description=__doc__)
    parser.add_argument("--only", default="", help="a part of a scenario's name")
    only = parser.parse_args().only
    wrong = 0
    _say(HEADING)
    for name, scenario in SCENARIOS.items():
        if only not in name:
            continue
        try:
            with everything(SESSIONS) as (database, site, sessions):
                posted = Posted()
                scenario(database, site, sessions, posted)
                site.manage("replay_callbacks")
                counted = _count(database, posted)
        except NotHereError as missing:
            sys.stdout.write(f"{name:50} NOT TRIED, for here is not {missing}.\n")
            wrong += 1
            continue
        except RuntimeError as failed:
            sys.stdout.write(f"{name:50} FAILED: {failed}\n")
            wrong += 1
            continue
        line = (name, *map(str, counted))
        _say(line)
        _write_down(line)
        *_, kept, applied, lost, twice, opened, closed = counted
        ok = (lost, twice, applied, opened, closed) == (0, 0, kept, SESSIONS, SESSIONS)
        wrong += not ok
    return 1 if wrong else 0


def _write_down(line: tuple[str, ...]) -> None:
    """Put the line in the place of what that scenario came to before."""
    written = RESULTS.read_text(encoding="utf-8").splitlines() if RESULTS.exists() else []
    known = {row.split(" | ")[0].removeprefix("| "): row for row in written[2:]}
    known[line[0]] = _row(line)
    rows = [_row(HEADING), _row(("---",) * len(HEADING))]
    rows += [known[name] for name in SCENARIOS if name in known]
    RESULTS.write_text("\n".join(rows) + "\n", encoding="utf-8")


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _count(database: Database, posted: Posted) -> tuple[int, ...]:
    """Return how many were sent, acknowledged, kept, applied, lost and kept twice, and how many
    sessions have exactly one opening, and one close."""
    with database.connect() as connection:
        bodies = connection.execute(
            "SELECT convert_from(body, 'UTF8') FROM attendance_sencecallback"
        ).fetchall()
        (applied,), *_ = connection.execute(
            "SELECT count(*) FROM attendance_callbackverdict"
        ).fetchall()
        outcomes: dict[str, int] = dict(
            connection.execute(
                "SELECT outcome, count(DISTINCT session_id) FROM attendance_callbackverdict"
                " GROUP BY outcome HAVING count(*) = count(DISTINCT session_id)"
                " AND outcome IN ('opened', 'closed')"
            ).fetchall()
        )
        (closed,), *_ = connection.execute(
            "SELECT count(*) FROM attendance_attendancesession"
            " WHERE opened_at IS NOT NULL AND closed_at IS NOT NULL"
        ).fetchall()
    markers = [body.rpartition("Marca=")[2] for (body,) in bodies]
    kept = set(markers)
    lost = len(set(posted.acknowledged) - kept)
    twice = len(markers) - len(kept)
    opened = min(outcomes.get("opened", 0), closed)
    return (
        len(posted.sent), len(posted.acknowledged), len(markers), applied, lost, twice,
        opened, outcomes.get("closed", 0),
    )  # fmt: skip


def _say(cells: tuple[str, ...]) -> None:
    name, *rest = cells
    sys.stdout.write(f"{name:50}" + "".join(f"{cell:>9}" for cell in rest) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
