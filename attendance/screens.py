"""What the session's page shows in each state of its life."""

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from html import escape
from urllib.parse import quote, urlencode

from django.utils import timezone
from django.utils.safestring import SafeString

from attendance import alerts
from attendance.models import AttendanceSession, State, session_limit
from attendance.sence.incoming import error_codes
from attendance.starting import NO_TOKEN, sence_form
from courses.tokens import TokenUnavailableError
from errors_catalog import catalogue

WARNING = timedelta(minutes=10)
"""How long before the limit the student is warned (manual, recommendations on the timer)."""
NEW = timedelta(minutes=1)
"""How long a session that was asked for, or an error that came, passes for new."""
WRONG_PERSON = {"207", "311"}
"""Errors of SENCE's after which another RUT may be what it takes (manual, table of errors)."""


MINUTES = WARNING.seconds // 60
TIMER: dict[str, Hashable] = {
    "minutes": MINUTES,
    "title_near": f"Quedan menos de {MINUTES} minutos",
    "title_past": "Cierre su sesión ahora",
    "limit_reminder": partial(catalogue.text, "limit_reminder"),
    "limit_near": partial(catalogue.text, "limit_near", minutos=MINUTES),
    "limit_passed": partial(catalogue.text, "limit_passed"),
    "notify_on": partial(catalogue.text, "notify_on", minutos=MINUTES),
}
"""What the timer's page says, of every session."""


@dataclass(frozen=True)
class PastSession:
    """A session that SENCE confirmed, as a line of the student's own list."""

    opened_at: datetime | None
    closed_at: datetime | None
    duration: str
    note: str
    to_close: str
    """The address of its page, where it still waits for a close; or ""."""


Part = tuple[dict[str, Hashable], dict[str, str]]
"""What a page is `drawn` of, and what is its `own`: of `errors_catalog.kept_pages.render_kept`."""


def screen(session: AttendanceSession, now: datetime) -> tuple[str, Part]:
    """Return the template, and of what it draws the session as it is at `now`."""
    draw = {
        State.REQUESTED: _requested,
        State.OPEN: _open if session.close_required else _no_close_needed,
        State.CLOSED: _closed,
        State.REJECTED: _rejected,
    }[session.state]
    name, parts = draw(session, now)
    drawn: dict[str, Hashable] = {
        "state": session.state,
        "is_opened": session.opened_at is not None,
        "is_superseded": session.superseded_at is not None,
        "is_settled": session.is_settled,
    }
    own = {
        "public_id": str(session.public_id),
        "course_name": session.course_name,
        **_moment("opened", session.opened_at),
    }
    for more_drawn, more_own in parts:
        drawn |= more_drawn
        own |= more_own
    return f"attendance/{name}.html", (drawn, own)


def _moment(name: str, at: datetime | None) -> dict[str, str]:
    """Return the day and the time of it, in Chile, by `opened_day` and `opened_time`, say."""
    if at is None:
        return {}
    local = timezone.localtime(at)
    return {f"{name}_day": f"{local:%d-%m-%Y}", f"{name}_time": f"{local:%H:%M}"}


def clock(session: AttendanceSession, now: datetime) -> dict:
    """Return the timer in seconds (`elapsed`, `limit`, `warning` before it) and its `tone`."""
    elapsed = session.duration(now)
    limit = session_limit()
    tone = "normal"
    if elapsed > limit:
        tone = "past"
    elif elapsed >= limit - WARNING:
        tone = "near"
    return {
        "elapsed": int(elapsed.total_seconds()),
        "limit": int(limit.total_seconds()),
        "warning": int(WARNING.total_seconds()),
        "tone": tone,
    }


def came_back(session: AttendanceSession, now: datetime, *, seen: bool) -> bool:
    """Whether the student may have been at SENCE since the session was asked for.

    Nobody tells us of a press of the button. But who saw the page before (`seen`), or comes to it
    when it is no longer new, is told that no answer came, which is true either way.
    """
    return session.state == State.REQUESTED and (seen or session.requested_at < now - NEW)


def own_sessions(session: AttendanceSession, now: datetime) -> dict:
    """Return what the list of the sessions of this one's enrolment shows: what SENCE confirmed.

    `past` is a list of PastSession, the latest first; `total` the time of those that were closed.
    Durations are of our own clock. It takes one query.
    """
    enrolment = AttendanceSession.objects.filter(enrolment=session.enrolment_id)
    confirmed = list(enrolment.filter(opened_at__isnull=False).order_by("-opened_at"))
    closed = [found.duration(now) for found in confirmed if found.closed_at]
    return {
        "session": session,
        "past": [_past(found, now) for found in confirmed],
        "total": as_hours(_seconds(sum(closed, timedelta()))),
        "now": now,
    }


def _past(session: AttendanceSession, now: datetime) -> PastSession:
    note = ""
    if not session.closed_at:
        note = "Sence no ha confirmado un cierre"
        if not session.close_required:
            note = "No necesita cierre"
        elif session.is_live and not session.is_past_limit(now):
            note = "En curso"
    return PastSession(
        opened_at=session.opened_at,
        closed_at=session.closed_at,
        duration=as_hours(_seconds(session.duration(now))) if session.closed_at else "",
        note=note,
        to_close=session.get_absolute_url() if _waits_for_its_close(session) else "",
    )


def _waits_for_its_close(session: AttendanceSession) -> bool:
    return session.state == State.OPEN and session.close_required and not session.is_settled


def _seconds(duration: timedelta) -> int:
    return int(duration.total_seconds())


def as_hours(seconds: int) -> str:
    """Return `0:00:02` for 2 seconds, as the guide's timer shows it."""
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _requested(session: AttendanceSession, now: datetime) -> tuple[str, list[Part]]:
    if not session.is_live:
        # Its form would open a second session at SENCE, beside the one that took its place.
        return "set_aside", [({"is_resolved": session.resolved_at is not None}, {})]
    return "requested", [_form(session, "open", now)]


def _open(session: AttendanceSession, now: datetime) -> tuple[str, list[Part]]:
    timer = clock(session, now)
    own = {"seconds": str(timer["elapsed"]), "elapsed": as_hours(timer["elapsed"])}
    drawn = {name: timer[name] for name in ("tone", "limit", "warning")}
    return "open", [(drawn | TIMER, own), _form(session, "close", now), _error(session, now)]


def _no_close_needed(session: AttendanceSession, now: datetime) -> tuple[str, list[Part]]:
    return "no_close_needed", []


def _closed(session: AttendanceSession, now: datetime) -> tuple[str, list[Part]]:
    elapsed = as_hours(_seconds(session.duration(now)))
    return "closed", [({}, {"elapsed": elapsed, **_moment("closed", session.closed_at)})]


def _rejected(session: AttendanceSession, now: datetime) -> tuple[str, list[Part]]:
    return "rejected", [_error(session, now)]


def _error(session: AttendanceSession, now: datetime) -> Part:
    """Return the error that SENCE last answered with, if there is one, and a mail that tells it."""
    if session.error_at is None:
        return {}, {}
    codes = error_codes(session.error_glosa)
    drawn: dict[str, Hashable] = {
        "has_error": True,
        "explanations": tuple(catalogue.explain(codes)),
        "error_is_new": session.error_at > now - NEW,
        "wrong_person": not WRONG_PERSON.isdisjoint(codes),
    }
    mail = _error_mail(session, ", ".join(codes) or "sin número")
    return drawn, {"error_mail": mail, **_moment("error", session.error_at)}


def _error_mail(session: AttendanceSession, codes: str) -> str:
    """Return the link that begins a mail about the error. Without the RUT: links get around."""
    at = timezone.localtime(session.error_at)
    lines = [
        f"Error: {codes}",
        f"Curso: {session.course_name}",
        f"Acción: {session.action_code}",
        f"Fecha y hora: {at:%d-%m-%Y %H:%M}",
        "Mi nombre: ",
        "Mi Rut: ",
    ]
    said = {"subject": f"Error Sence {codes}", "body": "\r\n".join(lines)}
    return f"mailto:{catalogue.contact().email}?{urlencode(said, quote_via=quote)}"


def _form(session: AttendanceSession, phase: str, now: datetime) -> Part:
    """Return the form that leads to SENCE, or why there is none."""
    try:
        form = sence_form(session, phase)
    except TokenUnavailableError as error:
        alerts.raise_alert(session, NO_TOKEN, str(error), now, counts=False)
        return {}, {"not_ready": catalogue.text("not_ready", curso=session.course_name)}
    fields = "".join(
        f'<input type="hidden" name="{name}" value="{escape(value)}">'
        for name, value in form["fields"].items()
    )
    return {"sence_url": form["url"]}, {"sence_fields": SafeString(fields)}
