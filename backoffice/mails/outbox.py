"""Mails that wait and mails that went: what to send is written here, and sent by `delivery`."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery

from attendance.models import SentMail
from backoffice.mails import timing
from courses.models import Enrolment, Student

RETRY_AFTER = [
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=8),
    timedelta(days=1),
]
"""How long after its latest attempt a mail is tried again, once it failed so many times."""

TO_STUDENTS = [
    SentMail.Kind.NEAR_LIMIT,
    SentMail.Kind.PAST_LIMIT,
    SentMail.Kind.REMINDER,
    SentMail.Kind.NO_SESSION,
]
MAX_ATTEMPTS = len(RETRY_AFTER) + 1
MAX_SUBJECT = 200


def mail(
    kind: SentMail.Kind,
    key: str,
    *,
    to: Iterable[str],
    subject: str,
    body: str,
    now: datetime,
    **about: Any,
) -> SentMail:
    """Return a mail to be queued. `key` is its own within the kind; `about` what it is about:
    otec, session, enrolment, created_by."""
    return SentMail(
        key=f"{kind}:{key}",
        kind=kind,
        recipients="\n".join(to),
        subject=" ".join(subject.split())[:MAX_SUBJECT],
        body=body.strip(),
        created_at=now,
        **about,
    )


def queue(mails: Iterable[SentMail]) -> int:
    """Keep the mails to be sent, each key once (ON CONFLICT DO NOTHING). Return how many are new.

    Where two ask for the same mail at the very same moment both may count it; it goes out once.
    """
    wanted = {mail.key: mail for mail in mails}
    taken = SentMail.objects.filter(key__in=wanted).order_by().values_list("key", flat=True)
    for key in set(taken):
        del wanted[key]
    SentMail.objects.bulk_create(wanted.values(), ignore_conflicts=True, batch_size=500)
    return len(wanted)


def unsent() -> QuerySet[SentMail]:
    return SentMail.objects.filter(sent_at=None)


def without_recipients() -> QuerySet[SentMail]:
    """Kept, and sent to nobody: there was no address when they were written."""
    return unsent().filter(recipients="")


def follow_students(mails: QuerySet[SentMail]) -> None:
    """Have those that no server took yet go to their student's address of now, if it is another.

    At the new one they were never tried. To nobody, where there is no address.
    """
    students = Student.objects.filter(enrolments=OuterRef("enrolment"))
    moved = mails.filter(
        ~Q(recipients=F("enrolment__student__email")), kind__in=TO_STUDENTS, sent_at=None
    )
    moved.update(recipients=Subquery(students.values("email")), attempts=0, retry_at=None)


def waiting(now: datetime) -> QuerySet[SentMail]:
    """To be sent, at once or when their next attempt is due."""
    return _in_time(now).filter(attempts__lt=MAX_ATTEMPTS)


def given_up(now: datetime) -> QuerySet[SentMail]:
    """Tried as often as a mail is. Staff may have them tried again."""
    return _in_time(now).filter(attempts__gte=MAX_ATTEMPTS)


def outdated(now: datetime) -> QuerySet[SentMail]:
    """Not sent in time: what they would say is no longer so."""
    return unsent().exclude(recipients="").exclude(still_true(now))


def _in_time(now: datetime) -> QuerySet[SentMail]:
    return unsent().exclude(recipients="").filter(still_true(now))


def due(now: datetime) -> QuerySet[SentMail]:
    """To be sent now."""
    return waiting(now).filter(Q(retry_at=None) | Q(retry_at__lte=now))


def retry_at(attempts: int, now: datetime) -> datetime | None:
    """When a mail that failed so many times, the latest at `now`, is due; None where no more."""
    return now + RETRY_AFTER[attempts - 1] if 0 < attempts < MAX_ATTEMPTS else None


def still_true(now: datetime) -> Q:
    """Whether a mail to a student still has something to ask of them."""
    of_session = {
        SentMail.Kind.NEAR_LIMIT: timing.near_limit(now),
        SentMail.Kind.PAST_LIMIT: timing.past_limit(now),
        SentMail.Kind.REMINDER: timing.to_close(),
    }
    found = Q(kind__in=[SentMail.Kind.ALERT, SentMail.Kind.FAULT, SentMail.Kind.DIGEST])
    for kind, sessions in of_session.items():
        found |= Q(Exists(sessions.filter(pk=OuterRef("session"))), kind=kind)
    missing = Enrolment.objects.missing().filter(pk=OuterRef("enrolment"))
    return found | Q(Exists(missing), kind=SentMail.Kind.NO_SESSION)
