"""Write all that students read to a JSON file."""

import json
from pathlib import Path

from django.core.management.base import CommandError

from errors_catalog import whole
from usecap_sence.commands import BaseCommand


class Command(BaseCommand):
    help = (
        "Exporta a JSON todo lo que leen los alumnos: errores, textos, enlaces y contacto. "
        "Se vuelve a cargar con import_catalogue."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--output", type=Path, metavar="ARCHIVO", help="por omisión, la salida estándar"
        )

    def handle(self, *, output, **options):
        text = json.dumps(whole.dump(), ensure_ascii=False, indent=2) + "\n"
        if output is None:
            self.stdout.write(text, ending="")
            return
        try:
            output.write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"No se puede escribir {output}: {error.strerror}.") from None
