"""Invented people and courses for the demo: one student for each case of the student's way.

Nobody here exists. Check digits are valid, and every action belongs to SENCE's test environment,
which the demo points at the simulator.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from attendance.models import State, session_limit
from attendance.starting import start
from courses.models import Action, Course, Enrolment, Environment, Otec, Student

TOKEN = "5c0f2f0e-7a3b-4d53-9d0a-3b8c1f6e2a41"  # noqa: S105 - known to the simulator alone
REVOKED_TOKEN = "0d9c8b7a-6f5e-4d3c-8b2a-190817263544"  # noqa: S105
EXCEL = "APLICACION DE EXCEL PARA PLANILLAS DE CALCULO, INTERMEDIO"


@dataclass(frozen=True)
class DemoCourse:
    """A course with one action; days are counted from today."""

    key: str
    name: str
    action_code: str
    sence_code: str = ""
    line: int = 3
    otec: str = "usecap"
    from_day: int = -10
    to_day: int = 60
    close_required: bool = True
    at_sence: bool = True


OTECS = {
    "usecap": ("USECAP (demo)", "76000123-6", TOKEN),
    "revoked": ("OTEC con token anulado (demo)", "76000456-1", REVOKED_TOKEN),
    "tokenless": ("OTEC sin token (demo)", "76000789-7", ""),
}

COURSES = [
    DemoCourse("excel", EXCEL, "6512345", "1237980001"),
    DemoCourse("safety", "PREVENCION DE RIESGOS EN LA OFICINA", "6512346", "1237980002"),
    DemoCourse("social", "ALFABETIZACION DIGITAL", "RLAB-19-02-08-0071-1", line=1),
    DemoCourse("short", "ATENCION DE PUBLICO", "FPT-7", "1237980003", line=6),
    DemoCourse("thanks", "CHARLA DE INDUCCION", "6512347", "1237980004", close_required=False),
    DemoCourse("future", "INGLES BASICO", "6512348", "1237980005", from_day=20, to_day=50),
    DemoCourse("ended", "CONTABILIDAD GENERAL", "6512349", "1237980006", from_day=-60, to_day=-5),
    DemoCourse("revoked", "LIDERAZGO DE EQUIPOS", "6512350", "1237980007", otec="revoked"),
    DemoCourse("tokenless", "REDACCION DE INFORMES", "6512351", "1237980008", otec="tokenless"),
    DemoCourse("unknown", "GESTION DE BODEGAS", "6512352", "1237980009", at_sence=False),
]  # fmt: skip

CASES = [
    ("11111111-1", "Rosa", "Fuentes Araya", ["excel"], "el recorrido de la guía, completo"),
    ("22222222-2", "Pedro", "Lagos Soto", ["excel", "safety"], "dos cursos para elegir"),
    ("10000013-k", "Kary", "Kast Kunz", ["excel"], "RUT con k"),
    ("33333333-3", "Marta", "Silva Pino", ["excel"], "becaria: nada que registrar"),
    ("44444444-4", "Luis", "Rojas Vera", ["social", "short"], "línea 1 (sin código) y línea 6"),
    ("55555555-5", "Ana", "Muñoz Díaz", ["thanks"], "curso que no pide cerrar la sesión"),
    ("66666666-6", "Juan", "Tapia León", ["future", "ended"], "cursos fuera de sus fechas"),
    ("77777777-7", "Inés", "Castro Ruiz", ["tokenless"], "curso que aún no se puede enviar"),
    ("88888888-8", "Hugo", "Vidal Mora", ["revoked"], "SENCE responde 212, token anulado"),
    ("99999999-9", "Elsa", "Bravo Gil", ["unknown"], "SENCE responde 205, acción desconocida"),
    ("12345670-k", "Raúl", "Ponce Cid", ["safety"], "SENCE responde 208, no autorizado"),
    ("15000000-9", "Olga", "Rivas Paz", ["excel"], "sesión abierta, le quedan 8 minutos"),
    ("15000001-7", "Iván", "Salas Ríos", ["excel"], "sesión abierta hace más de 3 horas"),
]
NOBODY = ("12345678-5", "ningún curso registrado")
EXEMPT = "33333333-3"
NOT_AUTHORISED = "12345670-k"
OPEN_FOR = {
    "15000000-9": timedelta(hours=2, minutes=52),
    "15000001-7": timedelta(hours=3, minutes=40),
}


def load(now: datetime, today: date) -> None:
    """Create what is missing; what is there stays, but for actions whose dates have passed by."""
    otecs = {key: _otec(*values) for key, values in OTECS.items()}
    actions = {course.key: _action(course, otecs[course.otec], today) for course in COURSES}
    for run, given_names, surnames, keys, _ in CASES:
        student, _ = Student.objects.get_or_create(
            run=run, defaults={"given_names": given_names, "surnames": surnames}
        )
        for key in keys:
            enrolment, _ = Enrolment.objects.get_or_create(
                student=student, action=actions[key], defaults={"is_exempt": run == EXEMPT}
            )
            if run in OPEN_FOR:
                _keep_open(enrolment, OPEN_FOR[run], now)


def sence_registry(today: date) -> dict:
    """Return what the simulator knows of the demo, in the form of its README."""
    return {
        "otecs": [
            {"rut": rut, "tokens": [token], "revoked_tokens": [token] if key == "revoked" else []}
            for key, (_, rut, token) in OTECS.items()
            if token
        ],
        "actions": [
            {
                "code": course.action_code,
                "sence_code": course.sence_code,
                "line": course.line,
                "otec": OTECS[course.otec][1],
                "starts_on": (today + timedelta(course.from_day)).isoformat(),
                "ends_on": (today + timedelta(course.to_day)).isoformat(),
                "runs": [
                    case[0] for case in CASES if course.key in case[3] and case[0] != NOT_AUTHORISED
                ],
            }
            for course in COURSES
            if course.at_sence
        ],
    }


def _otec(name: str, rut: str, token: str) -> Otec:
    otec, created = Otec.objects.get_or_create(rut=rut, defaults={"name": name})
    if created and token:
        otec.set_token(token)
        otec.save()
    return otec


def _action(wanted: DemoCourse, otec: Otec, today: date) -> Action:
    course, _ = Course.objects.get_or_create(
        otec=otec,
        name=wanted.name,
        defaults={"training_line": wanted.line, "sence_code": wanted.sence_code},
    )
    action, _ = Action.objects.update_or_create(
        code=wanted.action_code,
        defaults={
            "starts_on": today + timedelta(wanted.from_day),
            "ends_on": today + timedelta(wanted.to_day),
        },
        create_defaults={
            "course": course,
            "starts_on": today + timedelta(wanted.from_day),
            "ends_on": today + timedelta(wanted.to_day),
            "environment": Environment.TEST,
            "close_required": wanted.close_required,
        },
    )
    return action


def _keep_open(enrolment: Enrolment, elapsed: timedelta, now: datetime) -> None:
    """Have a session open for `elapsed`, unless there is one on the same side of the limit."""
    wanted_past_limit = elapsed > session_limit()
    open_now = enrolment.sessions.open().live()
    if any(session.is_past_limit(now) == wanted_past_limit for session in open_now):
        return
    session = start(enrolment.pk, now - elapsed)
    if session.state == State.REQUESTED:
        # As from an earlier start of the simulator, which closes it.
        sence_id = f"SIM-demo-{session.student_session_id}"
        session.mark_opened(sence_id, now - elapsed, time="", zone="")
