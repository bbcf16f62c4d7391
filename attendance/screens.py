"""What the session's page shows in each state of its life."""

from datetime import datetime, timedelta

from django.conf import settings

from attendance import alerts
from attendance.models import AttendanceSession, State, session_limit
from attendance.sence.incoming import error_codes
from attendance.starting import NO_TOKEN, sence_form
from courses.tokens import TokenUnavailableError
from errors_catalog import catalogue

WARNING = timedelta(minutes=10)
"""How long before the limit the student is warned (manual, recommendations on the timer)."""


def screen(session: AttendanceSession, now: datetime) -> tuple[str, dict]:
    """Return the template and the context that draw the session as it is at `now`."""
    draw = {
        State.REQUESTED: _requested,
        State.OPEN: _open if session.close_required else _no_close_needed,
        State.CLOSED: _closed,
        State.REJECTED: _rejected,
    }[session.state]
    name, context = draw(session, now)
    not_ready = catalogue.text("not_ready", curso=session.course_name)
    return f"attendance/{name}.html", {"session": session, "not_ready": not_ready, **context}


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


def as_hours(seconds: int) -> str:
    """Return `0:00:02` for 2 seconds, as the guide's timer shows it."""
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _requested(session: AttendanceSession, now: datetime) -> tuple[str, dict]:
    if not session.is_live:
        # Its form would open a second session at SENCE, beside the one that took its place.
        return "set_aside", {}
    return "requested", {"form": _form(session, "open", now)}


def _open(session: AttendanceSession, now: datetime) -> tuple[str, dict]:
    timer = clock(session, now)
    return "open", {
        "clock": timer,
        "elapsed": as_hours(timer["elapsed"]),
        "form": _form(session, "close", now),
        "explanations": _explanations(session),
        "limit_reminder": catalogue.text("limit_reminder", horas=settings.SENCE_SESSION_HOURS),
        "limit_near": catalogue.text("limit_near", minutos=WARNING.seconds // 60),
        "limit_passed": catalogue.text("limit_passed", horas=settings.SENCE_SESSION_HOURS),
    }


def _no_close_needed(session: AttendanceSession, now: datetime) -> tuple[str, dict]:
    return "no_close_needed", {}


def _closed(session: AttendanceSession, now: datetime) -> tuple[str, dict]:
    return "closed", {"elapsed": as_hours(int(session.duration(now).total_seconds()))}


def _rejected(session: AttendanceSession, now: datetime) -> tuple[str, dict]:
    return "rejected", {"explanations": _explanations(session)}


def _explanations(session: AttendanceSession) -> list[catalogue.Explanation]:
    return catalogue.explain(error_codes(session.error_glosa)) if session.error_at else []


def _form(session: AttendanceSession, phase: str, now: datetime) -> dict | None:
    try:
        return sence_form(session, phase)
    except TokenUnavailableError as error:
        alerts.raise_alert(session, NO_TOKEN, str(error), now)
        return None
