"""/metrics: numbers for Prometheus, read from the database at the moment when they are asked for.

So they are the same from every worker and machine, but for the spool, which is this machine's own.
Each is bounded by an index or by an hour. Off without METRICS_TOKEN, which the asker sends as a
bearer token: the numbers name nobody, and are nobody's business all the same.
"""

import contextlib
from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db import Error as DatabaseProblem
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

from attendance import spool
from attendance.models import AttendanceSession, CallbackVerdict, Outcome, PendingCallback
from attendance.patience import patience
from attendance.sence.incoming import error_codes
from backoffice.health import SILENCE
from backoffice.mails import outbox
from backoffice.review.filters import REFUSED

HOUR = timedelta(hours=1)


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The numbers in Prometheus' text format; 404 without the token."""
    given = request.headers.get("Authorization", "")
    wanted = f"Bearer {settings.METRICS_TOKEN}"
    if not settings.METRICS_TOKEN or not constant_time_compare(given, wanted):
        raise Http404
    registry = CollectorRegistry()
    registry.register(Numbers())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class Numbers(Collector):
    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield _one(
            "spool_entries", "Answers of SENCE on this disk.", sum(1 for _ in spool.entries())
        )
        is_up = 0
        with contextlib.suppress(DatabaseProblem), patience(SILENCE):
            yield from _of_database()
            is_up = 1
        yield _one("database_up", "Whether the database answered.", is_up)


def _of_database() -> list[GaugeMetricFamily]:
    now = timezone.now()
    sessions = AttendanceSession.objects.order_by()
    recent = CallbackVerdict.objects.filter(callback__received_at__gte=now - HOUR).order_by()
    outcomes = dict.fromkeys(Outcome.values, 0)
    outcomes |= dict(recent.values_list("outcome").annotate(count=Count("pk")))
    codes: dict[str, int] = {}
    for glosa in recent.filter(outcome__in=REFUSED).values_list("glosa", flat=True):
        for code in error_codes(glosa):
            codes[code] = codes.get(code, 0) + 1
    requested = sessions.filter(requested_at__gte=now - HOUR)
    return [
        _one("pending_callbacks", "Answers kept and not applied.", PendingCallback.objects.count()),
        _each("callbacks_last_hour", "Answers by what became of them.", "outcome", outcomes),
        _each("error_codes_last_hour", "SENCE's error codes.", "code", codes),
        _each("sessions", "Sessions that are open now.", "state", {
            "open": sessions.within_limit(now).count(),
            "overlong": sessions.overlong(now).count(),
        }),
        _each("sessions_last_hour", "Sessions asked for in the hour.", "state", {
            "requested": requested.requested().count(),
            "opened": requested.filter(opened_at__isnull=False).count(),
            "rejected": requested.rejected().count(),
        }),
        _one("mails_due", "Mails to be sent now.", outbox.due(now).count()),
    ]  # fmt: skip


def _one(name: str, help_text: str, value: int) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"usecap_sence_{name}", help_text, value=value)


def _each(name: str, help_text: str, label: str, values: dict[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"usecap_sence_{name}", help_text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
