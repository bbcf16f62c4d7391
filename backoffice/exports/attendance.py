"""Which sessions an export has, and its columns: the facts, not the text that they are written as.

PostgreSQL works out each column: Python takes several times as long for a million rows.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum, auto
from typing import Any, NamedTuple

from django.db.models import Case, DateTimeField, F, Func, QuerySet, Value, When

from attendance.models import AttendanceSessionQuerySet
from attendance.sence.times import CHILE
from backoffice.review.filters import between
from courses.models import Course, Environment, Otec


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


class Kind(Enum):
    TEXT = auto()
    """As somebody typed or sent it."""
    WORDS = auto()
    """Our own."""
    NUMBER = auto()
    MOMENT = auto()
    """A datetime without zone, what Chile's clocks showed."""
    DURATION = auto()
    """A timedelta of whole seconds, never negative."""


class Column(NamedTuple):
    title: str
    width: int
    value: Any
    """An expression of a session `with_state_in_words`; where it is NULL, the cell is empty."""
    kind: Kind = Kind.TEXT


class OnChilesClocks(Func):
    template = f"(%(expressions)s AT TIME ZONE '{CHILE.key}')"
    output_field = DateTimeField()


class InSeconds(Func):
    """A duration without its fraction of a second."""

    template = "date_trunc('second', %(expressions)s)"


ENVIRONMENT = Case(*(When(environment=one, then=Value(one.label)) for one in Environment))
# Of what isn't closed nobody knows yet how long it was.
DURATION = Case(
    When(closed_at__gte=F("opened_at"), then=InSeconds(F("closed_at") - F("opened_at"))),
    When(closed_at__isnull=False, then=Value(timedelta(0))),
)
COLUMNS = [
    Column("RUN", 12, F("run")),
    Column("Nombres", 22, F("enrolment__student__given_names")),
    Column("Apellidos", 22, F("enrolment__student__surnames")),
    Column("OTEC", 22, F("otec__name")),
    Column("Curso", 40, F("course_name")),
    Column("Código SENCE", 14, F("sence_code")),
    Column("Acción", 14, F("action_code")),
    Column("Línea", 6, F("training_line"), Kind.NUMBER),
    Column("Ambiente", 11, ENVIRONMENT, Kind.WORDS),
    Column("IdSesionSence", 24, F("sence_session_id")),
    Column("Solicitada", 19, OnChilesClocks("requested_at"), Kind.MOMENT),
    Column("Abierta", 19, OnChilesClocks("opened_at"), Kind.MOMENT),
    Column("Cerrada", 19, OnChilesClocks("closed_at"), Kind.MOMENT),
    Column("Duración", 10, DURATION, Kind.DURATION),
    Column("Estado", 30, F("in_words"), Kind.WORDS),
    Column("Último error", 12, F("error_glosa")),
    Column("Reemplazada", 19, OnChilesClocks("superseded_at"), Kind.MOMENT),
    Column("Resuelta", 19, OnChilesClocks("resolved_at"), Kind.MOMENT),
    Column("Motivo de la resolución", 30, F("resolution")),
]
TITLES = [column.title for column in COLUMNS]


def query(sessions: AttendanceSessionQuerySet, now: datetime, values: Iterable[Any]) -> QuerySet:
    """Return the query for these values of the sessions, the oldest first."""
    return sessions.with_state_in_words(now).order_by("requested_at", "pk").values_list(*values)
