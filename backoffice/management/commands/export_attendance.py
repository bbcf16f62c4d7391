"""Export attendance as CSV or XLSX, from a terminal or a cron line."""

import os
import sys
import tempfile
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import IO

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.utils import timezone
from tqdm import tqdm

from attendance.models import AttendanceSession
from backoffice.exports.attendance import Choice
from backoffice.exports.files import CSV, ROWS, XLSX, csv_chunks, write_xlsx
from backoffice.management import database
from backoffice.management.dates import day
from courses.models import Action, Course, Otec
from courses.rut import normalise
from usecap_sence.commands import BaseCommand

STANDARD_OUTPUT = "-"


class Command(BaseCommand):
    help = (
        "Exporta la asistencia, una fila por sesión, la más antigua primero: CSV (punto y coma, "
        "UTF-8 con BOM, para Excel) o XLSX. Lo que no se indica no limita."
    )

    def add_arguments(self, parser):
        parser.add_argument("--action", metavar="CÓDIGO", help="código de la acción")
        parser.add_argument("--course", metavar="CURSO", help="número o nombre completo del curso")
        parser.add_argument("--otec", metavar="RUT", help="RUT del OTEC")
        parser.add_argument(
            "--from",
            dest="since",
            type=day,
            metavar="FECHA",
            help="primer día en que se solicitó la sesión (AAAA-MM-DD, en Chile)",
        )
        parser.add_argument(
            "--to", dest="until", type=day, metavar="FECHA", help="último día, incluido"
        )
        parser.add_argument(
            "--format",
            choices=[CSV, XLSX],
            help="por omisión, el de la extensión del archivo, o csv",
        )
        parser.add_argument(
            "--output",
            default=STANDARD_OUTPUT,
            metavar="ARCHIVO",
            help="por omisión, la salida estándar",
        )

    @database.needed()
    def handle(self, *, since, until, output, **options):
        if since and until and until < since:
            raise CommandError("--to es anterior a --from.")
        choice = Choice(
            action_code=known_action(options["action"]),
            courses=known_courses(options["course"]),
            otec=known_otec(options["otec"]),
            since=since,
            until=until,
        )
        kind = options["format"] or (XLSX if output.lower().endswith(".xlsx") else CSV)
        sessions = choice.sessions(AttendanceSession.objects.all())
        shown = {"unit": " filas", "unit_scale": True, "file": sys.stderr}
        with (
            closing(ROWS[kind](sessions, timezone.now())) as exported,
            tqdm(exported, total=sessions.count(), **shown) as bar,
        ):
            export(bar, kind, output)
        print(f"Filas exportadas: {bar.n}.", file=sys.stderr)  # noqa: T201 - stdout has the file


def known_action(code: str | None) -> str:
    """Return the code. Raises CommandError where no action and no session has it."""
    if not code:
        return ""
    sessions = AttendanceSession.objects.filter(action_code=code)
    if not Action.objects.filter(code=code).exists() and not sessions.exists():
        raise CommandError(f"No hay una acción con el código {code}.")
    return code


def known_courses(named: str | None) -> tuple[Course, ...] | None:
    """Return the course of that id, else those of that name, which every OTEC may have."""
    if not named:
        return None
    found = Course.objects.filter(pk=named) if named.isdecimal() else Course.objects.none()
    found = found or Course.objects.filter(name__iexact=named)
    if not found:
        raise CommandError(f"No hay un curso con el número o el nombre «{named}».")
    return tuple(found)


def known_otec(rut: str | None) -> Otec | None:
    if not rut:
        return None
    try:
        found = Otec.objects.filter(rut=normalise(rut)).first()
    except ValidationError:
        raise CommandError("El RUT del OTEC no es válido.") from None
    if found is None:
        raise CommandError("No hay un OTEC con ese RUT.")
    return found


def export(exported: Iterable, kind: str, output: str) -> None:
    """Write the rows to standard output, or to a file that appears once it is whole.

    Raises CommandError where it can't be written.
    """
    if output == STANDARD_OUTPUT:
        if kind == XLSX and sys.stdout.isatty():
            raise CommandError("Un XLSX no se muestra en un terminal: use --output ARCHIVO.")
        write(exported, kind, sys.stdout.buffer)
        return
    path = Path(output)
    try:
        # For its owner alone: it holds RUNs and names.
        handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=".asistencia-")
        try:
            with os.fdopen(handle, "wb") as file:
                write(exported, kind, file)
            os.replace(unfinished, path)
        finally:
            Path(unfinished).unlink(missing_ok=True)
    except OSError as error:
        raise CommandError(f"No se puede escribir {output}: {error.strerror}.") from error


def write(exported: Iterable, kind: str, file: IO[bytes]) -> None:
    if kind == XLSX:
        write_xlsx(exported, file)
    else:
        file.writelines(csv_chunks(exported))
