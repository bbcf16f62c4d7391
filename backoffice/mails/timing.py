"""Which sessions their students are written to about: those that only they can close."""

from datetime import datetime, timedelta

from attendance.models import AttendanceSession, AttendanceSessionQuerySet, session_limit
from attendance.screens import WARNING

PAST_FOR = timedelta(days=3)
"""How long past the limit a student is still written to: SENCE answers 301 to a very late close."""


def to_close() -> AttendanceSessionQuerySet:
    """Open sessions that their students are asked to close, and can."""
    return AttendanceSession.objects.open().filter(
        close_required=True, resolved_at=None, superseded_at=None
    )


def _enrolled() -> AttendanceSessionQuerySet:
    """Those of them whose students nobody withdrew: staff alone write to the others."""
    return to_close().filter(enrolment__withdrawn_at=None)


def near_limit(now: datetime) -> AttendanceSessionQuerySet:
    """Those in their last ten minutes, by the same bounds as the timer on the student's page."""
    near_since = now - (session_limit() - WARNING)
    return _enrolled().within_limit(now).filter(opened_at__lte=near_since)


def past_limit(now: datetime) -> AttendanceSessionQuerySet:
    """Those past the limit, unless for so long that closing them is for staff to look at."""
    oldest = now - session_limit() - PAST_FOR
    return _enrolled().overlong(now).filter(opened_at__gte=oldest)
