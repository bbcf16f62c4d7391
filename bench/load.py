"""Requests a second and latencies of an address, by wrk, beside a reference."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

SCRIPTS = Path(__file__).parent / "wrk"
CONNECTIONS = (1, 16, 64)
SECONDS = 1
ROUNDS = 3


@dataclass(frozen=True)
class Load:
    """What one run of wrk saw: requests a second, and latencies in milliseconds."""

    rate: float
    p50: float
    p95: float
    p99: float
    requests: int


def load(
    url: str,
    connections: int,
    *,
    headers: dict[str, str] | None = None,
    script: str = "latencies.lua",
    arguments: tuple[str, ...] = (),
) -> Load:
    """Ask for the address for SECONDS, each time on a new connection, as nginx does.

    Connections that are kept open stay with the worker that took them: now and then one worker has
    all of them while another has none, which halves what is measured. Raises RuntimeError where a
    request fails.
    """
    command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "-s", str(SCRIPTS / script)]
    for name, value in {"Connection": "close", **(headers or {})}.items():
        command += ["-H", f"{name}: {value}"]
    done = subprocess.run(
        [*command, url, "--", *arguments], capture_output=True, text=True, check=True
    )
    said = json.loads(done.stdout.splitlines()[-1])
    if said["failed"]:
        raise RuntimeError(f"{said['failed']} of {said['requests']} requests failed at {url}")
    rate = said["requests"] / said["seconds"]
    return Load(rate, said["p50"], said["p95"], said["p99"], said["requests"])


def side_by_side(
    ours: Callable[[], Load], reference: Callable[[], Load]
) -> tuple[float, float, dict[str, dict[str, float]]]:
    """Alternate both ROUNDS times; return the median rates and, of each, the median of the rest."""
    ours(), reference()
    rounds = [(ours(), reference()) for _ in range(ROUNDS)]
    middles = [_middle(list(loads)) for loads in zip(*rounds, strict=True)]
    return middles[0]["rate"], middles[1]["rate"], {"ours": middles[0], "reference": middles[1]}


def _middle(loads: list[Load]) -> dict[str, float]:
    return {name: round(median(asdict(one)[name] for one in loads), 2) for name in asdict(loads[0])}
