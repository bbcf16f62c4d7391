"""Say which actions SENCE would refuse, and whether SENCE answers, before a student finds out."""

from argparse import ArgumentParser
from typing import Any
from urllib.parse import urlsplit

import requests
from django.conf import settings
from django.utils import timezone

from backoffice.management import database
from backoffice.preflight import lines, rosters
from courses.models import Action
from usecap_sence.commands import BaseCommand

TIMEOUT = (5, 10)
"""Seconds to connect, and to wait for the first byte."""
SERVER_ERROR = 500


class Command(BaseCommand):
    help = (
        "Revisa si SENCE aceptaría las acciones en curso y por comenzar, y si sus servidores "
        "responden (sin enviarles ningún dato). Termina con 1 si hay algo que corregir."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--offline", action="store_true", help="no pregunta a los servidores")

    @database.needed()
    def handle(self, **options: Any) -> None:
        wrong = self._check_actions()
        if not options["offline"]:
            wrong += self._check_hosts()
        if wrong:
            raise SystemExit(1)

    def _check_actions(self) -> int:
        now = timezone.now()
        actions = list(
            Action.objects.filter(ends_on__gte=timezone.localdate(now))
            .select_related("course__otec")
            .order_by("starts_on", "code")
        )
        known, wrong = rosters(actions), 0
        for action in actions:
            problems = [line for line in lines(action, known.get(action.pk), now) if not line.ok]
            wrong += bool(problems)
            self.stdout.write(f"{'✗ Corregir' if problems else '✓ Bien'}: {action}")
            for line in problems:
                self.stdout.write(f"    {line.label}: {line.found}. {line.remedy}")
        self.stdout.write(f"Acciones revisadas: {len(actions)}. Por corregir: {wrong}.")
        return wrong

    def _check_hosts(self) -> int:
        roots = {root(url) for url in (settings.SENCE_PRODUCTION_URL, settings.SENCE_TEST_URL)}
        problems = {address: problem(address) for address in sorted(roots)}
        for address, said in problems.items():
            self.stdout.write(
                f"✗ Corregir: {address} {said}" if said else f"✓ Bien: {address} responde"
            )
        return sum(map(bool, problems.values()))


def root(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/"


def problem(address: str) -> str:
    """Return why the address does not answer, in words; an empty text where it does.

    Any answer below 500 will do: what counts is that the server is there. Nothing is sent to it.
    """
    try:
        with requests.get(address, timeout=TIMEOUT, allow_redirects=False, stream=True) as response:
            status = response.status_code
    except requests.Timeout:
        return "no respondió a tiempo. Inténtelo más tarde; si sigue, revise la red del servidor."
    except requests.exceptions.SSLError:
        return "no muestra un certificado válido. Revise la fecha y la red del servidor."
    except requests.RequestException:
        return "no responde. Revise que el servidor salga a internet y resuelva ese nombre."
    return f"responde con el error {status}: SENCE está caído." if status >= SERVER_ERROR else ""
