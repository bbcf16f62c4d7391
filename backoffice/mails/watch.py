"""The day-one watch: whoever can mend it learns at once that a course starts badly.

Both are queued by the run of `send_mails` that finds them, each minute.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

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
from errors_catalog import catalogue

FIRST_STUDENTS = 3
"""How many students of an action must have failed alike, and none succeeded."""
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
SHARE = 0.1
"""More than this of the hour's starts that SENCE answered, and staff are told."""
FEWEST = 20
"""Fewer starts than these say nothing about a share."""


def queue_watch(now: datetime) -> int:
    """Queue what there is to tell; return how many mails are new."""
    return outbox.queue([*_first_failures(now), *_share_of_errors(now)])


def _first_failures(now: datetime) -> Iterator[SentMail]:
    """A mail for each action whose first students all met the same error: once for each code."""
    latest = AttendanceSession.objects.rejected().filter(requested_at__gte=now - DAY).order_by()
    opened = AttendanceSession.objects.filter(
        action_code=OuterRef("action_code"), otec=OuterRef("otec"), opened_at__isnull=False
    ).order_by()
    failing = (
        latest.filter(~Exists(opened))
        .values("otec", "action_code")
        .annotate(
            students=Count("run", distinct=True),
            one=Min("error_glosa"),
            other=Max("error_glosa"),
            since=Min("requested_at"),
            course=Max("course_name"),
        )
        .filter(students__gte=FIRST_STUDENTS, one=F("other"))
        .exclude(one="")
    )
    otecs = Otec.objects.in_bulk({row["otec"] for row in failing})
    for row in failing:
        otec, code = otecs[row["otec"]], error_codes(row["one"])[0]
        responsible = responsible_for(code)
        links = {"accion": row["action_code"], "otec__id__exact": otec.pk}
        context = {
            **row,
            "otec": otec,
            "label": label_of(code),
            "description": catalogue.explain([code])[0].description,
            "responsible": responsible.label,
            "remedy": REMEDIES[responsible],
            "sessions": absolute(list_url("attendance_attendancesession", **links)),
        }
        yield outbox.mail(
            SentMail.Kind.ALERT,
            f"first:{otec.pk}:{row['action_code']}:{code}",
            to=coordinators_of(otec),
            subject=f"Nadie ha podido iniciar la acción {row['action_code']}: {label_of(code)}",
            body=body("first_failures", context),
            now=now,
            otec=otec,
        )


def _share_of_errors(now: datetime) -> Iterator[SentMail]:
    """A mail, once an hour at the most, where too many of the hour's starts were refused."""
    starts = AttendanceSession.objects.filter(requested_at__gte=now - HOUR).aggregate(
        answered=Count("pk", filter=Q(opened_at__isnull=False) | Q(rejected_at__isnull=False)),
        refused=Count("pk", filter=Q(opened_at=None, rejected_at__isnull=False)),
    )
    answered, refused = starts["answered"], starts["refused"]
    if answered < FEWEST or refused <= SHARE * answered:
        return
    context = {
        "answered": answered,
        "refused": refused,
        "since": timezone.localtime(now - HOUR),
        "until": timezone.localtime(now),
        "desk": absolute(reverse("admin:index")),
    }
    yield outbox.mail(
        SentMail.Kind.ALERT,
        f"share:{now:%Y%m%d%H}",
        to=catalogue.contact().alert_emails,
        subject=f"Muchos inicios terminan en error: {refused} de {answered} en la última hora",
        body=body("share_of_errors", context),
        now=now,
    )
