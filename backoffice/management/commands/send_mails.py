"""Send the mails that wait, the alerts for coordinators among them."""

import sys
from functools import partial
from typing import Any

from django.utils import timezone
from tqdm import tqdm

from backoffice.mails import alerts, delivery, outbox, watch
from backoffice.management import database
from usecap_sence.commands import BaseCommand


class Command(BaseCommand):
    help = (
        "Envía los correos que esperan: avisos, resúmenes, recordatorios y cartas. Se puede "
        "repetir y correr en paralelo: cada correo se envía una vez. Lo que falla se reintenta "
        "más tarde, hasta seis veces en un día. Termina con 1 si algo falló en esta vuelta."
    )

    def handle(self, **options: Any) -> None:
        with database.needed():
            result = self._send()
        if result.server_is_away:
            self.stderr.write(
                "El servidor de correo no responde o no acepta nuestros correos: revise EMAIL_URL. "
                "Lo que falta sigue guardado y se enviará en la próxima vuelta."
            )
        if result.failed or result.server_is_away:
            sys.exit(1)

    def _send(self) -> delivery.Result:
        now = timezone.now()
        alerts.queue_alerts(now)
        watch.queue_watch(now)
        bar = partial(tqdm, desc="Correos", unit="", disable=None, leave=False)
        result = delivery.send_due(now, progress=bar)
        alerts.mark_mailed()
        self.stdout.write(
            f"Enviados: {result.sent}. Con problemas: {result.failed}. "
            f"Por enviar: {outbox.waiting(now).count()}. "
            f"Sin destinatario: {outbox.without_recipients().count()}."
        )
        return result
