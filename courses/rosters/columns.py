"""Which column is which, by any of the names that people give it."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from courses.rosters.errors import RosterError

# Compared without case, accents, spaces, signs and what stands between brackets.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "rut": (
        "rut", "run", "rut-dv", "rut/run", "run/rut", "rut completo", "número de rut", "n° rut",
        "rut alumno", "rut del alumno", "run alumno", "run del alumno", "rut participante",
        "rut del participante", "run participante", "rut estudiante", "rut trabajador",
        "rut sin puntos", "rut con guion", "rut sin puntos y con guion", "cédula",
        "cédula de identidad", "cédula identidad",
    ),
    "dv": ("dv", "dígito verificador", "dígito", "dig. verificador", "dv rut"),
    "nombres": ("nombres", "nombre", "nombres alumno", "nombres del alumno"),
    "nombre_completo": (
        "nombre completo", "nombre y apellido", "nombre y apellidos", "nombres y apellidos",
        "nombre apellido", "apellidos y nombres", "alumno", "nombre alumno", "nombre del alumno",
        "participante", "nombre participante", "nombre del participante", "estudiante",
        "nombre estudiante", "nombre del estudiante",
    ),
    "apellidos": ("apellidos", "apellido", "apellidos alumno", "apellidos del alumno"),
    "apellido_paterno": ("apellido paterno", "paterno", "primer apellido", "ap. paterno"),
    "apellido_materno": ("apellido materno", "materno", "segundo apellido", "ap. materno"),
    "correo": (
        "correo", "correo electrónico", "e-mail", "mail", "email alumno", "correo alumno",
        "correo del alumno", "email participante", "correo participante", "dirección de correo",
    ),
    "curso": ("curso", "nombre curso", "nombre del curso", "curso nombre", "actividad",
              "nombre actividad", "nombre de la actividad"),
    "codigo_sence": (
        "código sence", "cod. sence", "sence", "código sence curso", "código sence del curso",
        "código curso sence", "n° código sence",
    ),
    "codigo_accion": (
        "código acción", "código de acción", "código de la acción", "cod. acción", "acción",
        "id acción", "id de acción", "id de la acción", "id acción sence", "id de acción sence",
        "número acción", "número de acción", "n° acción", "folio", "n° folio", "folio sence",
        "folio acción", "sencenet", "id sencenet", "código sencenet", "folio sencenet",
    ),
    "linea": ("línea", "línea de capacitación", "línea capacitación", "línea sence"),
    "inicio": (
        "inicio", "fecha inicio", "fecha de inicio", "fecha inicio curso", "f. inicio",
        "fecha inicio acción", "desde",
    ),
    "termino": (
        "término", "fecha término", "fecha de término", "fecha término curso", "f. término",
        "fecha término acción", "fin", "fecha fin", "fecha de fin", "hasta",
    ),
    "becario": ("becario", "becaria", "becado", "beca", "es becario", "exento"),
    "ambiente": ("ambiente", "entorno", "ambiente sence"),
    "rut_otec": ("rut otec", "rut del otec", "rut de la otec", "otec rut"),
}  # fmt: skip

NEEDED = ("rut", "codigo_accion")
IN_BRACKETS = re.compile(r"\([^)]*\)")
SQUEEZED_OUT = re.compile(r"[^a-z0-9]")
# A RUT or an e-mail address: what a row of people holds and a header doesn't.
LIKE_DATA = re.compile(r"\d[\d.]{5,}-?[\dkK]|@")
MAX_SHOWN = 200


def squeeze(name: str) -> str:
    """A column's name without what people vary: "Código  de Acción (*)" is "codigodeaccion"."""
    plain = unicodedata.normalize("NFKD", IN_BRACKETS.sub("", name).casefold())
    return SQUEEZED_OUT.sub("", plain)


COLUMN_OF = {squeeze(name): column for column, names in SYNONYMS.items() for name in names}
# Our own names, with their underscores, are always understood.
COLUMN_OF |= {squeeze(column): column for column in SYNONYMS}


@dataclass(frozen=True)
class Header:
    """The header's line, the position of each column that is known, and the names that aren't."""

    line: int
    positions: dict[str, int]
    width: int
    unknown: tuple[str, ...]


def find_header(rows: Sequence[tuple[int, Sequence[str]]]) -> Header:
    """Return the header among a table's first rows: the first that names every needed column.

    Raises RosterError, with what is missing and what the likeliest row said.
    """
    for line, cells in rows:
        if all(column in known_columns(cells) for column in NEEDED):
            return read_header(line, cells)
    raise no_header(rows)


def known_columns(cells: Sequence[str]) -> list[str]:
    return [COLUMN_OF[name] for name in map(squeeze, cells) if name in COLUMN_OF]


def read_header(line: int, cells: Sequence[str]) -> Header:
    positions: dict[str, int] = {}
    unknown = []
    for position, cell in enumerate(cells):
        column = COLUMN_OF.get(squeeze(cell))
        if column is None:
            unknown += [shown(cell)] if cell.strip() else []
        elif column in positions:
            raise RosterError(
                f"Dos columnas dicen lo mismo ({column}): «{shown(cells[positions[column]])}» y "
                f"«{shown(cell)}». Deje una sola."
            )
        else:
            positions[column] = position
    return Header(line, positions, len(cells), tuple(unknown))


def no_header(rows: Sequence[tuple[int, Sequence[str]]]) -> RosterError:
    if not rows:
        return RosterError("El archivo está vacío. Indique uno con encabezado y filas.")
    line, cells = max(rows, key=lambda row: len(known_columns(row[1])))
    found = known_columns(cells)
    missing = [column for column in NEEDED if column not in found]
    lacks = "falta" if len(missing) == 1 else "faltan"
    said = "; ".join(cell for cell in map(shown, cells) if cell)[:MAX_SHOWN]
    # A row of data may hold people's RUTs and names, which are not for the screen.
    if LIKE_DATA.search(said):
        quoted = "la primera fila parece tener datos y no nombres de columnas"
    else:
        quoted = f"la línea {line} dice: «{said}»"
    return RosterError(
        f"No se encontró el encabezado: {lacks} {' y '.join(missing)}. Ponga una fila con los "
        f"nombres de las columnas ({' y '.join(NEEDED)}, al menos); {quoted}."
    )


def shown(cell: str) -> str:
    """A cell's text on one line and of bounded length, for messages."""
    text = " ".join(cell.split())
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
