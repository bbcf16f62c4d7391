"""Mails to students whose session is open for too long, or about to be."""

from datetime import datetime

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from attendance import lookups
from attendance.models import (
    AttendanceSession,
    AttendanceSessionQuerySet,
    SentMail,
    session_limit,
)
from backoffice.mails import outbox, timing
from backoffice.mails.compose import body
from courses.scope import otec_ids

SUBJECTS = {
    SentMail.Kind.NEAR_LIMIT: "Cierre su sesión Sence: {course}",
    SentMail.Kind.PAST_LIMIT: "Su sesión Sence sigue abierta: {course}",
    SentMail.Kind.REMINDER: "Recuerde cerrar su sesión Sence: {course}",
}


class Asked(models.TextChoices):
    """What became of a reminder that staff asked for."""

    QUEUED = "queued", "Recordatorio por enviar"
    ALREADY = "already", "Ya se le recordó en esta hora"
    NOT_OPEN = "not_open", "La sesión no espera un cierre del alumno"
    NO_ADDRESS = "no_address", "El alumno no tiene correo"


def remind(session: AttendanceSession, user: User, now: datetime) -> Asked:
    """Queue a reminder to close the session, asked for by staff: once a session and hour.

    The permission is the page's to check. Raises PermissionDenied where the session belongs to an
    OTEC that the user doesn't work for.
    """
    ids = otec_ids(user)
    if ids is not None and session.otec_id not in ids:
        raise PermissionDenied
    with transaction.atomic():
        # Locked: of two who ask at once, one is told that it was asked already.
        lookups.locked(session.public_id)
        current = _with_student(timing.to_close()).filter(pk=session.pk).first()
        if current is None:
            return Asked.NOT_OPEN
        if not current.enrolment.student.email:
            return Asked.NO_ADDRESS
        mail = _mail(SentMail.Kind.REMINDER, current, now, asked_by=user)
        return Asked.QUEUED if outbox.queue([mail]) else Asked.ALREADY


def queue_near_limit(now: datetime) -> int:
    """Queue a mail for each session that came within ten minutes of the limit, once each."""
    return _queue(SentMail.Kind.NEAR_LIMIT, timing.near_limit(now), now)


def queue_past_limit(now: datetime) -> int:
    """Queue a mail for each session that went past the limit, once each."""
    return _queue(SentMail.Kind.PAST_LIMIT, timing.past_limit(now), now)


def _queue(kind: SentMail.Kind, sessions: AttendanceSessionQuerySet, now: datetime) -> int:
    written_to = SentMail.objects.filter(session=OuterRef("pk"), kind=kind)
    pending = sessions.exclude(Exists(written_to)).exclude(enrolment__student__email="")
    return outbox.queue(_mail(kind, session, now) for session in _with_student(pending))


def _with_student(sessions: AttendanceSessionQuerySet) -> AttendanceSessionQuerySet:
    return sessions.select_related("enrolment__student")


def _mail(
    kind: SentMail.Kind, session: AttendanceSession, now: datetime, asked_by: User | None = None
) -> SentMail:
    assert session.opened_at  # noqa: S101 - for mypy: they are all open
    student = session.enrolment.student
    context = {
        "student": student,
        "session": session,
        "opened_at": timezone.localtime(session.opened_at),
        "close_before": timezone.localtime(session.opened_at + session_limit()),
        "is_past": session.is_past_limit(now),
    }
    return outbox.mail(
        kind,
        f"{session.pk}:{now:%Y%m%d%H}" if asked_by else f"{session.pk}",
        to=[student.email],
        subject=SUBJECTS[kind].format(course=session.course_name),
        body=body("close_session", context),
        now=now,
        otec_id=session.otec_id,
        session=session,
        enrolment_id=session.enrolment_id,
        created_by=asked_by,
    )
