"""Ask students to close sessions that are near the limit, or past it."""

from typing import Any

from django.utils import timezone

from backoffice.mails import reminders
from backoffice.management import database
from usecap_sence.commands import BaseCommand


class Command(BaseCommand):
    help = (
        "Deja por enviar un correo a cada alumno cuya sesión está a 10 minutos o menos del límite, "
        "y otro si lo pasó: una vez cada uno. No escribe por sesiones cerradas, resueltas, "
        "reemplazadas o que no exigen cierre, ni a inscritos retirados. Los envía send_mails."
    )

    def handle(self, **options: Any) -> None:
        now = timezone.now()
        with database.needed():
            near, past = reminders.queue_near_limit(now), reminders.queue_past_limit(now)
        self.stdout.write(
            f"Recordatorios por enviar: {near} cerca del límite, {past} pasado el límite."
        )
