"""RUT and RUN: what people type, made canonical.

A RUN (a person's) and a RUT (a body's) share one format and one check digit. The canonical form is
the one that SENCE is sent: `12345678-k`, no dots, a hyphen, a lower-case k.
"""

import re
import unicodedata

from django.core.exceptions import ValidationError
from stdnum.cl import rut as stdnum_rut
from stdnum.exceptions import InvalidChecksum, InvalidFormat
from stdnum.exceptions import ValidationError as StdnumError

COMPACT = re.compile(r"[1-9][0-9]{6,7}[0-9K]")
MAX_TYPED = 30


def visible(typed: str) -> str:
    """Return what one sees of a text, without Unicode's format characters.

    A RUT copied from a chat or a document may bring some along: marks of the direction of writing,
    spaces of no width.
    """
    if typed.isascii():
        return typed
    return "".join(sign for sign in typed if unicodedata.category(sign) != "Cf")


def normalise(typed: str) -> str:
    """Return the canonical form of a RUT typed with or without dots, hyphen, k or K.

    Raises django ValidationError, code `rut_format` or `rut_check_digit`, with a sentence that
    says what to do.
    """
    try:
        number = stdnum_rut.compact(visible(typed[: MAX_TYPED + 1])).lstrip("0")
        # stdnum lets a line break through to its arithmetic, and counts leading zeros as digits.
        if len(typed) > MAX_TYPED or not COMPACT.fullmatch(number):
            raise InvalidFormat
        if number[-1] != stdnum_rut.calc_check_digit(number[:-1]):
            raise InvalidChecksum
    except InvalidChecksum as error:
        raise ValidationError(
            "El dígito verificador no corresponde al RUT. Revise los números e inténtelo de nuevo.",
            code="rut_check_digit",
        ) from error
    except StdnumError as error:
        raise ValidationError(
            "Escriba el RUT completo, sin puntos y con guion. Ejemplo: 12345678-9",
            code="rut_format",
        ) from error
    return f"{number[:-1]}-{number[-1].lower()}"


def validate_rut(value: str) -> None:
    """Refuse what is not a canonical RUT with its right check digit (a model field's validator)."""
    if normalise(value) != value:
        raise ValidationError(
            "Escriba el RUT sin puntos, con guion y con k minúscula.", code="rut_canonical"
        )
