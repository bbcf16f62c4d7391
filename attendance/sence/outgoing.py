"""The forms that the student's browser posts to SENCE, and what SENCE would refuse in them."""

import re
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urljoin, urlsplit

from stdnum.cl import rut as stdnum_rut

from attendance.sence.callback_urls import MAX_URL, callback_url

UNVERIFIED = "-1"
MAX_ID = 149
"""Longest `IdSesionAlumno` and `IdSesionSence` (manual, table of parameters)."""
RUT = re.compile(r"\d{7,8}-[\dk]")
GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Attempt(Protocol):
    """What an attempt sends, by our names; the wire's misleading ones appear only below."""

    otec_rut: str
    sence_code: str
    action_code: str
    training_line: int
    run: str
    student_session_id: str
    sence_session_id: str
    nonce: str


@dataclass(frozen=True)
class Refusal:
    """Why SENCE would refuse a form: its error code, the field, and words for staff."""

    code: str
    field: str
    reason: str


def form_url(base: str, phase: str) -> str:
    """Return where the form goes: `base` ends in `/Registro/`, `phase` is `open` or `close`."""
    return urljoin(base, {"open": "IniciarSesion", "close": "CerrarSesion"}[phase])


def form_fields(attempt: Attempt, phase: str, *, token: str, base_url: str) -> dict[str, str]:
    """Return the form's fields by SENCE's names (manual, IniciarSesion and CerrarSesion).

    `CodSence` is the course and `CodigoCurso` the action, the reverse of what their names suggest.
    """
    fields = {
        "RutOtec": attempt.otec_rut,
        "Token": token,
        "CodSence": attempt.sence_code,
        "CodigoCurso": attempt.action_code,
        "LineaCapacitacion": str(attempt.training_line),
        "RunAlumno": attempt.run,
        "IdSesionAlumno": attempt.student_session_id,
        "UrlRetoma": callback_url(base_url, attempt.nonce, phase, error=False),
        "UrlError": callback_url(base_url, attempt.nonce, phase, error=True),
    }
    if phase == "close":
        fields["IdSesionSence"] = attempt.sence_session_id
    return fields


def refusals(fields: dict[str, str], *, test: bool) -> list[Refusal]:
    """Return why SENCE would refuse an opening's fields, by its codes; [] where it wouldn't.

    `test`: sent to SENCE's test environment, the only one that takes `-1` for a code.
    """
    line = fields["LineaCapacitacion"]
    return [
        *_url_refusals(fields),
        *_sence_code_refusals(fields["CodSence"], line, test=test),
        *_action_code_refusals(fields["CodigoCurso"], line, test=test),
        *_identity_refusals(fields),
    ]


def _url_refusals(fields: dict[str, str]) -> list[Refusal]:
    return [
        Refusal(code, name, f"La URL de vuelta no es absoluta o supera {MAX_URL} caracteres.")
        for code, name in (("202", "UrlRetoma"), ("203", "UrlError"))
        if len(fields[name]) > MAX_URL or not urlsplit(fields[name]).netloc
    ]


def _sence_code_refusals(code: str, line: str, *, test: bool) -> list[Refusal]:
    if line == "1":
        ok = code == ""
        reason = "La línea 1 no lleva código SENCE: déjelo vacío en el curso."
    else:
        ok = len(code) == 10 or (test and code == UNVERIFIED)
        reason = "El código SENCE del curso debe tener 10 caracteres (-1 solo en prueba)."
    return [] if ok else [Refusal("204", "CodSence", reason)]


def _action_code_refusals(code: str, line: str, *, test: bool) -> list[Refusal]:
    long_enough = 0 < len(code) <= 50 and (line == "6" or len(code) >= 7)
    ok = test if code == UNVERIFIED else long_enough
    reason = "El código de acción debe tener al menos 7 caracteres (-1 solo en prueba)."
    return [] if ok else [Refusal("205", "CodigoCurso", reason)]


def _identity_refusals(fields: dict[str, str]) -> list[Refusal]:
    found = []
    if fields["LineaCapacitacion"] not in ("1", "3", "6"):
        found.append(Refusal("206", "LineaCapacitacion", "La línea debe ser 1, 3 o 6."))
    if not is_rut(fields["RunAlumno"]):
        found.append(Refusal("207", "RunAlumno", "El RUN del alumno no es válido."))
    if not is_rut(fields["RutOtec"]):
        found.append(Refusal("209", "RutOtec", "El RUT del OTEC no es válido."))
    if not GUID.fullmatch(fields["Token"]):
        found.append(Refusal("303", "Token", "El token del OTEC no tiene la forma de un GUID."))
    return found


def is_rut(value: str) -> bool:
    """Whether `value` is `xxxxxxxx-x` with its right check digit."""
    return bool(RUT.fullmatch(value)) and stdnum_rut.is_valid(value)
