"""What tests of attendance do again and again: start, answer as SENCE does, look again."""

from urllib.parse import urlencode

from django.test import Client
from django.utils import timezone

from attendance.models import AttendanceSession, CallbackVerdict, SenceCallback
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
        "FechaHora": f"{timezone.localdate()} 10:00:00",
        "ZonaHoraria": "America/Santiago",
        "LineaCapacitacion": str(session.training_line),
    } | changes
    return {name: value for name, value in fields.items() if value is not None}


def closing(session: AttendanceSession, **changes: str | None) -> dict[str, str]:
    """The fields of SENCE's closing callback: the same without IdSesionSence."""
    return answer(session, **({"IdSesionSence": None} | changes))


def callback_path(session: AttendanceSession | str, phase: str, *, error: bool = False) -> str:
    nonce = session if isinstance(session, str) else session.nonce
    return PATHS[phase, error].format(nonce=nonce)


def post(
    session: AttendanceSession | str,
    phase: str,
    fields,
    *,
    error: bool = False,
    client=None,
    content_type="application/x-www-form-urlencoded",
):
    """POST to one of the session's callback URLs as a browser does coming from SENCE: cross-site,
    no cookie, no CSRF token. `fields` is a dict or the raw body."""
    body = fields if isinstance(fields, bytes) else urlencode(fields).encode()
    return (client or Client(enforce_csrf_checks=True)).generic(
        "POST",
        callback_path(session, phase, error=error),
        body,
        content_type=content_type,
        headers={"origin": "https://sistemas.sence.cl", "sec-fetch-site": "cross-site"},
    )


def again(session: AttendanceSession) -> AttendanceSession:
    """The session as it is in the database now."""
    return AttendanceSession.objects.get(pk=session.pk)


def facts(session: AttendanceSession) -> dict:
    """Everything that the database knows of the session, to see whether anything changed."""
    return AttendanceSession.objects.filter(pk=session.pk).values().get()


def outcomes(session: AttendanceSession) -> list[str]:
    """What became of the session's callbacks, in the order in which they were decided."""
    return list(session.verdicts.order_by("pk").values_list("outcome", flat=True))


def last_verdict() -> CallbackVerdict:
    """The verdict on the callback kept last; every callback has one once it was applied."""
    return SenceCallback.objects.latest("pk").verdict


def page(session: AttendanceSession, client: Client | None = None) -> str:
    """The session's page, as the student reads it."""
    response = (client or Client()).get(session.get_absolute_url())
    assert response.status_code == 200
    return response.content.decode()


def identified(enrolment) -> Client:
    """A browser in which the enrolment's student has just typed the RUT."""
    client = Client()
    client.post("/", {"rut": enrolment.student.run})
    return client


def choose(client: Client, enrolment):
    """Choose the enrolment's course in the list, and press Continuar."""
    return client.post("/cursos/", {"enrolment": enrolment.pk})
