"""`make bench`: every figure beside its reference on this machine, in one run.

Prints a table and writes bench/results.json. Each is a ratio of what was measured side by side,
so that it says the same on another machine. `--only SECTION` runs a part; `--sessions` says how
many of them "many" is.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from bench import exports, growth, journey, pages, phone, rosters, servers, world
from bench.figures import HEADING, Figure

RESULTS = world.ROOT / "bench" / "results.json"
FEW, SOME = 10_000, 100_000
ROSTER, BESIDE_IMPORT_EXPORT = 1_000_000, 20_000


def main() -> None:
    options = _options()
    world.prepare()
    found: list[Figure] = []
    _say(HEADING)
    for name, section in _sections(options.sessions).items():
        if options.only in ("", name):
            for figure in section():
                found.append(figure)
                _say(figure.as_line())
    written = {
        "at": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "cores": os.cpu_count(),
        "sessions": options.sessions,
        "figures": [figure.as_json() for figure in found],
    }
    if not options.only:
        RESULTS.write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", default="", choices=["", *_sections(0)])
    parser.add_argument("--sessions", type=int, default=1_000_000)
    return parser.parse_args()


def _sections(many: int) -> dict[str, Callable[[], Iterator[Figure]]]:
    def on_a_copy(section: Callable[[str], Iterator[Figure]]) -> Iterator[Figure]:
        with world.copy_of(world.database(many)) as name:
            yield from section(name)

    return {
        "pages": lambda: on_a_copy(pages.run),
        "journey": lambda: on_a_copy(journey.run),
        "rosters": lambda: rosters.run(SOME, ROSTER, BESIDE_IMPORT_EXPORT),
        "growth": lambda: growth.run(FEW, many),
        "exports": lambda: exports.run(SOME, many),
        "phone": lambda: on_a_copy(phone.run),
        "servers": lambda: on_a_copy(servers.run),
    }


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
