"""What to say of something typed that is no RUT: what was understood of it, and what to do.

The right check digit is never told: with it, a number tried at random would become someone's RUT.
"""

import re

from stdnum.cl import rut as stdnum_rut

from courses.rut import visible

EXAMPLE_RUT = "12345678-9"
"""The guide's own example, which is nobody's: its check digit is wrong."""
EXAMPLE = f"Ejemplo: {EXAMPLE_RUT}"

THE_EXAMPLE = (
    f"Entendimos {EXAMPLE_RUT}, que es el del ejemplo: escriba el suyo, que aparece en su cédula "
    "de identidad."
)
EMPTY = f"Escriba su Rut para continuar. {EXAMPLE}"
TOO_MUCH = f"Escriba solo su Rut, sin nada más. {EXAMPLE}"
MAIL = f"Eso es un correo. Escriba su Rut, que aparece en su cédula de identidad. {EXAMPLE}"
OTHER_DOCUMENT = (
    "Eso parece un pasaporte u otro documento. Escriba su Rut, que aparece en su cédula de "
    f"identidad chilena. {EXAMPLE}"
)
NO_NUMBER = f"Escriba su Rut con números, como aparece en su cédula de identidad. {EXAMPLE}"
LETTER_AT_THE_END = (
    "Después del guion va un número o la letra k, y usted escribió otra letra: revise el Rut."
)
K_IN_THE_MIDDLE = "La letra k solo puede ir al final, después del guion: revise el Rut."
NO_CHECK_DIGIT = (
    "Entendimos {number}, sin el dígito verificador. Escríbalo después del guion, como aparece en "
    f"su cédula de identidad. {EXAMPLE}"
)
WRONG_CHECK_DIGIT = (
    "Entendimos {rut}, pero su dígito verificador no corresponde: revise el Rut."
)  # fmt: skip
MAYBE_NO_CHECK_DIGIT = (
    "Entendimos {rut}, pero su dígito verificador no corresponde. Si le faltó escribirlo, "
    f"agréguelo al final, después de un guion. {EXAMPLE}"
)
TOO_SHORT = (
    "Entendimos {rut}, pero le faltan números: antes del guion van siete u ocho. Revise el Rut."
)
TOO_LONG = (
    "Entendimos {rut}, pero le sobran números: antes del guion van siete u ocho. Revise el Rut."
)
OTHER_SIGNS = f"Escriba su Rut solo con números, un guion y, si la tiene, la letra k. {EXAMPLE}"

HYPHEN = re.compile(r"[-‐‑‒–—―−]")


def explain(typed: str) -> str:
    """Return a sentence for the student who typed this, which `courses.rut.normalise` refused."""
    typed = visible(typed)
    compact = stdnum_rut.compact(typed).lstrip("0").lower()
    if compact == stdnum_rut.compact(EXAMPLE_RUT):
        return THE_EXAMPLE
    if "@" in typed:
        return MAIL
    if not re.search(r"\d", compact):
        return NO_NUMBER
    if not compact.isascii() or not compact.isalnum():
        return OTHER_SIGNS
    letters = re.sub(r"\d", "", compact)
    if letters in ("", "k"):
        return _of_numbers(typed, compact)
    return _of_letters(compact)


def _of_numbers(typed: str, compact: str) -> str:
    if "k" in compact[:-1]:
        return K_IN_THE_MIDDLE
    if HYPHEN.search(typed.rstrip()[-1:]):
        return NO_CHECK_DIGIT.format(number=compact)
    body, digit = compact[:-1], compact[-1]
    values = {"rut": f"{body}-{digit}" if body else digit}
    if len(body) < 7:
        return TOO_SHORT.format(**values)
    if len(body) > 8:
        return TOO_LONG.format(**values)
    has_all = digit == "k" or HYPHEN.search(typed)
    return (WRONG_CHECK_DIGIT if has_all else MAYBE_NO_CHECK_DIGIT).format(**values)


def _of_letters(compact: str) -> str:
    if re.fullmatch(r"\d{7,8}[a-z]", compact):
        return LETTER_AT_THE_END
    if re.fullmatch(r"[a-z]{1,3}\d{4,}[a-z\d]*", compact):
        return OTHER_DOCUMENT
    return OTHER_SIGNS
