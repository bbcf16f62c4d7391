"""Nothing that names people is kept for longer than it is needed for.

Each rule finds what is past its time and takes it away, some thousands at a time. What SENCE
and students did stays: it is evidence, and holds a RUN but no name.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from axes.models import AccessAttempt, AccessLog
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from attendance.models import AttendanceSession, SentMail
from backoffice.models import (
    SECURITY_EVENTS_KEPT,
    RosterUpload,
    RosterUploadQuerySet,
    SecurityEvent,
)
from backoffice.privacy.anonymise import GONE, StillLiveError, anonymise, blank, not_blank
from courses.models import Enrolment, RejectedRow, Student

BATCH = 1000


@dataclass(frozen=True)
class Rule:
    """What is past its time, in words and as rows, and what is done to a batch of it."""

    words: str
    find: Callable[[datetime], QuerySet]
    take_away: Callable[[Any], Any]


def _before(now: datetime, days: int) -> datetime:
    return now - timedelta(days=days)


def _students(now: datetime) -> QuerySet[Student]:
    """Those with a name or an e-mail whose last action ended too long ago."""
    since = _before(now, settings.STUDENT_DATA_DAYS)
    last_day = timezone.localdate(since)
    enrolments = Enrolment.objects.filter(student=OuterRef("pk"))
    named = ~Q(given_names="", surnames="", email="")
    live = AttendanceSession.objects.live().filter(enrolment__student=OuterRef("pk"))
    recent = enrolments.filter(Q(action__ends_on__gte=last_day) | Q(created_at__gte=since))
    return Student.objects.filter(named, ~Exists(recent), ~Exists(live), Exists(enrolments))


def _anonymise(students: QuerySet[Student]) -> None:
    for student in students:
        try:
            anonymise(student)
        except StillLiveError:
            # Since it was looked for.
            continue


def _delete(rows: QuerySet) -> None:
    rows.delete()


RULES = [
    Rule("alumnos sin curso vigente: nombre y correo", _students, _anonymise),
    Rule(
        "correos enviados: texto y destinatario",
        lambda now: not_blank(
            SentMail.objects.filter(sent_at__lt=_before(now, settings.MAIL_TEXT_DAYS))
        ),
        blank,
    ),
    Rule(
        "archivos de nóminas subidas, y lo que se vio de ellos",
        lambda now: RosterUpload.objects.naming_people().filter(
            uploaded_at__lt=_before(now, settings.ROSTER_FILE_DAYS)
        ),
        RosterUploadQuerySet.forget,
    ),
    Rule(
        "filas rechazadas de nóminas: valores",
        lambda now: RejectedRow.objects.filter(
            roster_import__loaded_at__lt=_before(now, settings.ROSTER_FILE_DAYS)
        ).exclude(value__in=["", GONE]),
        lambda rows: rows.update(value=GONE),
    ),
    Rule(
        "registro de seguridad",
        lambda now: SecurityEvent.objects.filter(at__lt=now - SECURITY_EVENTS_KEPT),
        _delete,
    ),
    Rule(
        "intentos de ingreso",
        lambda now: AccessAttempt.objects.filter(attempt_time__lt=_before(now, 90)),
        _delete,
    ),
    Rule(
        "ingresos que guarda django-axes",
        lambda now: AccessLog.objects.filter(attempt_time__lt=_before(now, 90)),
        _delete,
    ),
    Rule(
        "sesiones vencidas del personal y de los alumnos",
        lambda now: Session.objects.filter(expire_date__lt=now),
        _delete,
    ),
]


def apply(rule: Rule, now: datetime) -> Iterator[int]:
    """Take away what is past its time, and tell after each batch how many rows it had."""
    ids = list(rule.find(now).order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), BATCH):
        batch = ids[start : start + BATCH]
        rule.take_away(rule.find(now).filter(pk__in=batch))
        yield len(batch)
