"""Write everything that is kept of one student to a file."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from backoffice.management import database
from backoffice.management.students import student_of
from backoffice.models import SecurityEvent
from backoffice.privacy.person import everything_of
from backoffice.security_log import record
from usecap_sence.commands import BaseCommand


class Command(BaseCommand):
    help = (
        "Escribe en un archivo todo lo que se guarda de un alumno, para responder a su derecho de "
        "acceso: en español, legible por personas y por máquinas (JSON). El archivo solo lo puede "
        "leer quien corre el comando. Queda en el registro de seguridad."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("rut", metavar="RUT", help="con o sin puntos; - lo lee de la entrada")
        parser.add_argument("--to", metavar="ARCHIVO", required=True)

    def handle(self, *, rut: str, to: str, **options: Any) -> None:
        with database.needed():
            student = student_of(rut)
            told = everything_of(student)
            record(SecurityEvent.Kind.EXPORT, detail=f"Todo lo de un alumno: n.º {student.pk}.")
        file = Path(to)
        try:
            file.touch(mode=0o600, exist_ok=False)
            file.write_text(json.dumps(told, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise CommandError(
                f"No se pudo escribir {to}: {error.strerror}. Elija un archivo nuevo en una "
                "carpeta en que pueda escribir."
            ) from error
        self.stdout.write(
            f"Escrito en {to}. Entréguelo solo a esa persona, compruebe antes que es ella, y "
            "bórrelo después."
        )
