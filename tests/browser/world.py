"""Who studies what, and what SENCE knows of it: the same on both sides of the wire."""

from typing import Any

from courses.models import Enrolment
from tests.factories import (
    ActionFactory,
    CourseFactory,
    EnrolmentFactory,
    OtecFactory,
    StudentFactory,
)

ROSA = "11111111-1"
PEDRO = "22222222-2"
KARY = "10000013-k"
NOBODY = "12345678-5"

EXCEL = "APLICACION DE EXCEL PARA PLANILLAS DE CALCULO, INTERMEDIO"
TALK = "CHARLA DE INDUCCION"
EXCEL_CODES = ("1237980001", "6512345")
TALK_CODES = ("1237980002", "6512346")

OTEC_RUT = "76000123-6"
TOKEN = "5c0f2f0e-7a3b-4d53-9d0a-3b8c1f6e2a41"


def sence_registry() -> dict[str, Any]:
    """What the simulator knows, so that a field sent in the wrong place is refused as by SENCE."""
    return {
        "otecs": [{"rut": OTEC_RUT, "tokens": [TOKEN]}],
        "actions": [
            {
                "code": action_code,
                "sence_code": sence_code,
                "line": 3,
                "otec": OTEC_RUT,
                "starts_on": "2020-01-01",
                "ends_on": "2099-12-31",
                "runs": [ROSA, PEDRO, KARY],
            }
            for sence_code, action_code in (EXCEL_CODES, TALK_CODES)
        ],
    }


def enrol(run: str = ROSA, **of_the_enrolment: Any) -> Enrolment:
    """Enrol a student in the course of the guide, whose action SENCE knows."""
    action = ActionFactory(
        code=EXCEL_CODES[1],
        course__name=EXCEL,
        course__sence_code=EXCEL_CODES[0],
        course__otec=usecap(),
    )
    return EnrolmentFactory(student=StudentFactory(run=run), action=action, **of_the_enrolment)


def enrol_in_talk(enrolment: Enrolment) -> Enrolment:
    """Enrol the same student in a second course, one that asks for no closing."""
    course = CourseFactory(name=TALK, sence_code=TALK_CODES[0], otec=enrolment.action.course.otec)
    action = ActionFactory(code=TALK_CODES[1], course=course, close_required=False)
    return EnrolmentFactory(student=enrolment.student, action=action)


def usecap():
    return OtecFactory(name="USECAP", rut=OTEC_RUT, token=TOKEN)
