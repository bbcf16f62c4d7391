"""Whether starts are failing at SENCE for everyone, told by the answers that came of late."""

import contextlib
import time
from collections.abc import Iterable
from datetime import timedelta

from django.core.cache import cache
from django.db import Error as DatabaseProblem
from django.utils import timezone

from attendance.models import CallbackVerdict, Outcome
from attendance.sence.incoming import error_codes
from errors_catalog import catalogue
from errors_catalog.models import Responsible

WINDOW = timedelta(minutes=15)
STUDENTS = 3
"""How many different students must have met SENCE's own errors."""
MOST_READ = 300
"""Answers looked at, the latest ones: enough for any quarter of an hour of ours."""
CACHE_SECONDS = 30
HELD_SECONDS = 1
KEY = "attendance:starts-failing"

_held: tuple[frozenset[str], float] = frozenset(), 0
"""What this process was told last, and until when on the monotonic clock it asks nobody."""


def failing_environments() -> frozenset[str]:
    """Return the environments of SENCE (`production`, `test`) in which no start succeeds now.

    One does where, since its last success of the last 15 minutes, starts of at least three
    different students were refused with errors of SENCE's own: those whose catalogue entry says
    that SENCE must act (300, 302, 304 and 305 as we ship it). One success is enough to take it
    back, so that the sentence never outlives the trouble; a wrong password or a course badly set up
    neither adds to it nor takes it back, and one student who tries ten times counts once. Students
    who never return from ClaveÚnica say nothing: without an answer that is normal.

    Kept in the cache for half a minute, so that a warm page asks the database nothing, and by the
    process for a second. Where the database is away, nothing is claimed.
    """
    global _held  # noqa: PLW0603 - the process's own
    known, until = _held
    if time.monotonic() >= until:
        known = _known()
        _held = known, time.monotonic() + HELD_SECONDS
    return known


def _known() -> frozenset[str]:
    try:
        known = cache.get(KEY)
        if known is None:
            known = _look()
            cache.set(KEY, known, CACHE_SECONDS)
        return known
    except DatabaseProblem:
        with contextlib.suppress(DatabaseProblem):
            cache.set(KEY, frozenset(), CACHE_SECONDS)
        return frozenset()


def forget() -> None:
    """Look at the answers again the next time that it is asked."""
    global _held  # noqa: PLW0603 - the process's own
    cache.delete(KEY)
    _held = frozenset(), 0


def _look() -> frozenset[str]:
    # When they came, not when they were decided on: what waited on disk is old news.
    latest = (
        CallbackVerdict.objects.filter(
            callback__received_at__gte=timezone.now() - WINDOW,
            outcome__in=[Outcome.OPENED, Outcome.REJECTED],
        )
        .order_by("-callback__received_at", "-pk")
        .values_list("session__environment", "session__run", "outcome", "glosa")[:MOST_READ]
    )
    return _failing(latest)


def _failing(latest_first: Iterable[tuple[str, str, str, str]]) -> frozenset[str]:
    works: set[str] = set()
    refused: dict[str, set[str]] = {}
    for environment, run, outcome, glosa in latest_first:
        if outcome == Outcome.OPENED:
            works.add(environment)
        elif environment not in works and _is_sences_fault(glosa):
            refused.setdefault(environment, set()).add(run)
    return frozenset(name for name, runs in refused.items() if len(runs) >= STUDENTS)


def _is_sences_fault(glosa: str) -> bool:
    explanations = catalogue.explain(error_codes(glosa))
    return all(found.responsible == Responsible.SENCE for found in explanations)
