"""Say which actions SENCE would refuse, before a student finds out."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from attendance.starting import preflight_action
from courses.models import Action


class Command(BaseCommand):
    help = (
        "Revisa, sin conectarse a SENCE, si los datos de las acciones en curso y por comenzar "
        "serían aceptados. Termina con 1 si alguna tiene algo que corregir."
    )

    def handle(self, **options: Any) -> None:
        today = timezone.localdate()
        actions = Action.objects.filter(ends_on__gte=today).select_related("course__otec")
        wrong = 0
        for action in actions.order_by("starts_on", "code"):
            problems = preflight_action(action)
            wrong += bool(problems)
            self.stdout.write(f"{'✗' if problems else '✓'} {action}")
            for problem in problems:
                self.stdout.write(f"    {problem.field}: {problem.reason}")
        self.stdout.write(f"Acciones revisadas: {len(actions)}. Por corregir: {wrong}.")
        if wrong:
            raise SystemExit(1)
