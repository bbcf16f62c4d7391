"""7 · Kinds and numbers of gunicorn's workers, beside those that production runs."""

from collections.abc import Iterator

from bench import world
from bench.figures import Figure
from bench.load import load, side_by_side
from bench.pages import pages

SECTION = "7 servers"
CONNECTIONS = (16, 64)
OURS = ("--workers=5", "--worker-class=gthread", "--threads=4")
"""gunicorn.conf.py's on two cores."""
OTHERS = {
    "2 workers of 4 threads": ("--workers=2", "--worker-class=gthread", "--threads=4"),
    "1 worker of 8 threads": ("--workers=1", "--worker-class=gthread", "--threads=8"),
    "5 workers of 1 thread (sync)": ("--workers=5", "--worker-class=sync", "--threads=1"),
    "9 workers of 1 thread (sync)": ("--workers=9", "--worker-class=sync", "--threads=1"),
}


def run(name: str) -> Iterator[Figure]:
    """Measure on the database of that name."""
    settings = world.environment(name)
    for what, options in OTHERS.items():
        with (
            world.connect(name) as connection,
            world.gunicorn("usecap_sence.wsgi", settings, *options) as theirs,
            world.gunicorn("usecap_sence.wsgi", settings, *OURS) as ours,
        ):
            for page, path, headers in pages(connection, ours):
                if page in ("guide", "timer"):
                    continue
                for connections in CONNECTIONS:
                    first, second, more = side_by_side(
                        lambda: load(theirs + path, connections, headers=headers),  # noqa: B023
                        lambda: load(ours + path, connections, headers=headers),  # noqa: B023
                    )
                    yield Figure(
                        SECTION, f"{what}: {page}, {connections} connections", first, second,
                        "requests/s", more=more,
                    )  # fmt: skip
