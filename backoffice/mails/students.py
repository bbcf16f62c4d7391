"""Mails that staff write to the students of an action who have not connected yet."""

import hashlib
from datetime import datetime

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet

from attendance.models import SentMail
from backoffice import board
from backoffice.mails import outbox
from backoffice.mails.compose import site_address
from courses.models import Action, Enrolment
from courses.scope import otec_ids
from errors_catalog import catalogue
from errors_catalog.placeholders import fill, names_in

PLACEHOLDERS = {
    "nombre": "el nombre del alumno",
    "curso": "el nombre del curso",
    "inicio": "la fecha de inicio",
    "termino": "la fecha de término",
    "sitio": "la dirección de la página de asistencia",
    "correo": "el correo de contacto",
    "telefonos": "los teléfonos de contacto",
}
"""What staff may put between braces in a mail, and what it stands for."""


def unknown_placeholders(*texts: str) -> set[str]:
    """Return the `{placeholders}` that would reach the student as they were typed."""
    return set().union(*(names_in(text) for text in texts)) - set(PLACEHOLDERS)


def students_to_write_to(action: Action) -> QuerySet[Enrolment]:
    """The action's enrolments without a confirmed session, with an address to write to.

    Neither withdrawn nor exempt: SENCE expects a session of all of these.
    """
    return (
        board.without_session(action)
        .exclude(student__email="")
        .select_related("student", "action__course")
    )


def write_to_students_without_session(
    action: Action, user: User, subject: str, body: str, now: datetime
) -> int:
    """Queue the mail to each of `students_to_write_to`, its placeholders filled.

    Returns how many are new: the same text goes to an enrolment once, whoever sends it again. The
    permission is the page's to check. Raises PermissionDenied where the action belongs to an OTEC
    that the user doesn't work for.
    """
    ids = otec_ids(user)
    if ids is not None and action.course.otec_id not in ids:
        raise PermissionDenied
    with transaction.atomic():
        # Locked: two who press at once are told numbers that add up.
        Action.objects.select_for_update(no_key=True).get(pk=action.pk)
        return outbox.queue(
            _mail(enrolment, (subject, body), user, now)
            for enrolment in students_to_write_to(action)
        )


def _mail(enrolment: Enrolment, texts: tuple[str, str], user: User, now: datetime) -> SentMail:
    values = placeholder_values(enrolment)
    subject, body = (fill(text, values) for text in texts)
    return outbox.mail(
        SentMail.Kind.NO_SESSION,
        f"{enrolment.pk}:{hashlib.sha256(repr(texts).encode()).hexdigest()[:32]}",
        to=[enrolment.student.email],
        subject=subject,
        body=body,
        now=now,
        otec_id=enrolment.action.course.otec_id,
        enrolment=enrolment,
        created_by=user,
    )


def placeholder_values(enrolment: Enrolment) -> dict[str, object]:
    """Return what each of PLACEHOLDERS stands for in a mail to the enrolment's student."""
    contact, action = catalogue.contact(), enrolment.action
    return {
        "nombre": enrolment.student.full_name or "alumno o alumna",
        "curso": action.course.name,
        "inicio": f"{action.starts_on:%d-%m-%Y}",
        "termino": f"{action.ends_on:%d-%m-%Y}",
        "sitio": site_address(),
        "correo": contact.email,
        "telefonos": " y ".join(contact.phones),
    }
