"""Our own errors, mailed to whoever operates the site: each kind once an hour, nobody's data in it.

A mail is a row, as all of them are: no page waits for the mail server, and a storm of the same
error is one mail.
"""

import logging
import traceback
from types import TracebackType

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from attendance.models import SentMail
from backoffice.mails import outbox
from usecap_sence.logs import mask, request_id, route_of

logger = logging.getLogger(__name__)


class MailHandler(logging.Handler):
    """Queues a mail for an unhandled exception. Where the database is away, the log has it."""

    def emit(self, record: logging.LogRecord) -> None:
        if not settings.ERROR_EMAILS or not record.exc_info or not record.exc_info[0]:
            return
        try:
            with transaction.atomic():
                outbox.queue([_mail(record)])
        except Exception as error:
            # Not handleError, which prints the record, address and all, past what masks the log.
            kind = type(error).__name__
            logger.error("No se pudo dejar por enviar el correo de un error: %s.", kind)


def _mail(record: logging.LogRecord) -> SentMail:
    kind, _, trace = record.exc_info or (None, None, None)
    name = kind.__name__ if kind else "Error"
    where = _where(trace)
    now = timezone.now()
    request = getattr(record, "request", None)
    route = route_of(request)
    lines = [
        f"Un error nuestro: {name}, en {where}.",
        f"Ruta: {route}. Solicitud: {request_id.get() or '-'}.",
        "El registro del servidor tiene el resto, con ese mismo nombre de solicitud. Este correo "
        "se envía una vez por hora para cada error.",
        # The words of an exception may quote what somebody typed: the places alone.
        mask("".join(traceback.format_tb(trace))),
    ]
    return outbox.mail(
        SentMail.Kind.FAULT,
        # What tells one from another first: what is too long is cut at its end.
        f"{now:%Y%m%d%H}:{where}:{name}"[:180],
        to=settings.ERROR_EMAILS,
        subject=f"Asistencia Sence: error del sitio, {name}",
        body="\n\n".join(lines),
        now=now,
    )


def _where(trace: TracebackType | None) -> str:
    """Return the file and line where it was raised."""
    frames = traceback.extract_tb(trace)
    return f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else "-"
