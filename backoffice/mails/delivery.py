"""Sending what waits in the outbox, whoever else is sending at the same time.

A row is locked while it is being sent, and rows that others have locked are passed over: two runs
at once send nothing twice. "Exactly once" can't be had of SMTP: where the connection or the process
dies after the server took a mail and before we know, the mail goes again, with the same Message-ID.
"""

import contextlib
import hashlib
import logging
import smtplib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import Case, Value, When
from django.utils import timezone

from attendance.models import SentMail
from backoffice.mails import outbox
from backoffice.mails.compose import message

logger = logging.getLogger(__name__)

URGENT = [SentMail.Kind.NEAR_LIMIT, SentMail.Kind.PAST_LIMIT, SentMail.Kind.REMINDER]
STRIKES = 3
"""How many mails in a row may break the connection before the server is taken to be away."""

ANSWERS = (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused, ValueError)
"""What is wrong with one mail: the server says no to it, or an address is none."""


@dataclass
class Result:
    """How many mails went and failed, and whether the server was there for all of them.

    A mail that reached some of its recipients counts as both.
    """

    sent: int = 0
    failed: int = 0
    server_is_away: bool = False


def send_due(now: datetime, progress: Callable[[list[int]], Iterable[int]] = iter) -> Result:
    """Send what is due at `now` over one connection, and raise nothing of the mail server's.

    Mails to students go to the address that they have by now. A mail that fails delays only itself.
    Where the server is away the rest goes on waiting, and no mail counts it as an attempt.
    `progress` wraps the list of what is due, as tqdm does.
    """
    outbox.follow_students(SentMail.objects.all())
    result = Result()
    with _connection() as line:
        for pk in progress(_urgent_first(now)):
            if line.is_away:
                break
            reached, missed = _send_row(pk, line)
            result.sent += reached
            result.failed += missed
        result.server_is_away = line.is_away
    return result


def _urgent_first(now: datetime) -> list[int]:
    """A long list of letters must not make a reminder late."""
    order = Case(When(kind__in=URGENT, then=Value(0)), default=Value(1))
    return list(outbox.due(now).order_by(order, "pk").values_list("pk", flat=True))


def _send_row(pk: int, line: "Line") -> tuple[bool, bool]:
    """Send one mail; return whether it reached someone, and whether it failed someone."""
    with transaction.atomic():
        due = outbox.due(timezone.now()).select_for_update(skip_locked=True, of=("self",))
        row = due.filter(pk=pk).first()
        if row is None:
            # Someone else is sending it, or has, or it has nothing more to say.
            return False, False
        recipients = row.recipients.splitlines()
        failures = line.failures
        reached = [recipient for recipient in recipients if line.send(row, recipient)]
        missed = [recipient for recipient in recipients if recipient not in reached]
        has_failed = line.failures > failures
        _record(row, reached, missed, attempts=row.attempts + has_failed)
    return bool(reached), has_failed


def _record(row: SentMail, reached: list[str], missed: list[str], attempts: int) -> None:
    now = timezone.now()
    if attempts > row.attempts:
        row.retry_at = outbox.retry_at(attempts, now)
    if not reached:
        SentMail.objects.filter(pk=row.pk).update(attempts=attempts, retry_at=row.retry_at)
        return
    SentMail.objects.filter(pk=row.pk).update(
        recipients="\n".join(reached), attempts=row.attempts + 1, sent_at=now
    )
    if missed:
        _leave_for_later(row, "\n".join(missed), attempts)


def _leave_for_later(row: SentMail, recipients: str, attempts: int) -> None:
    """Those who were not reached get a mail of their own, so that the others get theirs once."""
    row.pk, row.recipients, row.attempts = None, recipients, attempts
    row.key += f":{hashlib.sha256(recipients.encode()).hexdigest()[:12]}"
    row.save(force_insert=True)


class Line:
    """A connection to the mail server, opened again after each failure."""

    def __init__(self, backend: BaseEmailBackend):
        self.backend = backend
        self.is_away = False
        # Whether a mail went over it since it was opened.
        self.is_used = False
        self.failures = self.strikes = 0

    def send(self, row: SentMail, recipient: str) -> bool:
        """Return whether the server took the mail for this recipient."""
        was_used = self.is_used
        if not self._is_open():
            return False
        error = self._try(row, recipient)
        # Servers hang up after so many mails or minutes: that says nothing of this mail.
        if error and was_used and _broke(error) and self._is_open():
            error = self._try(row, recipient)
        if error:
            self._note(error, row)
        return error is None and not self.is_away

    def close(self) -> None:
        self.is_used = False
        with contextlib.suppress(OSError):
            self.backend.close()

    def _is_open(self) -> bool:
        if not self.is_away:
            try:
                self.backend.open()
            except OSError as error:
                self.is_away = True
                logger.warning("The mail server is away: %s", _named(error))
        return not self.is_away

    def _try(self, row: SentMail, recipient: str) -> Exception | None:
        try:
            self.backend.send_messages([message(row, recipient, self.backend)])
        except (OSError, ValueError) as error:
            # In a state that we don't know, or closed by the server.
            self.close()
            return error
        self.is_used = True
        self.strikes = 0
        return None

    def _note(self, error: Exception, row: SentMail) -> None:
        logger.warning("Mail %s was not sent: %s", row.pk, _named(error))
        if isinstance(error, smtplib.SMTPSenderRefused):
            # No mail's fault: all of them have the same sender.
            self.is_away = True
            return
        self.failures += 1
        self.strikes = self.strikes + 1 if _broke(error) else 0
        self.is_away = self.is_away or self.strikes >= STRIKES


@contextlib.contextmanager
def _connection() -> Iterator[Line]:
    line = Line(get_connection())
    try:
        yield line
    finally:
        line.close()


def _broke(error: Exception) -> bool:
    """Whether the connection ended (421 announces it), rather than a mail being refused over it."""
    return 421 in _codes(error) or not isinstance(error, ANSWERS)


def _codes(error: Exception) -> list[int]:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return sorted({code for code, _ in error.recipients.values()})
    return [error.smtp_code] if isinstance(error, smtplib.SMTPResponseException) else []


def _named(error: Exception) -> str:
    """Name the error without its message, which may quote an address."""
    return " ".join([type(error).__name__, *map(str, _codes(error))])
