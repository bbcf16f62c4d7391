"""How many sessions each day opened and closed, by hour of Chile's clocks.

A day that has ended is counted once and kept (`attendance.models.DayCount`); whatever changes it
deletes what was kept, so that numbers are those of this moment, however late an answer comes.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.utils import OperationalError
from django.utils import timezone

from attendance.models import DayCount
from backoffice.review.filters import start_of
from courses.scope import otec_ids

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
SPANS = """
    SELECT since, otec, opened, closed
    FROM unnest(%(since)s::timestamptz[], %(until)s::timestamptz[]) AS span (since, until),
    LATERAL (
        SELECT otec_id AS otec, count(*) AS opened, 0 AS closed FROM attendance_attendancesession
        WHERE opened_at >= since AND opened_at < until GROUP BY otec_id
        UNION ALL
        SELECT otec_id, 0, count(*) FROM attendance_attendancesession
        WHERE closed_at >= since AND closed_at < until GROUP BY otec_id
    ) counted
"""
"""Each span is counted from an index alone, entry by entry: to part every instant into day and hour
costs several times as much as to count it."""
SPANS_OF_ALL = SPANS.replace("GROUP BY otec_id", "").replace(
    "SELECT otec_id", "SELECT NULL::bigint"
)
"""Of all OTECs together, which spares parting them."""


class Hours:
    """How many sessions were opened and closed at each hour of the clock."""

    def __init__(self, opened: Iterable[int] = (), closed: Iterable[int] = ()) -> None:
        """Take how many it were at each hour, from midnight on."""
        self.opened = Counter(dict(enumerate(opened)))
        self.closed = Counter(dict(enumerate(closed)))

    def add(self, other: "Hours") -> None:
        self.opened.update(other.opened)
        self.closed.update(other.closed)

    def as_kept(self) -> list[list[int]]:
        return [[counts[hour] for hour in range(24)] for counts in (self.opened, self.closed)]


def of(user: Any, first: date, today: date) -> dict[date, Hours]:
    """Return what each of these days, both inclusive, opened and closed of the user's OTECs."""
    days = [first + n * DAY for n in range((today - first).days + 1)]
    ids = otec_ids(user)
    hours = _kept(days, ids)
    missing = [day for day in days if day not in hours]
    counts = _keep([day for day in missing if day < today])
    counts |= _counted([day for day in missing if day not in counts], apart=ids is not None)
    hours |= {day: _hours(of_day, ids) for day, of_day in counts.items()}
    return {day: hours[day] for day in days}


def _kept(days: list[date], otecs: Collection[int] | None) -> dict[date, Hours]:
    """Read what is kept of these days; for who sees every OTEC, their sum alone."""
    kept = DayCount.objects.filter(day__in=days)
    if otecs is None:
        totals: Any = kept.filter(totals__isnull=False).values_list("day", "totals")
        return {day: Hours(*of_day) for day, of_day in totals}
    return {day: _hours(counts, otecs) for day, counts in kept.values_list("day", "counts")}


def _hours(counts: list[list[int]], otecs: Collection[int] | None) -> Hours:
    found = Hours()
    for otec, hour, opened, closed in counts:
        if otecs is None or otec in otecs:
            found.opened[hour] += opened
            found.closed[hour] += closed
    return found


def _keep(days: list[date]) -> dict[date, list[list[int]]]:
    """Count these days and keep them; nothing where a session of any day is just changing.

    Whoever changes one holds a lock on the table until what they did can be seen and counted.
    """
    if not days:
        return {}
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            # Nobody waits for whoever looks at the desk, nor behind them.
            cursor.execute("LOCK TABLE attendance_daycount IN SHARE ROW EXCLUSIVE MODE NOWAIT")
            counts = _counted(days, apart=True)
            kept = [
                DayCount(day=day, counts=counts[day], totals=_hours(counts[day], None).as_kept())
                for day in days
            ]
            DayCount.objects.bulk_create(
                kept,
                # One that the release before this kept without its totals.
                update_conflicts=True,
                unique_fields=["day"],
                update_fields=["counts", "totals"],
            )
    except OperationalError:
        return {}
    return counts


def _counted(days: list[date], *, apart: bool) -> dict[date, list[list[int]]]:
    """Count each of these days: an OTEC's id, an hour, how many were opened and how many closed.

    Not `apart`, the OTEC is None and the counts are all OTECs'.
    """
    spans = [span for day in days for span in _hours_of(day)]
    found: dict[date, dict[tuple[int, int], list[int]]] = {day: {} for day in days}
    with connection.cursor() as cursor:
        cursor.execute(
            SPANS if apart else SPANS_OF_ALL,
            {"since": spans, "until": [span + HOUR for span in spans]},
        )
        for instant, otec, opened, closed in cursor.fetchall():
            read = timezone.localtime(instant)
            # The same hour comes twice where the clocks go back.
            hour = found[read.date()].setdefault((otec, read.hour), [0, 0])
            hour[0] += opened
            hour[1] += closed
    return {
        day: [[otec, hour, *counts] for (otec, hour), counts in hours.items()]
        for day, hours in found.items()
    }


def _hours_of(day: date) -> list[datetime]:
    """Return when each hour of the day begins: 23 or 25 of them where the clocks change."""
    begins, ends = start_of(day).astimezone(UTC), start_of(day + DAY)
    return [begins + n * HOUR for n in range((ends - begins) // HOUR)]
