"""The coordinators' daily mail: what happened yesterday, what is open now, who has not connected.

Everything is counted for all OTECs at once and told to each of them apart.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Sum, Value
from django.urls import reverse
from django.utils import timezone

from attendance.models import AttendanceSession, CallbackVerdict, SentMail, StaffAlert
from attendance.sence.incoming import error_codes
from backoffice import board
from backoffice.desk import list_url
from backoffice.mails import outbox
from backoffice.mails.alerts import coordinators_of, label_of
from backoffice.mails.compose import absolute, body
from backoffice.review.filters import NO_CODE, REFUSED, between, start_of
from courses.models import Otec
from errors_catalog import catalogue

MAX_ROWS = 30
"""How many actions, errors or alerts a mail lists; the rest is behind a link."""


@dataclass
class News:
    """What there is to tell one OTEC."""

    numbers: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    alerts: Counter[tuple[str, str]] = field(default_factory=Counter)
    missing: list[board.Row] = field(default_factory=list)

    def __bool__(self) -> bool:
        # That a session is open now is no reason to write: it is in the digest of the day after.
        happened = any(count for name, count in self.numbers.items() if name != "open")
        return happened or bool(self.errors or self.alerts or self.missing)


@dataclass
class Result:
    """How many digests are new, had been asked for before, and had nothing to say."""

    queued: int = 0
    known: int = 0
    empty: int = 0


def queue_digests(day: date, now: datetime) -> Result:
    """Queue the digest of a day (of Chile's calendar) for each OTEC that has something to read.

    Once an OTEC and day, however often and however late it is asked for. "Now" in it is `now`.
    """
    news = _news(day, now)
    otecs = list(Otec.objects.order_by("pk"))
    mails = [_mail(otec, news[otec.pk], day, now) for otec in otecs if news[otec.pk]]
    queued = outbox.queue(mails)
    return Result(queued=queued, known=len(mails) - queued, empty=len(otecs) - len(mails))


def _news(day: date, now: datetime) -> dict[int, News]:
    found: dict[int, News] = defaultdict(News)
    for otec_id, name, count in _counted(day, now):
        found[otec_id].numbers[name] = count
    for otec_id, code in _refused(day):
        found[otec_id].errors[code] += 1
    for otec_id, action_code, code, count in _alerts(day):
        found[otec_id].alerts[action_code, code] = count
    # No one in particular: a user without a scope works for all of them.
    for row in board.running(AnonymousUser(), timezone.localdate(now)):
        if row.missing:
            found[row.otec_id].missing.append(row)
    return found


def _counted(day: date, now: datetime) -> Iterable[tuple[int, str, int]]:
    """Count the sessions of each OTEC by what they are, all in one query."""
    sessions = AttendanceSession.objects.order_by()
    wanted = {
        "opened": sessions.filter(between("opened_at", day, day)),
        "closed": sessions.filter(between("closed_at", day, day)),
        "unanswered": sessions.requested().filter(between("requested_at", day, day)),
        "open": sessions.open_now(now),
        "overlong": sessions.overlong(now),
    }
    first, *others = (
        queryset.values_list("otec_id", Value(name)).annotate(count=Count("pk"))
        for name, queryset in wanted.items()
    )
    return first.union(*others, all=True)


def _refused(day: date) -> Iterable[tuple[int, str]]:
    """SENCE's refusals of the day as the list of sessions counts them: OTEC and code, each session
    once for each code."""
    refusals = (
        CallbackVerdict.objects.order_by()
        .filter(between("decided_at", day, day), outcome__in=REFUSED, session__isnull=False)
        .values_list("session__otec_id", "session_id", "glosa")
    )
    each = {
        (otec_id, session_id, code)
        for otec_id, session_id, glosa in refusals.distinct()
        # An error may come without a code.
        for code in error_codes(glosa) or [""]
    }
    return [(otec_id, code) for otec_id, _, code in each]


def _alerts(day: date) -> Iterable[tuple[int, str, str, int]]:
    return (
        StaffAlert.objects.order_by()
        .filter(between("hour", day, day))
        .values_list("otec_id", "action_code", "code")
        .annotate(times=Sum("count"))
    )


def _mail(otec: Otec, news: News, day: date, now: datetime) -> SentMail:
    context = {
        "otec": otec,
        "day": day,
        "now": timezone.localtime(now),
        "numbers": _numbers(otec, news, day),
        "now_numbers": _now_numbers(otec, news),
        "errors": _errors(otec, news, day),
        "alerts": _listed_alerts(otec, news, day),
        "missing": _missing(otec, news),
    }
    return outbox.mail(
        SentMail.Kind.DIGEST,
        f"{otec.pk}:{day}",
        to=coordinators_of(otec),
        subject=f"Asistencia Sence, resumen del {day:%d-%m-%Y}: {otec.name}",
        body=body("digest", context),
        now=now,
        otec=otec,
    )


def _line(text: str, path: str) -> str:
    return f"{text} <{absolute(path)}>"


def _sessions(otec: Otec, **filters: object) -> str:
    return list_url("attendance_attendancesession", otec__id__exact=otec.pk, **filters)


def _numbers(otec: Otec, news: News, day: date) -> list[str]:
    asked = {"solicitada_desde": day, "solicitada_hasta": day}
    return [
        _line(
            f"Abiertas: {news.numbers['opened']}",
            _sessions(otec, abierta_desde=day, abierta_hasta=day),
        ),
        _line(
            f"Cerradas: {news.numbers['closed']}",
            _sessions(otec, cerrada_desde=day, cerrada_hasta=day),
        ),
        _line(
            f"Solicitadas que siguen sin respuesta: {news.numbers['unanswered']}",
            _sessions(otec, estado="solicitada", **asked),
        ),
    ]


def _now_numbers(otec: Otec, news: News) -> list[str]:
    return [
        _line(f"Abiertas: {news.numbers['open']}", _sessions(otec, estado="en-curso")),
        _line(
            f"Abiertas más tiempo que el límite, por revisar: {news.numbers['overlong']}",
            _sessions(otec, estado="excedida"),
        ),
    ]


def _errors(otec: Otec, news: News, day: date) -> list[str]:
    return [
        _line(
            f"{_named(code)}: {_sessions_of(count)}",
            _sessions(otec, error=code or NO_CODE, error_desde=day, error_hasta=day),
        )
        for code, count in news.errors.most_common(MAX_ROWS)
    ]


def _named(code: str) -> str:
    description = catalogue.explain([code])[0].description
    return f"{code}, {description.rstrip('.')}" if code else description.rstrip(".")


def _sessions_of(count: int) -> str:
    return f"{count} sesión" if count == 1 else f"{count} sesiones"


def _listed_alerts(otec: Otec, news: News, day: date) -> list[str]:
    hours = {
        "hour__gte": start_of(day).isoformat(),
        "hour__lt": start_of(day + timedelta(days=1)).isoformat(),
    }
    return [
        _line(
            f"Acción {action_code}, {label_of(code)}: {_times(count)}",
            list_url(
                "attendance_staffalert",
                otec__id__exact=otec.pk,
                action_code__exact=action_code,
                code__exact=code,
                **hours,
            ),
        )
        for (action_code, code), count in news.alerts.most_common(MAX_ROWS)
    ]


def _times(count: int) -> str:
    return f"{count} vez" if count == 1 else f"{count} veces"


def _missing(otec: Otec, news: News) -> list[str]:
    listed = [
        _line(
            f"{row.code} · {row.course_name}: {row.missing} de {row.expected} sin ninguna sesión, "
            f"{row.days_left_in_words} (termina el {row.ends_on:%d-%m-%Y})",
            row.url,
        )
        for row in news.missing[:MAX_ROWS]
    ]
    others = len(news.missing) - len(listed)
    if others:
        board_path = reverse("admin:board", query={"otec": otec.pk})
        listed.append(_line(f"Otras acciones con alumnos sin conexión: {others}", board_path))
    return listed
