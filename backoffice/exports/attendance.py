"""Which sessions an export has, and a row of it: the facts, not the text that they are written as.

States and durations are the model's own (`AttendanceSession`), taken over by the row, so that an
export says of a session what every list says.
"""

from collections.abc import Generator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import F, QuerySet

from attendance.models import AttendanceSession, AttendanceSessionQuerySet
from attendance.sence.times import CHILE
from backoffice.review.filters import between
from courses.models import Course, Environment, Otec

ROWS_AT_ONCE = 5_000
"""Rows that the database's cursor gives at a time: what an export holds in memory."""


@dataclass(frozen=True)
class Choice:
    """What to export: what is empty or None doesn't limit. Days are Chile's, both inclusive, and
    are those on which the session was asked for, which every session has."""

    action_code: str = ""
    courses: tuple[Course, ...] | None = None
    otec: Otec | None = None
    since: date | None = None
    until: date | None = None

    def sessions(self, sessions: AttendanceSessionQuerySet) -> AttendanceSessionQuerySet:
        """Return those of `sessions` that are chosen."""
        found = sessions.filter(between("requested_at", self.since, self.until))
        if self.action_code:
            found = found.filter(action_code=self.action_code)
        if self.otec:
            found = found.filter(otec=self.otec)
        if self.courses is not None:
            found = found.filter(enrolment__action__course__in=self.courses)
        return found

    def __str__(self) -> str:
        limits = {
            "acción": self.action_code,
            "curso": ", ".join(course.name for course in self.courses or ()),
            "OTEC": self.otec.name if self.otec else "",
            "desde": f"{self.since:%d-%m-%Y}" if self.since else "",
            "hasta": f"{self.until:%d-%m-%Y}" if self.until else "",
        }
        return "; ".join(f"{name} {value}" for name, value in limits.items() if value) or "todo"


class Facts(NamedTuple):
    """What the database gives of a session, in the order of PATHS."""

    run: str
    given_names: str
    surnames: str
    otec_name: str
    course_name: str
    sence_code: str
    action_code: str
    training_line: int
    environment: str
    sence_session_id: str
    requested_at: datetime
    opened_at: datetime | None
    closed_at: datetime | None
    rejected_at: datetime | None
    superseded_at: datetime | None
    resolved_at: datetime | None
    resolution: str
    close_required: bool
    error_glosa: str


PATHS = {
    "given_names": "enrolment__student__given_names",
    "surnames": "enrolment__student__surnames",
    "otec_name": "otec__name",
}


# A row answers as the model does, without the cost of a model's instance for each.
session: Any = AttendanceSession


class Row(Facts):
    """A session in an export."""

    state = session.state
    is_past_limit = session.is_past_limit
    is_overlong = session.is_overlong
    duration = session.duration
    state_in_words = session.state_in_words


ENVIRONMENTS = {environment.value: str(environment.label) for environment in Environment}


def rows(sessions: QuerySet) -> Generator[Row]:
    """Give the sessions' rows, the oldest first, from a cursor of the database's.

    The cursor lives in a transaction, which ends with the iteration: all rows are of one moment.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Every row is wanted: without it PostgreSQL plans for the first tenth of them, which
            # takes twice as long for all.
            cursor.execute("SET LOCAL cursor_tuple_fraction = 1")
        for values in query(sessions).iterator(chunk_size=ROWS_AT_ONCE):
            yield Row._make(values)


def query(sessions: QuerySet) -> QuerySet:
    """Return the query behind `rows`."""
    paths = [PATHS.get(name, name) for name in Facts._fields]
    return sessions.order_by(F("requested_at").asc(), "pk").values_list(*paths)


def local(moment: datetime) -> datetime:
    """Return what Chile's clocks showed, without a zone, as a spreadsheet holds it."""
    # Not django.utils.timezone's: it looks for the current zone at each of three million moments.
    return moment.astimezone(CHILE).replace(tzinfo=None)
