"""Load a roster of enrolments from a file, an https address or standard input."""

import argparse
import os
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TextIO

from django.core.management.base import CommandError
from tqdm import tqdm

from courses.rosters.errors import RosterError
from courses.rosters.load import SHOWN_TROUBLES, RosterResult, load_roster
from courses.rosters.rows import Trouble
from courses.rosters.sources import open_source
from usecap_sence.commands import BaseCommand
from usecap_sence.logs import mask

NOTHING_LOADED, SOME_REJECTED = 1, 3
# What people are called stays out of the terminal: it is in the report and in the administration.
PERSONAL = {"", "rut", "rut_otec", "nombres", "apellidos", "correo"}
HELP = """\
Carga inscritos desde una planilla (XLSX, XLS, ODS) o un CSV. Las columnas, con sus nombres
posibles y sus reglas, están en docs/rosters.md.

Estado de salida: 0, se cargaron todas las filas; 3, se rechazaron algunas y se cargaron las demás;
1, no se cargó ninguna; 2, la orden está mal escrita. Con --dry-run, lo mismo de lo que se cargaría.
"""


class Command(BaseCommand):
    help = HELP

    def create_parser(self, *args, **kwargs):
        kwargs["formatter_class"] = argparse.RawDescriptionHelpFormatter
        return super().create_parser(*args, **kwargs)

    def add_arguments(self, parser):
        parser.add_argument(
            "source", metavar="ORIGEN", help="ruta, URL https o - (entrada estándar)"
        )
        parser.add_argument("--dry-run", action="store_true", help="prueba todo y no guarda nada")
        parser.add_argument(
            "--all-or-nothing", action="store_true", help="si una fila se rechaza, no carga ninguna"
        )
        parser.add_argument(
            "--report", type=Path, metavar="ARCHIVO", help="escribe ahí las filas rechazadas (CSV)"
        )
        parser.add_argument(
            "--progress",
            action=argparse.BooleanOptionalAction,
            help="barra de avance; por omisión, solo en una terminal",
        )

    def handle(self, *, source, dry_run, all_or_nothing, report, progress, **options):
        bar = Bar(progress)
        try:
            with open_source(source) as opened, open_report(report, source) as out:
                result = load_roster(
                    opened,
                    dry_run=dry_run,
                    all_or_nothing=all_or_nothing,
                    progress=bar,
                    report=out,
                )
        except RosterError as error:
            raise CommandError(mask(str(error)), returncode=NOTHING_LOADED) from None
        except OSError as error:
            raise CommandError(
                f"No se pudo escribir en el disco: {error.strerror}. No se cargó nada.",
                returncode=NOTHING_LOADED,
            ) from None
        finally:
            bar.close()
        self.stdout.write(summary(result))
        refuse(result, all_or_nothing)


class Bar:
    """A progress bar on standard error; `shown` is True, False or None (in a terminal only)."""

    def __init__(self, shown: bool | None) -> None:
        self.disable = None if shown is None else not shown
        self.bar: tqdm | None = None

    def __call__(self, done: int, total: int, unit: str) -> None:
        if self.bar is None:
            self.bar = tqdm(
                total=total, unit=unit, unit_scale=True, disable=self.disable, file=sys.stderr
            )
        self.bar.update(done - self.bar.n)
        if done >= total:
            self.bar.set_description("Guardando")

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()


def open_report(path: Path | None, source: str) -> AbstractContextManager[TextIO | None]:
    """Open the report for its owner alone, or nothing. Raises RosterError."""
    if path is None:
        return nullcontext()
    if source != "-" and path.exists() and Path(source).exists() and path.samefile(source):
        raise RosterError("El informe no puede escribirse sobre el archivo que se carga.")
    try:
        return open(path, "w", encoding="utf-8", newline="", opener=for_owner)
    except OSError as error:
        raise RosterError(f"No se puede escribir el informe {path}: {error.strerror}.") from error


def for_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def summary(result: RosterResult) -> str:
    """What was read and done, and the first problems, without anything personal."""
    lines = [*notes(result), *(problem(line, trouble) for line, trouble in result.troubles)]
    if len(result.troubles) == SHOWN_TROUBLES:
        lines.append("Puede haber más problemas: --report ARCHIVO los escribe todos.")
    if result.dry_run:
        lines.append("Prueba: no se guardó nada. Al cargar, el resultado sería:")
    lines.append(
        f"Leídas: {result.read}. Creadas: {result.created}. Actualizadas: {result.updated}. "
        f"Sin cambios: {result.unchanged}. Rechazadas: {result.rejected}."
    )
    return mask("\n".join(lines))


def notes(result: RosterResult) -> list[str]:
    """What a user should know of the file, beyond its bad rows."""
    found = []
    if result.sheet:
        found.append(f"Hoja leída: {result.sheet}.")
    if result.unknown_columns:
        found.append(f"Columnas que no se usan: {'; '.join(result.unknown_columns)}.")
    if result.actions_created:
        found.append(
            f"Cursos nuevos: {result.courses_created}. Acciones nuevas: {result.actions_created}."
        )
    if result.actions_in_production_by_default:
        found.append(
            f"Acciones nuevas en producción, porque el archivo no dice el ambiente: "
            f"{result.actions_in_production_by_default}."
        )
    return found


def problem(line: int, trouble: Trouble) -> str:
    where = f"Línea {line}, {trouble.column}" if trouble.column else f"Línea {line}"
    value = f" «{trouble.value}»" if trouble.value and trouble.column not in PERSONAL else ""
    return f"{where}{value}: {trouble.reason}"


def refuse(result: RosterResult, all_or_nothing: bool) -> None:
    """End with the exit status of a load that rejected rows."""
    if not result.rejected:
        return
    if all_or_nothing or result.rejected == result.read:
        raise CommandError(
            "No se cargó ninguna fila. Corrija las rechazadas y repita la carga.",
            returncode=NOTHING_LOADED,
        )
    raise CommandError(
        f"Filas rechazadas: {result.rejected}. Corríjalas y repita la carga: las demás no cambian.",
        returncode=SOME_REJECTED,
    )
