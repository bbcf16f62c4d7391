"""Mail the alerts for staff that have not been mailed yet."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from attendance import alerts
from errors_catalog import catalogue


class Command(BaseCommand):
    help = (
        "Envía por correo los avisos al personal que aún no se han enviado, a las direcciones de "
        "los datos de contacto. Se puede repetir: cada aviso se envía una vez."
    )

    def handle(self, **options: Any) -> None:
        recipients = catalogue.contact().alert_emails
        if not recipients:
            self.stderr.write("No hay correos para avisos: agréguelos en los datos de contacto.")
        sent = alerts.send_pending(recipients, timezone.now())
        self.stdout.write(f"Avisos enviados: {sent}.")
