"""What coordinators have to fix, said once an action, code and hour."""

from datetime import datetime

from django.core.mail import EmailMessage
from django.db.models import F

from attendance.models import AttendanceSession, StaffAlert

MAX_CODE = 20


def raise_alert(session: AttendanceSession, code: str, reason: str, now: datetime) -> None:
    """Keep the alert, or count it where the session's action had the same code in this hour."""
    StaffAlert.objects.update_or_create(
        otec_id=session.otec_id,
        action_code=session.action_code,
        code=code[:MAX_CODE],
        hour=now.replace(minute=0, second=0, microsecond=0),
        defaults={"count": F("count") + 1},
        create_defaults={"reason": reason, "raised_at": now},
    )


def send_pending(recipients: list[str], now: datetime) -> int:
    """Mail the alerts that have not been mailed, in one message; return how many.

    Raises what the mail server raises: nothing is then marked as sent, and the next run sends it.
    """
    alerts = list(StaffAlert.objects.filter(mailed_at=None))
    if not alerts or not recipients:
        return 0
    lines = [
        f"Acción {a.action_code} · código {a.code} · {a.count} vez/veces\n{a.reason}"
        for a in alerts
    ]
    EmailMessage(
        subject=f"Asistencia Sence: {len(alerts)} aviso(s) para coordinación",
        body="\n\n".join(lines),
        to=recipients,
    ).send()
    StaffAlert.objects.filter(pk__in=[a.pk for a in alerts]).update(mailed_at=now)
    return len(alerts)
