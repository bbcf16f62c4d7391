"""Load what export_catalogue wrote."""

import json
import sys
from pathlib import Path

from django.core.management.base import CommandError

from errors_catalog import whole
from usecap_sence.commands import BaseCommand


class Command(BaseCommand):
    help = (
        "Carga un catálogo exportado con export_catalogue: cambia lo que nombra, agrega lo que "
        "falta y no elimina nada. Si algo está mal, no guarda nada."
    )

    def add_arguments(self, parser):
        parser.add_argument("source", metavar="ORIGEN", help="ruta, o - (entrada estándar)")
        parser.add_argument("--dry-run", action="store_true", help="prueba todo y no guarda nada")

    def handle(self, *, source, dry_run, **options):
        name = "entrada estándar" if source == "-" else Path(source).name
        try:
            counts = whole.load(read(source), reason=f"Importado de {name}", dry_run=dry_run)
        except whole.CatalogueError as error:
            raise CommandError(f"No se guardó nada.\n{error}") from None
        said = "Se guardaría" if dry_run else "Guardado"
        self.stdout.write(
            f"{said}: {counts['new']} nuevos, {counts['changed']} cambiados, "
            f"{counts['unchanged']} sin cambios."
        )


def read(source):
    """Return the data of a path or of standard input. Raises CommandError."""
    try:
        if source == "-":
            return json.load(sys.stdin)
        return json.loads(Path(source).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise CommandError(f"No se puede leer {source}: {error.strerror}.") from None
    except (ValueError, RecursionError):
        raise CommandError(f"{source} no es un archivo JSON.") from None
