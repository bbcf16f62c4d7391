"""Write the coordinators' daily mail."""

from datetime import date, timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from backoffice.mails import digest
from backoffice.management import database, dates
from usecap_sence.commands import BaseCommand


class Command(BaseCommand):
    help = (
        "Deja por enviar el resumen diario de cada OTEC a sus coordinadores: una vez por OTEC y "
        "día, aunque se repita o corra tarde. Un OTEC sin novedades no recibe nada. Los envía "
        "send_mails."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--date",
            dest="day",
            type=dates.day,
            metavar="AAAA-MM-DD",
            help="El día que se resume. Por omisión, ayer.",
        )

    def handle(self, *, day: date | None, **options: Any) -> None:
        now = timezone.now()
        today = timezone.localdate(now)
        day = day or today - timedelta(days=1)
        if day >= today:
            raise CommandError("Ese día aún no termina: su resumen se envía desde el siguiente.")
        with database.needed():
            result = digest.queue_digests(day, now)
        self.stdout.write(
            f"Resúmenes del {day:%d-%m-%Y} por enviar: {result.queued}. "
            f"Ya pedidos antes: {result.known}. Sin novedades: {result.empty}."
        )
