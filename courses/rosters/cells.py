"""What a cell of each column means: each reader takes text, and raises CellError with a remedy."""

import re
import unicodedata
from datetime import date
from functools import lru_cache

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from courses.models import MIN_ACTION_CODE, UNVERIFIED, Environment, TrainingLine
from courses.rosters.columns import squeeze
from courses.rut import normalise

INVISIBLE = dict.fromkeys([0xAD, *range(0x200B, 0x2010), 0x2060, 0xFEFF])
DASHES = dict.fromkeys([*range(0x2010, 0x2016), 0x2212], "-")
DAY_FIRST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})(?:[ T].*)?")
YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[ T].*)?")
SHORT_YEAR = re.compile(r"\d{1,2}[-/.]\d{1,2}[-/.]\d{2}")
YEARS = range(2000, 2101)
# 1,23457E+11: what a spreadsheet shows, and saves in a CSV, of a long number.
SCIENTIFIC = re.compile(r"-?\d+(?:[.,]\d+)?[eE]\+\d+")
WHOLE_NUMBER = re.compile(r"(\d+)\.0")
SENCE_CODE = re.compile(r"[0-9A-Za-z]{10}")
LINE_NUMBER = re.compile(r"(?:linea)?([136])(?:$|\D)")
LINE_NAMES = {
    "programassociales": TrainingLine.SOCIAL_PROGRAMMES,
    "franquiciatributaria": TrainingLine.TAX_CREDIT,
    "fpt": TrainingLine.FPT,
}
YES = {"si", "s", "x", "1", "true", "verdadero", "becario", "becaria", "becado", "becada"}
NO = {"no", "n", "0", "false", "falso"}
ENVIRONMENTS = {
    "produccion": Environment.PRODUCTION,
    "production": Environment.PRODUCTION,
    "prod": Environment.PRODUCTION,
    "real": Environment.PRODUCTION,
    "prueba": Environment.TEST,
    "pruebas": Environment.TEST,
    "test": Environment.TEST,
    "testing": Environment.TEST,
}
LONGEST = {"nombres": 150, "apellidos": 150, "correo": 254, "curso": 300, "codigo_accion": 50}


class CellError(ValueError):
    """A cell that can't be used. Its text is a sentence for the user that never quotes the cell."""


def tidy(text: str) -> str:
    """The text on one line, with single spaces, letters composed. Raises CellError if garbled."""
    if not (text.isascii() and text.isprintable()):
        text = unicodedata.normalize("NFC", " ".join(text.split()))
        garbled = "\N{REPLACEMENT CHARACTER}" in text or is_misread(text)
        text = text.translate(INVISIBLE)
        if garbled or not text.isprintable():
            raise CellError("Hay letras ilegibles. Guarde el archivo como CSV UTF-8 o como .xlsx.")
    return " ".join(text.split())


def is_misread(text: str) -> bool:
    """Whether this is UTF-8 that something took for Windows-1252: "MuÃ±oz"."""
    if text.isascii():
        return False
    try:
        text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return False
    return True


# A student has a row for each course, mostly one after the other.
@lru_cache(maxsize=1024)
def rut(text: str) -> str:
    try:
        return normalise(text.translate(DASHES))
    except ValidationError as error:
        raise CellError(error.messages[0]) from error


def limited(column: str, text: str) -> str:
    if len(text) > LONGEST[column]:
        raise CellError(f"Tiene más de {LONGEST[column]} caracteres. Acórtelo.")
    return text


@lru_cache(maxsize=1024)
def email(text: str) -> str:
    try:
        validate_email(text)
    except ValidationError as error:
        raise CellError("No es un correo válido. Corríjalo o deje la celda vacía.") from error
    return limited("correo", text)


def code(text: str) -> str:
    """A code is text: its leading zeros stay. Only what a spreadsheet did to it is undone."""
    text = text.translate(DASHES)
    if SCIENTIFIC.fullmatch(text):
        raise CellError(
            "La planilla abrevió el número y se perdieron cifras. Dé a la columna formato de texto "
            "y escriba de nuevo el código completo."
        )
    return WHOLE_NUMBER.sub(r"\1", text) if WHOLE_NUMBER.fullmatch(text) else text


def action_code(text: str) -> str:
    text = limited("codigo_accion", code(text))
    if " " in text:
        raise CellError("El código de acción no lleva espacios. Escríbalo sin ellos.")
    return text


def sence_code(text: str) -> str:
    text = code(text)
    if text != UNVERIFIED and not SENCE_CODE.fullmatch(text):
        raise CellError(
            "El código SENCE tiene diez letras o números. Revíselo; si empieza con ceros, dé a la "
            "columna formato de texto."
        )
    return text


def training_line(text: str) -> int:
    squeezed = squeeze(WHOLE_NUMBER.sub(r"\1", text))
    if found := LINE_NUMBER.match(squeezed):
        return int(found[1])
    if squeezed in LINE_NAMES:
        return LINE_NAMES[squeezed]
    raise CellError("La línea de capacitación es 1, 3 o 6. Escriba una de ellas.")


def day(text: str) -> date:
    """A date, the day before the month or ISO; never the month first."""
    text = text.translate(DASHES)
    if SHORT_YEAR.fullmatch(text):
        raise CellError("Escriba el año con cuatro cifras: dd-mm-aaaa.")
    if found := DAY_FIRST.fullmatch(text):
        days, month, year = map(int, found.groups())
    elif found := YEAR_FIRST.fullmatch(text):
        year, month, days = map(int, found.groups())
    else:
        raise CellError("No es una fecha. Escríbala como dd-mm-aaaa.")
    if month > 12 >= days:
        raise CellError("El mes va después del día. Escriba la fecha como dd-mm-aaaa.")
    if year not in YEARS:
        raise CellError("El año no puede ser ese. Revise la fecha.")
    try:
        return date(year, month, days)
    except ValueError as error:
        raise CellError("Esa fecha no existe. Revise el día y el mes: dd-mm-aaaa.") from error


def yes_or_no(text: str) -> bool:
    answer = squeeze(text)
    if answer not in YES | NO:
        raise CellError("Escriba sí o no, o deje la celda vacía.")
    return answer in YES


def environment(text: str) -> str:
    if found := ENVIRONMENTS.get(squeeze(text)):
        return found.value
    raise CellError("Escriba producción o prueba, o deje la celda vacía.")


def long_enough(action: str, line: int | None) -> bool:
    """SENCE's manual: at least 7 characters, except on line 6. -1 has its own rule."""
    exempt = line in (None, TrainingLine.FPT) or action in ("", UNVERIFIED)
    return exempt or len(action) >= MIN_ACTION_CODE
