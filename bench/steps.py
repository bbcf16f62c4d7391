"""python -m bench.steps RUN ENROLMENT: each step's queries, commits and bytes, as JSON.

The second of two journeys is counted, when caches are warm; the first one closes its session.
"""

import json
import logging
import sys
from urllib.parse import urlencode

import django

django.setup()

from django.db import connection  # noqa: E402 - the apps come first
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from bench.journey import FORM, journey  # noqa: E402


class Inside:
    """A browser as `journey` wants it, without a network."""

    def __init__(self) -> None:
        self.client = Client(enforce_csrf_checks=True)
        self.bytes = 0

    def ask(self, method, path, fields=None, *, foreign=False):
        headers = {"x-forwarded-proto": "https", "host": "127.0.0.1"}
        client = Client(enforce_csrf_checks=True) if foreign else self.client
        if not foreign:
            headers["referer"] = "https://127.0.0.1/"
        body = urlencode(fields or {})
        answer = client.generic(method, path, body, content_type=FORM, headers=headers)
        self.bytes = len(answer.content)
        return answer.status_code, answer.headers.get("Location", ""), answer.content.decode()


def transactions() -> int:
    """How many transactions have written something so far."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        return cursor.fetchone()[0]


def main(run: str, enrolment: int) -> None:
    for _ in journey(Inside(), run, enrolment):
        pass
    costs = {}
    browser = Inside()
    steps = journey(browser, run, enrolment)
    while True:
        before = transactions()
        with CaptureQueriesContext(connection) as captured:
            step = next(steps, None)
        if step is None:
            break
        statements = [query["sql"] for query in captured if "transactions()" not in query["sql"]]
        control = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "SELECT set_config")
        costs[step] = {
            "queries": sum(not sql.startswith(control) for sql in statements),
            "commits": transactions() - before,
            "bytes": browser.bytes,
        }
    json.dump(costs, sys.stdout)


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    main(sys.argv[1], int(sys.argv[2]))
