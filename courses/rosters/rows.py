"""Rows of text made into rows to load: what each row says of a person, and of an action.

What a row says of its action and course is its *claim*. Rows of a roster repeat a few claims many
times, so each is read once, and is judged once against the database (statements.py).
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple
from uuid import UUID

from courses.models import UNVERIFIED, Environment, TrainingLine
from courses.rosters import cells
from courses.rosters.cells import CellError
from courses.rosters.columns import Header, shown
from courses.rosters.readers import Record

READERS: dict[str, Callable[[str], Any]] = {
    "rut": cells.rut,
    "nombres": lambda text: cells.limited("nombres", text),
    "apellidos": lambda text: cells.limited("apellidos", text),
    "correo": cells.email,
    "becario": cells.yes_or_no,
    "codigo_accion": cells.action_code,
    "curso": lambda text: cells.limited("curso", text),
    "linea": cells.training_line,
    "codigo_sence": cells.sence_code,
    "inicio": cells.day,
    "termino": cells.day,
    "ambiente": cells.environment,
    "rut_otec": cells.rut,
}
CLAIM_COLUMNS = (
    "codigo_accion", "curso", "linea", "codigo_sence", "inicio", "termino", "ambiente", "rut_otec",
)  # fmt: skip
MISSING = {
    "rut": "Falta el RUT del alumno. Escríbalo con su dígito verificador.",
    "codigo_accion": "Falta el código de la acción. Escríbalo.",
}
TOO_WIDE = (
    "La fila tiene más celdas que el encabezado. Si un dato lleva el separador, enciérrelo entre "
    "comillas."
)


class Trouble(NamedTuple):
    """Why a row is rejected: the column, what it said, and a sentence with the remedy."""

    column: str
    value: str
    reason: str


class Claim(NamedTuple):
    """What a row says of its action: absent values are "" or None; `unread` names the bad ones."""

    key: UUID
    code: str
    course_name: str
    training_line: int | None
    sence_code: str
    starts_on: date | None
    ends_on: date | None
    environment: str
    otec_rut: str
    unread: str


Said = defaultdict[str, str]
"""A row's cells by the name of their column; "" where there is no such column or cell."""


@dataclass
class Row:
    """A row to stage: the good values that it has, and all its troubles."""

    line: int
    run: str = ""
    given_names: str = ""
    surnames: str = ""
    email: str = ""
    is_exempt: bool | None = None
    claim: Claim | None = None
    troubles: list[Trouble] = field(default_factory=list)


def read_row(record: Record, header: Header) -> Row:
    """Read a row under its header. It never raises: what is wrong is in `troubles`."""
    row = Row(record.line)
    if record.problem:
        row.troubles.append(Trouble("", "", record.problem))
        return row
    if any(map(str.strip, record.cells[header.width :])):
        row.troubles.append(Trouble("", shown(" ".join(record.cells[header.width :])), TOO_WIDE))
        return row
    said = by_column(record.cells, header)
    row.run = take(full_rut(said), "rut", row.troubles) or ""
    row.given_names = (
        take(said["nombres"] or said["nombre_completo"], "nombres", row.troubles) or ""
    )
    row.surnames = take(all_surnames(said), "apellidos", row.troubles) or ""
    row.email = take(said["correo"], "correo", row.troubles) or ""
    row.is_exempt = take(said["becario"], "becario", row.troubles)
    row.claim, troubles = read_claim(tuple(said[column] for column in CLAIM_COLUMNS))
    row.troubles.extend(troubles)
    return row


def by_column(texts: Sequence[str], header: Header) -> Said:
    found = header.positions.items()
    return Said(str, {name: texts[at].strip() for name, at in found if at < len(texts)})


def full_rut(said: Said) -> str:
    """The RUT, with the check digit of its own column where there is one."""
    if said["dv"] and "-" not in said["rut"]:
        return f"{said['rut']}-{said['dv']}"
    return said["rut"]


def all_surnames(said: Said) -> str:
    both = f"{said['apellido_paterno']} {said['apellido_materno']}"
    return said["apellidos"] or both.strip()


def take(text: str, column: str, troubles: list[Trouble]) -> Any:
    """A cell's value, or None if it is empty or bad; then its trouble is added."""
    try:
        if text := cells.tidy(text):
            return READERS[column](text)
        if column in MISSING:
            troubles.append(Trouble(column, "", MISSING[column]))
    except CellError as error:
        troubles.append(Trouble(column, printable(text), str(error)))
    return None


def printable(text: str) -> str:
    """A bad cell as it can be kept: bounded, and without what PostgreSQL or a screen can't take."""
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in shown(text)
    )


@lru_cache(maxsize=2048)
def read_claim(texts: tuple[str, ...]) -> tuple[Claim, tuple[Trouble, ...]]:
    """What cells in the order of CLAIM_COLUMNS say, and what is wrong with them."""
    troubles: list[Trouble] = []
    value = {
        column: take(text, column, troubles)
        for column, text in zip(CLAIM_COLUMNS, texts, strict=True)
    }
    said = dict(zip(CLAIM_COLUMNS, map(shown, texts), strict=True))
    troubles += [Trouble(column, said[column], why) for column, why in contradictions(value, said)]
    unread = ",".join(sorted({trouble.column for trouble in troubles}))
    fields = (
        value["codigo_accion"] or "",
        value["curso"] or "",
        value["linea"],
        value["codigo_sence"] or "",
        value["inicio"],
        value["termino"],
        value["ambiente"] or "",
        value["rut_otec"] or "",
        unread,
    )
    digest = blake2b("\x1f".join(map(str, fields)).encode(), digest_size=16).digest()
    return Claim(UUID(bytes=digest), *fields), tuple(troubles)


def contradictions(value: dict[str, Any], said: dict[str, str]) -> list[tuple[str, str]]:
    """What the cells of one row have against each other (SENCE's manual v1.1.6, parameters)."""
    found = []
    if value["inicio"] and value["termino"] and value["termino"] < value["inicio"]:
        found.append(
            (
                "termino",
                f"El término es anterior al inicio ({said['inicio']}). Revise las dos fechas.",
            )
        )
    if value["linea"] == TrainingLine.SOCIAL_PROGRAMMES and value["codigo_sence"]:
        found.append(
            (
                "codigo_sence",
                "La línea 1 no lleva código SENCE. Deje la celda vacía o revise la línea.",
            )
        )
    if not cells.long_enough(value["codigo_accion"] or "", value["linea"]):
        found.append(
            (
                "codigo_accion",
                "El código de acción tiene al menos 7 caracteres, salvo en la línea 6. Revíselo.",
            )
        )
    found += [
        (column, "El código -1 solo sirve con «prueba» en la columna ambiente. Revíselo.")
        for column in ("codigo_accion", "codigo_sence")
        if value[column] == UNVERIFIED and value["ambiente"] != Environment.TEST
    ]
    return found
