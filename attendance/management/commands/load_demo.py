"""Load the demo's invented people and courses."""

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from attendance import demo
from usecap_sence.commands import BaseCommand


class Command(BaseCommand):
    help = "Carga personas y cursos inventados para la demo. Repetirlo no borra nada."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--registry",
            type=Path,
            help="Archivo JSON donde dejar lo que el simulador de SENCE debe saber de la demo.",
        )

    def handle(self, *, registry: Path | None, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("La demo no se carga en producción: solo con DEBUG=true.")
        today = timezone.localdate()
        with transaction.atomic():
            demo.load(timezone.now(), today)
        if registry:
            registry.write_text(json.dumps(demo.sence_registry(today), indent=2), encoding="utf-8")
        self.stdout.write("Pruebe, en la página del RUT:")
        for run, _, _, _, what in demo.CASES:
            self.stdout.write(f"  {run:<12} {what}")
        self.stdout.write("  {:<12} {}".format(*demo.NOBODY))
