"""Apply SENCE's answers that were kept while something behind them failed."""

import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import OperationalError
from tqdm import tqdm

from attendance import callbacks
from usecap_sence.commands import BaseCommand


class Command(BaseCommand):
    help = (
        "Aplica las respuestas de SENCE que quedaron guardadas sin aplicar, en disco o en la "
        "base. Se puede repetir y correr en paralelo: cada una se aplica una vez. Termina con 1 "
        "si alguna no se pudo aplicar; esas quedan guardadas."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--most", type=int, metavar="N", help="no intenta más que estas; sin él, todas"
        )

    def handle(self, **options: Any) -> None:
        with tqdm(desc="Respuestas", unit="", disable=None, leave=False) as bar:
            try:
                applied, failed = callbacks.replay(most=options["most"], progress=bar.update)
            except OperationalError as error:
                raise CommandError(
                    "La base de datos no responde. Las respuestas siguen guardadas: repita este "
                    "comando cuando responda."
                ) from error
        self.stdout.write(f"Aplicadas: {applied}. Sin poder aplicar: {failed}.")
        if failed:
            self.stderr.write("Revise el registro del servidor y vuelva a intentarlo.")
            sys.exit(1)
