"""Today at a glance, for the admin's first page. Every number has the address of what it counts.

Days are Chile's. What the user may not see, or belongs to OTECs that are not theirs, is neither
counted nor shown.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import accumulate, chain
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db import connection
from django.db.models import Count, QuerySet, Value
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from attendance.models import (
    AttendanceSession,
    CallbackVerdict,
    StaffAlert,
)
from attendance.sence.incoming import whole_codes
from attendance.sence_state import failing_environments
from backoffice import board, day_counts
from backoffice.charts import Chart, Point, chart
from backoffice.models import CallbackToReview
from backoffice.review.filters import NO_CODE, REFUSED, between, start_of
from courses import long_lists
from courses.models import Action, Environment
from courses.scope import within_scope
from errors_catalog import catalogue
from errors_catalog.models import Responsible

DAYS = ["14", "30"]
HOURS_OF = ["hoy", "semana"]
WEEK = timedelta(days=6)
"""From the first to the last of seven days."""
MOST_ENDING = 20
"""Actions that end soon, shown one by one."""


@dataclass(frozen=True)
class Number:
    label: str
    count: int
    url: str
    note: str = ""
    is_warning: bool = False

    @property
    def stands_out(self) -> bool:
        return self.is_warning and self.count > 0


@dataclass(frozen=True)
class Error:
    """A code of SENCE's, how many sessions had it, and what the catalogue says of it."""

    code: str
    count: int
    url: str
    description: str
    responsible: str


@dataclass(frozen=True)
class Desk:
    """What the page draws; what the user may not see is empty."""

    today: date
    days: str
    hours_of: str
    sence_failing: list[str] = field(default_factory=list)
    numbers: list[Number] = field(default_factory=list)
    by_day: Chart | None = None
    by_hour: Chart | None = None
    errors: list[Error] | None = None
    errors_since: date | None = None
    ending: list[board.Row] | None = None
    ending_count: int = 0
    ending_url: str = ""
    ending_until: date | None = None


def chosen(value: str | None, options: Sequence[str]) -> str:
    """Return the value where it is one of the options, the first of them otherwise."""
    return value if value and value in options else options[0]


def desk(user: Any, now: datetime, *, days: str, hours_of: str) -> Desk:
    """Return what the user's desk shows at `now`: `days` of DAYS, `hours_of` of HOURS_OF."""
    today = timezone.localdate(now)
    shown: dict[str, Any] = {}
    of_today = None
    if user.has_perms(board.SEE):
        shown |= _ending(user, today)
    if user.has_perm("attendance.view_attendancesession"):
        # Either chart's days are among these.
        counts = day_counts.of(user, today - timedelta(days=int(days) - 1), today)
        of_today = counts[today]
        hours_from = today if hours_of == "hoy" else today - timedelta(days=today.weekday())
        shown |= {
            "sence_failing": [
                str(Environment(name).label) for name in sorted(failing_environments())
            ],
            "by_day": _by_day(counts),
            "by_hour": _by_hour(counts, hours_from, today),
            "errors": _errors(user, today - WEEK, today),
            "errors_since": today - WEEK,
        }
    shown["numbers"] = _numbers(user, now, of_today)
    return Desk(today=today, days=days, hours_of=hours_of, **shown)


def list_url(model: str, **filters: object) -> str:
    """Return the address of a model's list (`attendance_attendancesession`), filtered."""
    return reverse(f"admin:{model}_changelist", query={k: str(v) for k, v in filters.items()})


def _sessions(user: Any) -> Any:
    return within_scope(AttendanceSession.objects.order_by(), user, "otec")


def _sessions_url(**filters: object) -> str:
    return list_url("attendance_attendancesession", **filters)


Wanted = tuple[list[QuerySet] | int, dict[str, Any]]
"""What a number counts together, or the number where it is known; and what else there is of it."""


def _numbers(user: Any, now: datetime, of_today: day_counts.Hours | None) -> list[Number]:
    """Return the numbers; `of_today` is None for who may not see sessions."""
    today = timezone.localdate(now)
    wanted: list[Wanted] = [
        *([_of_missing(user, today)] if user.has_perms(board.SEE) else []),
        *(_of_sessions(user, now, of_today) if of_today else []),
        *([_of_flagged(user)] if _may_see(user, "sencecallback") else []),
        *([_of_alerts(user, today)] if _may_see(user, "staffalert") else []),
    ]
    found = _count([part for parts, _ in wanted if isinstance(parts, list) for part in parts])
    return [
        Number(
            count=long_lists.counted(sum(found[part] for part in parts))
            if isinstance(parts, list)
            else parts,
            **about,
        )
        for parts, about in wanted
    ]


def _may_see(user: Any, model: str) -> bool:
    return user.has_perm(f"attendance.view_{model}")


def _count(querysets: list[QuerySet]) -> dict[QuerySet, int]:
    """Count each one as far as the lists do, and one more, all in one query; each is served by its
    own index."""
    once = list(dict.fromkeys(querysets))
    if not once:
        return {}
    most = long_lists.MOST_COUNTED
    compiled = [
        # No column, so that an index is enough to count them.
        queryset.order_by().values(one=Value(1))[: most + 1].query.sql_with_params()
        for queryset in once
    ]
    # Nothing but what the ORM wrote, its parameters apart.
    counts = ", ".join(
        f"(SELECT count(*) FROM ({sql}) counted)"  # noqa: S608 # nosec B608
        for sql, _ in compiled
    )
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {counts}", [value for _, params in compiled for value in params])
        return dict(zip(once, cursor.fetchone(), strict=True))


def _of_missing(user: Any, today: date) -> Wanted:
    return (
        [board.missing(user, today)],
        {
            "label": "Alumnos sin ninguna sesión",
            "url": reverse("admin:board"),
            "note": "en acciones en curso",
            "is_warning": True,
        },
    )


def _of_sessions(user: Any, now: datetime, of_today: day_counts.Hours) -> list[Wanted]:
    sessions, today = _sessions(user), timezone.localdate(now)
    overlong = sessions.overlong(now)
    return [
        (
            of_today.opened.total(),
            {
                "label": "Abiertas hoy",
                "url": _sessions_url(abierta_desde=today, abierta_hasta=today),
            },
        ),
        (
            of_today.closed.total(),
            {
                "label": "Cerradas hoy",
                "url": _sessions_url(cerrada_desde=today, cerrada_hasta=today),
            },
        ),
        (
            # Which is `open_now`, of which the overlong ones are counted anyway.
            [sessions.within_limit(now), overlong],
            {"label": "Abiertas ahora", "url": _sessions_url(estado="en-curso")},
        ),
        (
            [overlong],
            {
                "label": "Abiertas más que el límite",
                "url": _sessions_url(estado="excedida"),
                "note": "por revisar",
                "is_warning": True,
            },
        ),
        (
            [sessions.requested()],
            {
                "label": "Solicitadas sin respuesta",
                "url": _sessions_url(estado="solicitada"),
                "note": "Sence no ha respondido",
            },
        ),
        (
            [sessions.requested().filter(between("requested_at", today, today))],
            {
                "label": "Sin respuesta, de hoy",
                "url": _sessions_url(
                    estado="solicitada", solicitada_desde=today, solicitada_hasta=today
                ),
            },
        ),
    ]


def _of_flagged(user: Any) -> Wanted:
    return (
        [within_scope(CallbackToReview.objects.pending(), user, "verdict__session__otec")],
        {
            "label": "Respuestas observadas",
            "url": list_url("backoffice_callbacktoreview"),
            "note": "no calzan con lo enviado o con la fecha",
            "is_warning": True,
        },
    )


def _of_alerts(user: Any, today: date) -> Wanted:
    since = start_of(today - WEEK)
    return (
        [within_scope(StaffAlert.objects.filter(hour__gte=since), user, "otec")],
        {
            "label": "Avisos al personal",
            "url": list_url("attendance_staffalert", hour__gte=since.isoformat()),
            "note": "de los últimos siete días",
            "is_warning": True,
        },
    )


def _by_day(counts: dict[date, day_counts.Hours]) -> Chart:
    points = [
        Point(
            label=f"{day:%d-%m}",
            title=date_format(day, "l j \\d\\e F"),
            opened=hours.opened.total(),
            closed=hours.closed.total(),
            opened_url=_sessions_url(abierta_desde=day, abierta_hasta=day),
            closed_url=_sessions_url(cerrada_desde=day, cerrada_hasta=day),
        )
        for day, hours in counts.items()
    ]
    return chart(points, label_every=2 if len(points) <= 14 else 5, labelled=len(points) - 1)


def _by_hour(counts: dict[date, day_counts.Hours], first: date, last: date) -> Chart:
    hours = day_counts.Hours()
    for day, of_day in counts.items():
        if day >= first:
            hours.add(of_day)
    points = [
        Point(
            label=f"{hour}",
            title=f"{hour}:00 a {hour}:59",
            opened=hours.opened[hour],
            closed=hours.closed[hour],
            opened_url=_sessions_url(abierta_desde=first, abierta_hasta=last, opened_at__hour=hour),
            closed_url=_sessions_url(cerrada_desde=first, cerrada_hasta=last, closed_at__hour=hour),
        )
        for hour in range(24)
    ]
    return chart(points, label_every=3)


def _errors(user: Any, first: date, last: date) -> list[Error]:
    """Return SENCE's refusals of these days by code, each session counted once for each code."""
    counts: Counter[str] = Counter()
    for glosas, sessions in _refused(user, first, last):
        for code in set(chain.from_iterable(map(_codes, glosas))):
            counts[code] += sessions
    found = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [_error(code, count, first, last) for code, count in found]


def _refused(user: Any, first: date, last: date) -> list[tuple[list[str], int]]:
    """Return how many sessions were refused with the same GlosaErrors: few are distinct."""
    refusals = CallbackVerdict.objects.filter(
        between("decided_at", first, last), outcome__in=REFUSED, session__isnull=False
    )
    sessions = (
        within_scope(refusals, user, "session__otec")
        .order_by()
        .values("session")
        .annotate(glosas=ArrayAgg("glosa", distinct=True))
        .values("glosas")
    )
    sql, params = sessions.query.sql_with_params()
    with connection.cursor() as cursor:
        # Nothing but what the ORM wrote, its parameters apart.
        cursor.execute(f"SELECT glosas, count(*) FROM ({sql}) one GROUP BY glosas", params)  # noqa: S608 # nosec B608
        return cursor.fetchall()


def _codes(glosa: str) -> list[str]:
    """Return each code of a GlosaError whole; an empty one where it says nothing at all."""
    return whole_codes(glosa) if glosa else [""]


def _error(code: str, count: int, first: date, last: date) -> Error:
    explanation = catalogue.explain([code])[0]
    return Error(
        code=code,
        count=count,
        url=_sessions_url(error=code or NO_CODE, error_desde=first, error_hasta=last),
        description=explanation.description,
        responsible=str(Responsible(explanation.responsible).label),
    )


def _ending(user: Any, today: date) -> dict[str, Any]:
    until = today + WEEK
    actions = Action.objects.running(today).filter(ends_on__lte=until)
    by_day = dict(
        within_scope(actions, user, "course__otec")
        .order_by("ends_on")
        .values_list("ends_on")
        .annotate(count=Count("pk"))
    )
    so_far = zip(by_day, accumulate(by_day.values()), strict=True)
    # Beyond the day on which there are enough, no action's students are counted.
    last = next((day for day, count in so_far if count >= MOST_ENDING), until)
    rows = board.running(user, today, last)
    rows.sort(key=lambda row: (row.ends_on, -row.missing, row.code))
    return {
        "ending": rows[:MOST_ENDING],
        "ending_count": sum(by_day.values()),
        "ending_until": until,
        "ending_url": list_url(
            "courses_action",
            ends_on__gte=today,
            ends_on__lte=until,
            starts_on__lte=today,
        ),
    }
