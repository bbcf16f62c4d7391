"""Who of the staff looked at whose data: a line in the security log for each such page.

A person is named by the number of the row, which says nothing to whoever has the log alone.
"""

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from backoffice.models import SecurityEvent
from backoffice.security_log import record

OF_ONE = {
    "courses_student_change": "Alumno",
    "courses_student_history": "Historial del alumno",
    "courses_enrolment_change": "Inscripción",
    "courses_enrolment_history": "Historial de la inscripción",
    "attendance_attendancesession_change": "Sesión",
    "attendance_attendancesession_history": "Historial de la sesión",
    "attendance_sencecallback_change": "Respuesta de SENCE",
    "backoffice_callbacktoreview_change": "Respuesta por revisar",
    "attendance_sentmail_change": "Correo",
    "board_students": "Alumnos de la acción",
    "courses_rosterimport_change": "Carga",
    "upload": "Subida",
    "upload_report": "Filas rechazadas de la carga",
}
SEARCHED = {
    "courses_student_changelist": "alumnos",
    "courses_enrolment_changelist": "inscripciones",
    "attendance_attendancesession_changelist": "sesiones",
    "attendance_sencecallback_changelist": "respuestas de SENCE",
    "attendance_sentmail_changelist": "correos",
    "backoffice_callbacktoreview_changelist": "respuestas por revisar",
    "courses_rejectedrow_changelist": "filas rechazadas",
}


def note(request: HttpRequest, response: HttpResponseBase) -> None:
    """Write it where the page shows somebody's data, and was shown."""
    match = request.resolver_match
    if match is None or response.status_code != 200:
        return
    name = match.url_name or ""
    if name in OF_ONE:
        number = next(iter(match.kwargs.values()), "")
        record(SecurityEvent.Kind.LOOKED, detail=f"{OF_ONE[name]} n.º {number}.")
    elif name in SEARCHED and request.GET.get("q"):
        record(SecurityEvent.Kind.LOOKED, detail=f"Buscó en {SEARCHED[name]}.")
