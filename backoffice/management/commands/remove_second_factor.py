"""Take a member of staff's second factor away, where nobody in admin can."""

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError, CommandParser

from backoffice import second_factor
from backoffice.management import database
from usecap_sence.commands import BaseCommand


class Command(BaseCommand):
    help = (
        "Quita el segundo factor y los códigos de recuperación de un usuario que perdió su "
        "teléfono; al entrar activa otro. Queda en el registro de seguridad."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", metavar="USUARIO")

    @database.needed()
    def handle(self, *, username: str, **options: Any) -> None:
        try:
            user = User.objects.get(username=username)
        except User.DoesNotExist:
            raise CommandError(f"No hay ningún usuario {username!r}. Revise el nombre.") from None
        if not second_factor.remove(user):
            raise CommandError(f"{username} no tiene segundo factor: entra con su contraseña.")
        self.stdout.write(f"Segundo factor de {username} quitado.")
