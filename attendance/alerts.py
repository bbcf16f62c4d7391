"""What coordinators have to fix, kept once an action, code and hour; `backoffice` mails it."""

from datetime import datetime

from django.db.models import F

from attendance.models import AttendanceSession, StaffAlert

MAX_CODE = 20


def raise_alert(
    session: AttendanceSession, code: str, reason: str, now: datetime, *, counts: bool = True
) -> None:
    """Keep the alert, or count it where the session's action had the same code in this hour.

    What doesn't count is kept once an hour all the same: a page that is looked at again, say.
    """
    StaffAlert.objects.update_or_create(
        otec_id=session.otec_id,
        action_code=session.action_code,
        code=code[:MAX_CODE],
        hour=now.replace(minute=0, second=0, microsecond=0),
        defaults={"count": F("count") + int(counts)},
        create_defaults={"reason": reason, "raised_at": now},
    )
