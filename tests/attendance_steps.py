"""What tests of attendance do again and again: start, answer as SENCE does, look again."""

from urllib.parse import urlencode

from django.test import Client
from django.utils import timezone

from attendance.models import AttendanceSession
from attendance.sence.callback_urls import PATHS
from attendance.starting import start
from tests.factories import EnrolmentFactory


def requested(enrolment=None, at=None) -> AttendanceSession:
    """A session that the student has just asked for."""
    return start((enrolment or EnrolmentFactory()).pk, at or timezone.now())


def opened(enrolment=None, at=None) -> AttendanceSession:
    """A session that SENCE opened, through its callback's domain call."""
    at = at or timezone.now()
    session = requested(enrolment, at)
    session.mark_opened("sence-1", at, time="2026-11-23 10:00:00", zone="America/Santiago")
    return session


def answer(session: AttendanceSession, **changes: str | None) -> dict[str, str]:
    """The fields of SENCE's opening callback for the session; None leaves a field out."""
    fields = {
        "CodSence": session.sence_code,
        "CodigoCurso": session.action_code,
        "IdSesionAlumno": session.student_session_id,
        "IdSesionSence": "sence-1",
        "RunAlumno": session.run,
        "FechaHora": "2026-11-23 10:00:00",
        "ZonaHoraria": "America/Santiago",
        "LineaCapacitacion": str(session.training_line),
    } | changes
    return {name: value for name, value in fields.items() if value is not None}


def post(session: AttendanceSession | str, phase: str, fields, *, error: bool = False, client=None):
    """POST to one of the session's callback URLs as a browser does coming from SENCE: cross-site,
    no cookie, no CSRF token. `fields` is a dict or the raw body."""
    nonce = session if isinstance(session, str) else session.nonce
    body = fields if isinstance(fields, bytes) else urlencode(fields).encode()
    return (client or Client(enforce_csrf_checks=True)).post(
        PATHS[phase, error].format(nonce=nonce),
        data=body,
        content_type="application/x-www-form-urlencoded",
        headers={"origin": "https://sistemas.sence.cl", "sec-fetch-site": "cross-site"},
    )


def again(session: AttendanceSession) -> AttendanceSession:
    """The session as it is in the database now."""
    return AttendanceSession.objects.get(pk=session.pk)
