"""Take away what was kept for as long as it was needed."""

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone
from tqdm import tqdm

from backoffice.management import database
from backoffice.privacy import retention
from usecap_sence.commands import BaseCommand


class Command(BaseCommand):
    help = (
        "Quita los datos personales que ya no se necesitan (docs/privacy.md dice cuáles y cuándo; "
        "los plazos son STUDENT_DATA_DAYS, MAIL_TEXT_DAYS y ROSTER_FILE_DAYS). Sesiones y "
        "respuestas de SENCE quedan. Se puede repetir."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="dice cuántos, y no quita nada")

    def handle(self, *, dry_run: bool, **options: Any) -> None:
        now = timezone.now()
        with database.needed():
            for rule in retention.RULES:
                count = rule.find(now).count()
                if not dry_run:
                    with tqdm(total=count, desc=rule.words, disable=None, leave=False) as bar:
                        for done in retention.apply(rule, now):
                            bar.update(done)
                self.stdout.write(f"{rule.words}: {count}")
        if dry_run:
            self.stdout.write("No se quitó nada: es una prueba.")
