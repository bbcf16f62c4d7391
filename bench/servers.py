"""7 · Other servers, kinds and numbers of workers, beside those that production runs."""

from collections.abc import Iterator

from bench import world
from bench.figures import Figure
from bench.load import load, side_by_side
from bench.pages import pages

SECTION = "7 servers"
SITE = "usecap_sence.wsgi:application"
CONNECTIONS = (16, 64)
OURS = ("--workers=5", "--worker-class=gthread", "--threads=4")
"""gunicorn.conf.py's on two cores."""
OTHERS = {
    "2 workers of 4 threads": (
        world.gunicorn, ("--workers=2", "--worker-class=gthread", "--threads=4"),
    ),
    "1 worker of 8 threads": (
        world.gunicorn, ("--workers=1", "--worker-class=gthread", "--threads=8"),
    ),
    "5 workers of 1 thread (sync)": (
        world.gunicorn, ("--workers=5", "--worker-class=sync", "--threads=1"),
    ),
    "9 workers of 1 thread (sync)": (
        world.gunicorn, ("--workers=9", "--worker-class=sync", "--threads=1"),
    ),
    "granian, 2 workers of 4 threads": (
        world.granian, ("--workers=2", "--blocking-threads=4"),
    ),
    "granian, 5 workers of 4 threads": (
        world.granian, ("--workers=5", "--blocking-threads=4"),
    ),
}  # fmt: skip


def run(name: str) -> Iterator[Figure]:
    """Measure on the database of that name."""
    settings = world.environment(name)
    for what, (server, options) in OTHERS.items():
        with (
            world.connect(name) as connection,
            server(SITE, settings, *options) as theirs,
            world.gunicorn(SITE, settings, *OURS) as ours,
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
