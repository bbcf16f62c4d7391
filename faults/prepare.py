"""python -m faults.prepare NUMBER: so many sessions to be opened, each as a line of JSON."""

import json
import sys

import django

django.setup()

from datetime import timedelta  # noqa: E402 - the apps come first

from django.utils import timezone  # noqa: E402
from stdnum.cl import rut as stdnum_rut  # noqa: E402

from attendance.starting import sence_form, start  # noqa: E402
from courses.models import Action, Course, Enrolment, Otec, Student  # noqa: E402

ECHOED = ("CodSence", "CodigoCurso", "IdSesionAlumno", "RunAlumno", "LineaCapacitacion")


def main(number: int) -> None:
    today = timezone.localdate()
    otec = Otec(name="OTEC de prueba", rut=_rut(76_000_001))
    otec.set_token("12345678-1234-1234-1234-123456789012")
    otec.save()
    course = Course.objects.create(otec=otec, name="Curso de prueba", sence_code="1237999999")
    action = Action.objects.create(
        course=course, code="6512345", starts_on=today - timedelta(days=1),
        ends_on=today + timedelta(days=30), environment="production",
    )  # fmt: skip
    for body in range(15_000_000, 15_000_000 + number):
        student = Student.objects.create(run=_rut(body))
        enrolment = Enrolment.objects.create(student=student, action=action)
        session = start(enrolment.pk, timezone.now())
        fields = sence_form(session, "open")["fields"]
        told = {name: fields[name] for name in ECHOED} | {"nonce": session.nonce}
        sys.stdout.write(json.dumps(told) + "\n")


def _rut(body: int) -> str:
    return f"{body}-{stdnum_rut.calc_check_digit(str(body)).lower()}"


if __name__ == "__main__":
    main(int(sys.argv[1]))
