"""Everything that is kept of one student, for whoever has a right to ask for it."""

from datetime import datetime
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Replace
from django.utils import timezone

from attendance.models import AttendanceSession, Outcome, SenceCallback, SentMail
from courses.models import Enrolment, RejectedRow, Student

SPOKEN = {
    "course_name": "curso", "environment": "ambiente", "otec_rut": "RutOtec",
    "sence_code": "CodSence", "action_code": "CodigoCurso", "training_line": "LineaCapacitacion",
    "run": "RunAlumno", "student_session_id": "IdSesionAlumno", "sence_session_id": "IdSesionSence",
    "requested_at": "solicitada", "opened_at": "abierta", "closed_at": "cerrada",
    "rejected_at": "rechazada", "superseded_at": "reemplazada",
    "opened_sence_time": "FechaHora del inicio", "opened_sence_zone": "ZonaHoraria del inicio",
    "closed_sence_time": "FechaHora del cierre", "closed_sence_zone": "ZonaHoraria del cierre",
    "error_glosa": "GlosaError", "error_at": "error recibido", "resolved_at": "resuelta",
    "resolution": "motivo de la resolución",
}  # fmt: skip
"""What is told of a session, in its own words. The nonce and the address that follows from it are
secrets of the attempt, and say nothing of the person."""


def everything_of(student: Student) -> dict[str, Any]:
    """Return what is kept of the student, in Spanish, of texts, numbers, lists and dictionaries."""
    enrolments = student.enrolments.select_related("action__course__otec").order_by("pk")
    return {
        "exportado": said(timezone.now()),
        "alumno": {
            "RUN": student.run,
            "nombres": student.given_names,
            "apellidos": student.surnames,
            "correo": student.email,
        },
        "inscripciones": [_enrolment(enrolment) for enrolment in enrolments],
        "respuestas de SENCE sin sesión que lo nombran": [
            _answer(answer) for answer in unmatched_answers(student)
        ],
        "correos": [
            {
                "tipo": mail.get_kind_display(),
                "para": mail.recipients,
                "asunto": mail.subject,
                "texto": mail.body,
                "escrito": said(mail.created_at),
                "enviado": said(mail.sent_at),
            }
            for mail in mails_to(student).order_by("pk")
        ],
        "filas rechazadas de nóminas": [
            {"carga": str(row.roster_import), "línea": row.line, "valor": row.value}
            for row in rejected_rows(student).select_related("roster_import")
        ],
        "historial de lo que hizo el personal": [
            {
                "cuándo": said(entry.action_time),
                "sobre": entry.object_repr,
                "qué": entry.get_change_message(),
            }
            for entry in history_of(student).order_by("pk")
        ],
    }


def mails_to(student: Student) -> QuerySet[SentMail]:
    return SentMail.objects.filter(enrolment__student=student)


def rejected_rows(student: Student) -> QuerySet[RejectedRow]:
    """Rows of rosters that named the student, by RUN, whole name or e-mail, and were refused."""
    number, _, digit = student.run.partition("-")
    # However it was typed, its check digit wrong or missing; but no longer number.
    own = Q(undotted__iregex=rf"(^|[^0-9])0*{number}([^0-9]|$|{digit}([^0-9-]|$))")
    for value in (student.email, student.full_name):
        own |= Q(value__iexact=value) if value else Q()
    rows = RejectedRow.objects.annotate(undotted=Replace("value", Value("."), Value("")))
    return rows.filter(own)


def history_of(student: Student) -> QuerySet[LogEntry]:
    """What staff did with the student, their enrolments and their sessions."""
    rows = {
        Student: [student.pk],
        Enrolment: student.enrolments.values_list("pk", flat=True),
        AttendanceSession: AttendanceSession.objects.filter(enrolment__student=student).values_list(
            "pk", flat=True
        ),
    }
    found = Q(pk=None)
    for model, ids in rows.items():
        kind = ContentType.objects.get_for_model(model)
        found |= Q(content_type=kind, object_id__in=[str(pk) for pk in ids])
    return LogEntry.objects.filter(found)


def unmatched_answers(student: Student) -> list[SenceCallback]:
    """Answers of SENCE's that belong to no session of ours and have the student's RUN in them."""
    run = student.run.encode()
    unmatched = SenceCallback.objects.filter(verdict__outcome=Outcome.UNMATCHED).order_by("pk")
    return [answer for answer in unmatched.iterator() if run in bytes(answer.body).lower()]


def said(value: Any) -> Any:
    """Return a moment by Chile's clocks; anything else as it is."""
    if not isinstance(value, datetime):
        return value
    return f"{timezone.localtime(value):%d-%m-%Y %H:%M:%S}"


def _enrolment(enrolment: Enrolment) -> dict[str, Any]:
    sessions = enrolment.sessions.order_by("pk")
    return {
        "OTEC": enrolment.action.course.otec.name,
        "curso": enrolment.action.course.name,
        "acción": enrolment.action.code,
        "becario": "sí" if enrolment.is_exempt else "no",
        "inscrito": said(enrolment.created_at),
        "retirado": said(enrolment.withdrawn_at),
        "sesiones": [_session(session) for session in sessions],
    }


def _session(session: AttendanceSession) -> dict[str, Any]:
    answers = SenceCallback.objects.filter(public_id=session.public_id).order_by("pk")
    told = {words: said(getattr(session, name)) for name, words in SPOKEN.items()}
    return {
        **{words: value for words, value in told.items() if value not in (None, "")},
        "respuestas de SENCE": [_answer(answer) for answer in answers.select_related("verdict")],
    }


def _answer(answer: SenceCallback) -> dict[str, Any]:
    verdict = getattr(answer, "verdict", None)
    return {
        "recibida": said(answer.received_at),
        "fase": answer.get_phase_display(),
        "contenido": bytes(answer.body).decode("utf-8", errors="replace"),
        "resultado": verdict.get_outcome_display() if verdict else "Por aplicar",
    }
