"""Take a student's data away, but for the evidence of their attendance."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from backoffice.management import database
from backoffice.management.students import student_of
from backoffice.privacy.anonymise import StillLiveError, anonymise
from usecap_sence.commands import BaseCommand


class Command(BaseCommand):
    help = (
        "Quita el nombre y el correo de un alumno de su ficha, de los correos que se le enviaron, "
        "de las nóminas subidas, de sus filas rechazadas y del historial. Su RUN, sus sesiones y "
        "las respuestas de SENCE quedan: prueban la asistencia. No se puede deshacer. Se puede "
        "repetir."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("rut", metavar="RUT", help="con o sin puntos; - lo lee de la entrada")
        parser.add_argument(
            "--noinput", "--no-input", action="store_false", dest="interactive",
            help="sin preguntar",
        )  # fmt: skip

    def handle(self, *, rut: str, interactive: bool, **options: Any) -> None:
        with database.needed():
            student = student_of(rut)
            if interactive:
                self._confirm()
            try:
                changed = anonymise(student)
            except StillLiveError:
                raise CommandError(
                    "Ese alumno tiene una sesión en curso. Espere a que la cierre, o resuélvala en "
                    "admin, y repita el comando."
                ) from None
        if not changed:
            self.stdout.write("No quedaba nada que quitar.")
            return
        self.stdout.write(
            f"Listo: {changed} datos quitados. Si una nómina nueva trae a esa persona con su "
            "nombre o su correo, volverán a guardarse: pida a quien la envía que los deje fuera. "
            "Las copias de seguridad con sus datos vencen solas; las exportaciones, bórrelas."
        )

    def _confirm(self) -> None:
        answer = input("No se puede deshacer. Escriba «sí» para quitar el nombre y el correo: ")
        if answer.strip().lower() not in ("sí", "si"):
            raise CommandError("No se quitó nada.")
