"""What SENCE checks in a form's fields before it asks anybody to log in."""

import re
from collections.abc import Callable, Mapping

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from stdnum.cl import rut

LINES = ("1", "3", "6")
NOT_VERIFIED = "-1"
URL_LENGTH = 100
SESSION_ID_LENGTH = 149
ALWAYS_MANDATORY = (
    "RutOtec",
    "Token",
    "CodigoCurso",
    "LineaCapacitacion",
    "RunAlumno",
    "IdSesionAlumno",
)
GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
RUT = re.compile(r"[0-9]{7,8}-[0-9kK]")
SENCE_CODE = re.compile(r"[0-9A-Za-z]{10}")


def field_codes(fields: Mapping[str, str], *, closing: bool, test_environment: bool) -> list[str]:
    """SENCE's codes for the fields of one form as it came; empty when they are well formed.

    Names are compared with their case and their spaces, as the manual warns (code 200). The code
    `-1`, which switches the verification off, is valid in the test environment only.
    """
    given = {name: value for name, value in fields.items() if value.strip()}
    line = given.get("LineaCapacitacion", "")

    def wrong(name: str, is_valid: Callable[[str], bool]) -> bool:
        return name in given and not is_valid(given[name])

    def is_course_code(code: str) -> bool:
        if line == "1":
            return False
        return bool(SENCE_CODE.fullmatch(code)) or (test_environment and code == NOT_VERIFIED)

    def is_action_code(code: str) -> bool:
        if code == NOT_VERIFIED:
            return test_environment
        return code == code.strip() and len(code) <= 50 and (line == "6" or len(code) >= 7)

    failed = {
        "200": is_incomplete(fields, closing=closing),
        "201": "UrlRetoma" not in given or "UrlError" not in given,
        "202": wrong("UrlRetoma", is_callback_url),
        "203": wrong("UrlError", is_callback_url),
        "204": wrong("CodSence", is_course_code),
        "205": wrong("CodigoCurso", is_action_code),
        "206": wrong("LineaCapacitacion", LINES.__contains__),
        "207": wrong("RunAlumno", is_rut),
        "209": wrong("RutOtec", is_rut),
        "303": wrong("Token", lambda token: bool(GUID.fullmatch(token))),
    }
    return [code for code, has_failed in failed.items() if has_failed]


def is_incomplete(fields: Mapping[str, str], *, closing: bool) -> bool:
    """Whether a mandatory field is absent or blank, or a session id is too long (code 200).

    CodSence must always be sent; only on line 1 it must be empty.
    """
    mandatory = [*ALWAYS_MANDATORY]
    if closing:
        mandatory.append("IdSesionSence")
    if fields.get("LineaCapacitacion") != "1":
        mandatory.append("CodSence")
    blank = any(not fields.get(name, "").strip() for name in mandatory)
    session_ids = (fields.get("IdSesionAlumno", ""), fields.get("IdSesionSence", ""))
    too_long = any(len(value) > SESSION_ID_LENGTH for value in session_ids)
    return blank or too_long or "CodSence" not in fields


def is_rut(value: str) -> bool:
    """`xxxxxxxx-x` without dots, with its right check digit."""
    return bool(RUT.fullmatch(value)) and rut.is_valid(value)


def is_callback_url(value: str) -> bool:
    """An absolute http(s) URL of at most 100 characters, SENCE's limit."""
    if len(value) > URL_LENGTH:
        return False
    try:
        URLValidator(schemes=["http", "https"])(value)
    except ValidationError:
        return False
    return True
