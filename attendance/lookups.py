"""What the student's pages ask the database: one question each, which Django compiles once."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Exists, Func, OuterRef, Q, QuerySet, Subquery, TextField, Value
from django.db.transaction import TransactionManagementError

from attendance.models import (
    AttendanceSession,
    CallbackVerdict,
    Outcome,
    Phase,
    SenceCallback,
)
from courses.models import Enrolment, Otec
from usecap_sence.compiled import Compiled, Unlocked


def session(public_id: uuid.UUID) -> AttendanceSession:
    """Return the session with its OTEC's token and with what SENCE's answers say of it.

    `has_pending_answer`: one is kept and not applied yet; `last_outcome`, of the last one that is;
    `close_is_flagged`: a close was confirmed with data that contradict the session's. Raises
    AttendanceSession.DoesNotExist.
    """
    for *values, token, pending, outcome, flagged in SESSION.rows(public_id):
        found = AttendanceSession.from_db(DEFAULT_DB_ALIAS, SESSION_FIELDS, values)
        found.otec = Otec.from_db(
            DEFAULT_DB_ALIAS, ["id", "token_ciphertext"], [found.otec_id, token]
        )
        found.has_pending_answer = pending
        found.last_outcome = outcome
        found.close_is_flagged = flagged
        return found
    raise AttendanceSession.DoesNotExist


def locked(public_id: uuid.UUID, *, waits_for_disk: bool = True) -> AttendanceSession | None:
    """Return the session as it is now, its enrolment locked until the transaction ends.

    One lock an enrolment serialises starts, callbacks and staff: a session's transitions may touch
    its siblings. Without `waits_for_disk` the commit returns before it is on disk, where there is a
    session: if the machine dies in the second after it, what the transaction did is gone as a
    whole. None where no session has the id. Raises TransactionManagementError outside of a
    transaction, where a lock lasts no longer than its statement.
    """
    if not connection.in_atomic_block:
        raise TransactionManagementError("A session is locked within a transaction.")
    (LOCK if waits_for_disk else LOCK_WITHOUT_DISK).rows(public_id)
    # A statement of its own: it sees what was there once the lock was waited for.
    for *values, _ in BARE_SESSION.rows(public_id):
        return AttendanceSession.from_db(DEFAULT_DB_ALIAS, SESSION_FIELDS, values)
    return None


def unlocked(public_id: uuid.UUID) -> AttendanceSession | None:
    """Return the session as it is, to be marked as opened or closed by itself, in one statement.

    That statement locks the enrolment, and changes the session where nothing else did meanwhile;
    else it raises NotWrittenError. Its commit returns before it is on disk, as above. None where no
    session has the id.
    """
    for *values, version in BARE_SESSION.rows(public_id):
        session = AttendanceSession.from_db(DEFAULT_DB_ALIAS, SESSION_FIELDS, values)
        session.unlocked = Unlocked(version, LOCK_WITHOUT_DISK.asked(public_id))
        return session
    return None


def _session(public_id: uuid.UUID) -> QuerySet:
    answers = SenceCallback.objects.filter(public_id=OuterRef("public_id"))
    verdicts = CallbackVerdict.objects.filter(session=OuterRef("pk")).order_by("-pk")
    confirmed_close = verdicts.filter(
        outcome=Outcome.CONTRADICTION,
        callback__phase=Phase.CLOSE,
        callback__announces_error=False,
    )
    return AttendanceSession.objects.filter(public_id=public_id).values_list(
        *SESSION_FIELDS,
        "otec__token_ciphertext",
        Exists(answers.filter(pending__isnull=False)),
        Subquery(verdicts.values("outcome")[:1]),
        Exists(confirmed_close),
    )


SESSION_FIELDS = [field.attname for field in AttendanceSession._meta.concrete_fields]
SESSION = Compiled(_session, uuid.UUID(int=0))
BARE_SESSION = Compiled(
    lambda public_id: AttendanceSession.objects.filter(public_id=public_id).values_list(
        *SESSION_FIELDS, Func(template="xmin::text", output_field=TextField())
    ),
    uuid.UUID(int=0),
)


def _lock(public_id: uuid.UUID) -> QuerySet:
    of_session = AttendanceSession.objects.filter(public_id=public_id)
    return (
        # Its order would lock the action and the student as well, and have everybody wait in line
        # who is in the same course.
        Enrolment.objects.order_by()
        .select_for_update(no_key=True)
        .filter(pk=Subquery(of_session.values("enrolment")[:1]))
        .values_list("pk")
    )


LOCK = Compiled(_lock, uuid.UUID(int=0))
LOCK_WITHOUT_DISK = Compiled(
    lambda public_id: _lock(public_id).annotate(
        of_transaction=Func(
            Value("synchronous_commit"), Value("off"), Value(True), function="set_config",
            output_field=TextField(),
        )
    ),
    uuid.UUID(int=0),
)  # fmt: skip
"""Whoever takes it has the transaction's commit return before it is on disk."""


@dataclass(frozen=True)
class Choice:
    """A course of a student's, as they choose it."""

    enrolment: int
    is_exempt: bool
    environment: str
    starts_on: date
    ends_on: date
    close_required: bool
    course: str
    open_since: datetime | None
    """When the session that is in course was opened."""
    last_complete: datetime | None
    """When the last one that is complete was."""


def choices(run: str) -> list[Choice]:
    """Return the courses that the RUN is enrolled in, the last one to end first."""
    return [Choice(*row) for row in CHOICES.rows(run)]


def _choices(run: str) -> QuerySet:
    own = AttendanceSession.objects.filter(enrolment=OuterRef("pk")).order_by("-opened_at")
    complete = own.filter(
        Q(closed_at__isnull=False) | Q(opened_at__isnull=False, close_required=False)
    )
    return (
        Enrolment.objects.active()
        .filter(student__run=run)
        .order_by("-action__ends_on", "action__course__name")
        .values_list(
            "pk",
            "is_exempt",
            "action__environment",
            "action__starts_on",
            "action__ends_on",
            "action__close_required",
            "action__course__name",
            Subquery(own.open().live().values("opened_at")[:1]),
            Subquery(complete.values("opened_at")[:1]),
        )
    )


CHOICES = Compiled(_choices, "0-0")
