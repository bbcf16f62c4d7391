"""What happened to one session, in order: its own life, SENCE's answers, mails, and what staff did.

Everything that is kept, except the nonce, the token and the address of the student's page.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.admin.models import LogEntry
from django.contrib.admin.options import get_content_type_for_model
from django.utils import timezone

from attendance.models import AttendanceSession, Outcome, Phase, SenceCallback, SentMail
from attendance.screens import as_hours
from attendance.sence.incoming import Answer, error_codes, read
from attendance.sence.times import difference
from backoffice.review.filters import REFUSED
from errors_catalog.catalogue import Explanation, explain

RESOLVED = "Resuelta"
"""How the admin's history says it; the session itself keeps why."""
ON_THE_WAY = "De ahí va a Sence con su navegador: que llegó lo muestra la respuesta."
"""We hand the browser a form: what becomes of it is not seen from here."""
NONCES = re.compile(r"((?:/|%2F)sence(?:/|%2F))[A-Za-z0-9_-]{8,}", re.IGNORECASE)
"""What of a callback's address lets whoever has it speak in SENCE's name, encoded or not."""
GOOD = [Outcome.OPENED, Outcome.CLOSED]


@dataclass(frozen=True)
class Event:
    """Something that happened. `tone` is good, bad, doubtful, staff or an empty text."""

    at: datetime
    title: str
    tone: str = ""
    who: str = ""
    notes: list[str] = field(default_factory=list)
    sence_clock: str = ""
    errors: list[Explanation] = field(default_factory=list)
    body_title: str = ""
    body: str = ""


def story(session: AttendanceSession) -> list[Event]:
    """Return what happened to the session, the oldest first. Four queries, however long."""
    events = [
        *_own_life(session),
        *map(_answered, _answers(session)),
        *map(_mailed, session.mails.select_related("created_by")),
        *map(_done_by_staff, _history(session)),
    ]
    return sorted(events, key=lambda event: event.at)


def clocks(sence_time: str, zone: str, ours: datetime) -> str:
    """Return SENCE's clock as it came, and how far from ours it was; empty where none came."""
    if not sence_time:
        return ""
    shown = " ".join([sence_time, zone]).strip()
    ahead = difference(sence_time, ours)
    if ahead is None:
        return shown
    seconds = round(ahead.total_seconds())
    if not seconds:
        return f"{shown}, igual al nuestro"
    side = "atrasado" if seconds < 0 else "adelantado"
    apart = f"{abs(seconds)} s" if abs(seconds) < 60 else as_hours(abs(seconds))
    return f"{shown}, {apart} {side} respecto al nuestro"


def shown_body(callback: SenceCallback) -> str:
    """Return what came as staff may read it: an echo of our own addresses loses their nonces.

    The answer itself is kept as it came.
    """
    return NONCES.sub(r"\1***", bytes(callback.body).decode("utf-8", "replace"))


def _own_life(session: AttendanceSession) -> Iterator[Event]:
    yield Event(session.requested_at, "El alumno eligió el curso", notes=[ON_THE_WAY])
    if session.superseded_at:
        yield Event(
            session.superseded_at,
            "Reemplazada",
            tone="doubtful",
            notes=["El alumno siguió con otra sesión."],
        )
    if session.resolved_at:
        yield Event(
            session.resolved_at,
            RESOLVED,
            tone="staff",
            who=str(session.resolved_by),
            notes=[f"Motivo: {session.resolution}"],
        )


def _answers(session: AttendanceSession) -> list[SenceCallback]:
    # By the address that they came to, so that those not applied yet are here as well.
    answers = SenceCallback.objects.filter(public_id=session.public_id)
    return list(answers.select_related("verdict", "review__reviewed_by"))


def _answered(callback: SenceCallback) -> Event:
    verdict = getattr(callback, "verdict", None)
    answer = read(bytes(callback.body), callback.body_length)
    outcome = verdict.get_outcome_display() if verdict else "Sin aplicar todavía"
    return Event(
        callback.received_at,
        f"Sence respondió al {Phase(callback.phase).label.lower()}: {outcome}",
        tone=_tone(verdict.outcome if verdict else None),
        notes=_notes(callback, verdict.reason if verdict else ""),
        sence_clock=clocks(
            answer.first("FechaHora"), answer.first("ZonaHoraria"), callback.received_at
        ),
        errors=_errors(answer, callback),
        body_title=f"Lo que llegó ({callback.body_length} bytes)",
        body=shown_body(callback),
    )


def _tone(outcome: str | None) -> str:
    if outcome in GOOD:
        return "good"
    return "bad" if outcome in REFUSED else "doubtful"


def _notes(callback: SenceCallback, reason: str) -> list[str]:
    notes = [reason] if reason else []
    if callback.announces_error:
        notes.append("Llegó a la dirección de error.")
    if callback.origin:
        notes.append(f"Origin: {callback.origin}")
    if review := getattr(callback, "review", None):
        notes.append(str(review))
    return notes


def _errors(answer: Answer, callback: SenceCallback) -> list[Explanation]:
    if not answer.glosa and not callback.announces_error:
        return []
    return explain(error_codes(answer.glosa))


def _mailed(mail: SentMail) -> Event:
    if mail.sent_at:
        sent = f"Enviado el {timezone.localtime(mail.sent_at):%d-%m-%Y a las %H:%M:%S}."
    else:
        sent = f"Por enviar; intentos: {mail.attempts}."
    return Event(
        mail.created_at,
        f"Correo: {mail.get_kind_display()}",
        who=str(mail.created_by or ""),
        notes=[f"Para: {', '.join(mail.recipients.split())}", sent],
        body_title=mail.subject,
        body=mail.body,
    )


def _history(session: AttendanceSession) -> list[LogEntry]:
    entries = LogEntry.objects.filter(
        content_type=get_content_type_for_model(session), object_id=str(session.pk)
    )
    # The session says it itself, with its reason.
    return list(entries.exclude(change_message=RESOLVED).select_related("user"))


def _done_by_staff(entry: LogEntry) -> Event:
    return Event(
        entry.action_time, entry.get_change_message(), tone="staff", who=entry.user.get_username()
    )
