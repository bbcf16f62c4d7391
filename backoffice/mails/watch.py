"""The day-one watch: whoever can mend it learns at once that a course starts badly.

Both are queued by the run of `send_mails` that finds them, each minute, and stand on the desk for
as long as they are true.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q
from django.urls import reverse
from django.utils import timezone

from attendance.models import AttendanceSession, SentMail
from attendance.sence.incoming import error_codes
from backoffice.desk import list_url
from backoffice.mails import outbox
from backoffice.mails.alerts import REMEDIES, coordinators_of, label_of, responsible_for
from backoffice.mails.compose import absolute, body
from courses.models import Otec
from courses.scope import otec_ids
from errors_catalog import catalogue
from errors_catalog.models import Responsible

FIRST_STUDENTS = 3
"""How many students of an action must have failed alike, and none succeeded."""
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
SHARE = 0.1
"""More than this of the hour's starts that SENCE answered, and staff are told."""
FEWEST = 20
"""Fewer starts than these say nothing about a share."""
MOST_ACTIONS = 100
"""Actions told of at once, the latest to begin: more are one trouble, and not each its own."""
CACHE_SECONDS = 30
KEY = "backoffice:watch"


@dataclass(frozen=True)
class Failing:
    """An action whose first students all met the same error, and in which nobody has started."""

    otec_id: int
    otec_name: str
    action_code: str
    course: str
    students: int
    since: datetime
    code: str

    @property
    def label(self) -> str:
        return label_of(self.code)

    @property
    def description(self) -> str:
        return catalogue.explain([self.code])[0].description

    @property
    def responsible(self) -> Responsible:
        return responsible_for(self.code)

    @property
    def remedy(self) -> str:
        return REMEDIES[self.responsible]

    @property
    def sessions_url(self) -> str:
        return list_url(
            "attendance_attendancesession",
            accion=self.action_code,
            otec__id__exact=self.otec_id,
        )


@dataclass(frozen=True)
class Refused:
    """More than SHARE of the last hour's starts."""

    refused: int
    answered: int


@dataclass(frozen=True)
class Standing:
    """What is true now."""

    actions: list[Failing] = field(default_factory=list)
    share: Refused | None = None

    def __bool__(self) -> bool:
        return bool(self.actions or self.share)


def standing(user: Any, now: datetime) -> Standing:
    """Return what the user's desk warns of; the share, which is of every OTEC, to who sees all.

    Kept in the cache for half a minute, so that a warm page asks the database nothing.
    """
    if not user.has_perm("attendance.view_attendancesession"):
        return Standing()
    found = cache.get(KEY)
    if found is None:
        found = Standing(_failing(now), _refused(now))
        cache.set(KEY, found, CACHE_SECONDS)
    ids = otec_ids(user)
    if ids is None:
        return found
    return Standing([action for action in found.actions if action.otec_id in ids])


def queue_watch(now: datetime) -> int:
    """Queue what there is to tell; return how many mails are new."""
    return outbox.queue([*_first_failures(now), *_share_of_errors(now)])


def _failing(now: datetime) -> list[Failing]:
    latest = AttendanceSession.objects.rejected().filter(requested_at__gte=now - DAY).order_by()
    opened = AttendanceSession.objects.filter(
        action_code=OuterRef("action_code"), otec=OuterRef("otec"), opened_at__isnull=False
    ).order_by()
    failing = (
        latest.filter(~Exists(opened))
        .values("otec", "action_code")
        .annotate(
            otec_name=Max("otec__name"),
            students=Count("run", distinct=True),
            one=Min("error_glosa"),
            other=Max("error_glosa"),
            since=Min("requested_at"),
            course=Max("course_name"),
        )
        .filter(students__gte=FIRST_STUDENTS, one=F("other"))
        .exclude(one="")
        .order_by("-since", "otec", "action_code")
    )
    return [
        Failing(
            otec_id=row["otec"],
            otec_name=row["otec_name"],
            action_code=row["action_code"],
            course=row["course"],
            students=row["students"],
            since=row["since"],
            # A GlosaError of semicolons alone has none.
            code=next(iter(error_codes(row["one"])), ""),
        )
        for row in failing[:MOST_ACTIONS]
    ]


def _refused(now: datetime) -> Refused | None:
    starts = AttendanceSession.objects.filter(requested_at__gte=now - HOUR).aggregate(
        answered=Count("pk", filter=Q(opened_at__isnull=False) | Q(rejected_at__isnull=False)),
        refused=Count("pk", filter=Q(opened_at=None, rejected_at__isnull=False)),
    )
    is_told = starts["answered"] >= FEWEST and starts["refused"] > SHARE * starts["answered"]
    return Refused(**starts) if is_told else None


def _first_failures(now: datetime) -> Iterator[SentMail]:
    """A mail for each action whose first students all met the same error: once for each code."""
    failing = _failing(now)
    otecs = Otec.objects.in_bulk({action.otec_id for action in failing})
    for action in failing:
        otec = otecs[action.otec_id]
        yield outbox.mail(
            SentMail.Kind.ALERT,
            f"first:{otec.pk}:{action.action_code}:{action.code}",
            to=coordinators_of(otec),
            subject=f"Nadie ha podido iniciar la acción {action.action_code}: {action.label}",
            body=body(
                "first_failures", {"action": action, "sessions": absolute(action.sessions_url)}
            ),
            now=now,
            otec=otec,
        )


def _share_of_errors(now: datetime) -> Iterator[SentMail]:
    """A mail, once an hour at the most, where too many of the hour's starts were refused."""
    share = _refused(now)
    if share is None:
        return
    context = {
        "share": share,
        "since": timezone.localtime(now - HOUR),
        "until": timezone.localtime(now),
        "desk": absolute(reverse("admin:index")),
    }
    yield outbox.mail(
        SentMail.Kind.ALERT,
        f"share:{now:%Y%m%d%H}",
        to=catalogue.contact().alert_emails,
        subject=(
            f"Muchos inicios terminan en error: {share.refused} de {share.answered}"
            " en la última hora"
        ),
        body=body("share_of_errors", context),
        now=now,
    )
