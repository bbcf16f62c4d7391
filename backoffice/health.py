"""Whether the site lives, and whether an operator has to look at it.

`/healthz` asks nobody: a balancer may go by it. `/readyz` must take no machine out of a balancer:
SENCE's answers are kept though the database is away, as long as they reach a machine.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import cache

from django.db import Error as DatabaseProblem
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from attendance import spool
from attendance.models import PendingCallback
from attendance.patience import patience
from backoffice.mails import outbox

WAITS_TOO_LONG = timedelta(minutes=15)
"""How old what `replay_callbacks` and `send_mails` run each minute for may be."""
SILENCE = 5
"""Seconds after which the database is taken to be away."""


@never_cache
@require_safe
def alive(request: HttpRequest) -> HttpResponse:
    """200 while the process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """200 where all is well, else 503; either way each check by name, with what is wrong."""
    found = {name: _outcome(check) for name, check in CHECKS.items()}
    wrong = any(said != "ok" for said in found.values())
    return JsonResponse(found, status=503 if wrong else 200)


def _outcome(check: Callable[[], str]) -> str:
    try:
        with patience(SILENCE):
            return check() or "ok"
    except DatabaseProblem:
        return "La base de datos no responde."


def _database() -> str:
    connection.ensure_connection()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return ""


def _migrations() -> str:
    try:
        _require_migrations()
    except NotMigratedError:
        return "Faltan migraciones: corra manage.py migrate."
    return ""


class NotMigratedError(Exception):
    """The database lacks migrations of this release."""


@cache
def _require_migrations() -> None:
    """Raise NotMigratedError. Once they are applied they stay so: it isn't asked again."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise NotMigratedError


def _answers() -> str:
    """SENCE's answers that nobody applied: on disk, or in the database for too long."""
    since = timezone.now() - WAITS_TOO_LONG
    on_disk = sum(1 for _ in spool.entries())
    waiting = PendingCallback.objects.filter(callback__received_at__lt=since).count()
    if not on_disk and not waiting:
        return ""
    return (
        f"Respuestas de SENCE sin aplicar: {on_disk} en disco, {waiting} en la base. Corra "
        "manage.py replay_callbacks."
    )


def _mails() -> str:
    now = timezone.now()
    waiting = outbox.due(now).filter(attempts=0, created_at__lt=now - WAITS_TOO_LONG).count()
    return f"Correos sin enviar: {waiting}. Corra manage.py send_mails." if waiting else ""


CHECKS = {
    "base_de_datos": _database,
    "migraciones": _migrations,
    "respuestas_de_sence": _answers,
    "correos": _mails,
}
