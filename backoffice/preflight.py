"""Would SENCE accept an action? What can be told from here, line by line, with its remedy.

Nothing is sent. Whether the action exists at SENCE, its students are authorised and the token is
still valid, SENCE alone knows: a trial in its test environment (`backoffice.trial`) asks for the
last.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.core.checks import CheckMessage
from django.db.models import Count, F, Q
from django.urls import reverse
from django.utils import timezone

from attendance import checks
from attendance.sence.callback_urls import MAX_URL, NONCE_LENGTH, PATHS, callback_url
from attendance.sence.outgoing import UNVERIFIED, Refusal, form_url
from attendance.starting import base_url, preflight_action
from courses.models import Action, Enrolment, Environment, RutIsValid

NAMED = 5
"""Students named where their RUN has to be corrected; the rest are counted."""


@dataclass(frozen=True)
class Line:
    """One thing that SENCE looks at: what there is, and where it is wrong, what to do and where."""

    label: str
    ok: bool
    found: str
    remedy: str = ""
    url: str = ""


@dataclass(frozen=True)
class Roster:
    """Who is in an action and not withdrawn; `wrong` of them have a RUN that is not valid."""

    active: int = 0
    exempt: int = 0
    wrong: int = 0


def rosters(actions: Collection[Action]) -> dict[int, Roster]:
    """Count the students of each action that has any, by the action's id, in one query."""
    counted = (
        Enrolment.objects.active()
        .filter(action__in=actions)
        .order_by()
        .values("action_id")
        .annotate(
            active=Count("pk"),
            exempt=Count("pk", filter=Q(is_exempt=True)),
            wrong=Count("pk", filter=~Q(RutIsValid(F("student__run")))),
        )
    )
    return {row.pop("action_id"): Roster(**row) for row in counted}


def lines(action: Action, roster: Roster | None, now: datetime) -> list[Line]:
    """Return what is checked of an action (with its course and OTEC), right or wrong.

    `roster` is the action's of `rosters`, None where nobody is in it.
    """
    refused = preflight_action(action)
    return [
        *_of_action(action, refused, timezone.localdate(now)),
        *_of_course(action, refused),
        *_of_otec(action, refused),
        _of_students(action, roster or Roster()),
        _of_sence_url(action),
        _of_callback_urls(refused),
    ]


def _line(
    label: str, fields: Iterable[str], found: str, refused: list[Refusal], page: tuple[str, int]
) -> Line:
    """Make the line of some of the wire's fields; `page` says which row's page corrects them."""
    reasons = dict.fromkeys(refusal.reason for refusal in refused if refusal.field in fields)
    if not reasons:
        return Line(label, True, found)
    return Line(label, False, found, " ".join(reasons), _page(*page))


def _page(model: str, pk: int) -> str:
    return reverse(f"admin:courses_{model}_change", args=[pk])


def _shown(code: str) -> str:
    return f"{code}: SENCE no lo verifica" if code == UNVERIFIED else code or "(vacío)"


def _of_action(action: Action, refused: list[Refusal], today: date) -> list[Line]:
    page = ("action", action.pk)
    is_test = action.environment == Environment.TEST
    note = ": nada de lo que se registre cuenta como asistencia" if is_test else ""
    return [
        _line("Código de acción", ["CodigoCurso"], _shown(action.code), refused, page),
        _of_dates(action, today),
        Line("Ambiente", True, f"{action.get_environment_display()}{note}"),
    ]


def _of_dates(action: Action, today: date) -> Line:
    found = f"{action.starts_on:%d-%m-%Y} a {action.ends_on:%d-%m-%Y}"
    if today > action.ends_on:
        return Line(
            "Fechas",
            False,
            f"{found}: terminó",
            "SENCE responde 309 fuera de las fechas comunicadas. Si allí cambiaron, corríjalas.",
            _page("action", action.pk),
        )
    when = "en curso" if today >= action.starts_on else "todavía no se puede iniciar"
    return Line("Fechas", True, f"{found}: {when}")


def _of_course(action: Action, refused: list[Refusal]) -> list[Line]:
    course, page = action.course, ("course", action.course_id)
    line = course.get_training_line_display()
    return [
        _line("Código SENCE del curso", ["CodSence"], _shown(course.sence_code), refused, page),
        _line("Línea de capacitación", ["LineaCapacitacion"], line, refused, page),
    ]


def _of_otec(action: Action, refused: list[Refusal]) -> list[Line]:
    otec, page = action.course.otec, ("otec", action.course.otec_id)
    wrong = any(refusal.field == "Token" for refusal in refused)
    kept = "Configurado, y no sirve" if wrong else "Configurado, y se puede leer"
    return [
        _line("RUT del OTEC", ["RutOtec"], f"{otec.rut}, {otec.name}", refused, page),
        _line("Token del OTEC", ["Token"], kept if otec.has_token else "Falta", refused, page),
    ]


def _of_students(action: Action, roster: Roster) -> Line:
    found = f"Inscripciones activas: {roster.active}, de ellas becarios: {roster.exempt}"
    label = "RUN de los alumnos"
    if not roster.wrong:
        return Line(label, True, found if roster.active else "Todavía no hay nadie inscrito")
    wrong = (
        Enrolment.objects.active()
        .filter(~Q(RutIsValid(F("student__run"))), action=action)
        .select_related("student")
        .order_by("student__surnames", "pk")[:NAMED]
    )
    students = [enrolment.student for enrolment in wrong]
    names = ", ".join(student.full_name or "(sin nombre)" for student in students)
    rest = f" y {roster.wrong - len(students)} más" if roster.wrong > len(students) else ""
    return Line(
        label,
        False,
        f"{found}. RUN que no son válidos: {roster.wrong}",
        f"Con ellos SENCE responde 207. Corrija el RUN de {names}{rest}.",
        _page("student", students[0].pk) if students else "",
    )


def _of_sence_url(action: Action) -> Line:
    wrong = checks.check_sence_urls() or checks.check_form_hosts()
    found = form_url(base_url(action.environment), "open")
    return Line("Dirección de SENCE", not wrong, found, _in_words(wrong))


def _of_callback_urls(refused: list[Refusal]) -> Line:
    urls = [
        callback_url(settings.PUBLIC_BASE_URL, "n" * NONCE_LENGTH, phase, error=error)
        for phase, error in PATHS
    ]
    found = f"{settings.PUBLIC_BASE_URL}/…, hasta {max(map(len, urls))} de {MAX_URL} caracteres"
    reasons = dict.fromkeys(
        refusal.reason for refusal in refused if refusal.field in ("UrlRetoma", "UrlError")
    )
    remedy = _in_words(checks.check_public_base_url()) or " ".join(reasons)
    return Line("URL de vuelta", not remedy, found, remedy)


def _in_words(found: list[CheckMessage]) -> str:
    said = " ".join(f"{message.msg} {message.hint}" for message in found)
    return f"{said} Lo corrige quien administra el servidor." if said else ""
