"""Encrypt every OTEC's token with the first of TOKEN_ENCRYPTION_KEYS."""

import sys
from typing import Any

from django.core.management.base import CommandError
from django.db import transaction

from courses import tokens
from courses.models import Otec
from usecap_sence.commands import BaseCommand


class Command(BaseCommand):
    help = (
        "Cifra de nuevo los tokens de los OTEC con la primera de TOKEN_ENCRYPTION_KEYS. Para "
        "cambiar de clave: ponga la nueva primero y deje la anterior después, reinicie el sitio, "
        "corra este comando y quite la anterior. Se puede repetir. Termina con 1 si algún token "
        "no se pudo leer; esos quedan como están."
    )

    def handle(self, **options: Any) -> None:
        rotated, unreadable = 0, []
        with transaction.atomic():
            # Locked, so that a token that someone sets meanwhile isn't put back.
            for otec in Otec.objects.select_for_update().exclude(token_ciphertext=""):
                try:
                    otec.token_ciphertext = tokens.rotate(otec.token_ciphertext)
                except tokens.TokenUnavailableError as error:
                    if not tokens.has_keys():
                        raise CommandError(str(error)) from error
                    unreadable.append(otec.name)
                else:
                    otec.save(update_fields=["token_ciphertext"])
                    rotated += 1
        self.stdout.write(f"Tokens cifrados con la primera clave: {rotated}.")
        if unreadable:
            self.stderr.write(
                f"Ninguna clave lee el token de: {', '.join(sorted(unreadable))}. Restaure su "
                "clave en TOKEN_ENCRYPTION_KEYS, o ingrese el token de nuevo en la ficha del OTEC."
            )
            sys.exit(1)
        self.stdout.write("Ya puede quitar las demás claves de TOKEN_ENCRYPTION_KEYS.")
