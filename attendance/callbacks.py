"""SENCE's answers: kept first, judged after, applied once.

`receive` commits the POST as it came (on disk where the database is away), then `apply` decides on
it in a transaction of its own and writes the verdict beside what it changed. What was kept and has
no verdict yet, `replay` applies.
"""

import logging
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from itertools import chain, islice
from operator import attrgetter
from typing import NamedTuple

from django.db import Error as DatabaseError
from django.db import IntegrityError, OperationalError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from attendance import alerts, lookups, spool
from attendance.models import (
    AttendanceSession,
    CallbackVerdict,
    Outcome,
    Phase,
    SenceCallback,
)
from attendance.patience import patience
from attendance.sence.incoming import Answer, contradictions, error_codes, read
from attendance.sence.outgoing import MAX_ID
from attendance.sence.times import difference
from attendance.spool import Receipt
from errors_catalog import catalogue
from usecap_sence import locks
from usecap_sence.compiled import NotWrittenError, insert

logger = logging.getLogger(__name__)

ERRORS = (Outcome.REJECTED, Outcome.CLOSE_FAILED, Outcome.LATE_ERROR)
FOLLOWED = (Outcome.OPENED, Outcome.CLOSED, Outcome.REJECTED, Outcome.CLOSE_FAILED)
"""Outcomes that do what SENCE says, whatever notes staff find beside them."""
FAR_OFF = timedelta(days=1)
"""SENCE's clock further than this from ours says that one of the two is wrong, or that the answer
went about for a day: nobody logs in for so long."""
CLOCK_FAR_OFF = "FechaHora difiere de nuestro reloj en más de un día."

SILENCE_TO_KEEP, SILENCE_TO_APPLY = 6, 15
"""Seconds after which the database is taken to be away: in keeping an answer, which the disk does
then, and in acting on it. A lock that somebody holds ends the waiting earlier (`locks.WAIT`)."""


class Verdict(NamedTuple):
    """What becomes of an answer, why or with what notes, and whether SENCE's clock was far off."""

    outcome: Outcome
    reason: str = ""
    clock_far_off: bool = False


def receive(receipt: Receipt) -> Outcome | None:
    """Keep SENCE's answer, then act on it. Raises OSError where neither database nor disk keeps it.

    Returns what became of it, None where that is not decided yet. Once it is kept, whatever fails
    behind is left for `replay`: hence the broad excepts. The first also sees the SystemExit with
    which an application server may end a worker.
    """
    try:
        with patience(SILENCE_TO_KEEP):
            callback = _keep(receipt)
    except BaseException as error:
        spool.put(receipt)
        logger.exception("Respuesta de SENCE guardada en disco: la base de datos no la recibió.")
        if not isinstance(error, Exception):
            raise
        return None
    try:
        with patience(SILENCE_TO_APPLY):
            return _apply_in_order(callback)
    except Exception:
        logger.exception("Respuesta de SENCE guardada y sin aplicar: use replay_callbacks.")
        return None


def may_be_ours(public_id: uuid.UUID) -> bool:
    """Whether a session has this id, or nobody can tell because the database is away."""
    try:
        with patience(SILENCE_TO_KEEP):
            return AttendanceSession.objects.filter(public_id=public_id).exists()
    except DatabaseError:
        return True


def _keep(receipt: Receipt) -> SenceCallback:
    # One statement, committed by itself: PostgreSQL is not asked for a transaction around it.
    callback = SenceCallback(**vars(receipt))
    insert(callback)
    return callback


def _apply_in_order(callback: SenceCallback) -> Outcome | None:
    try:
        return apply(callback)
    except OutOfOrderError:
        replay(callback.public_id)
        return None


class OutOfOrderError(Exception):
    """An answer makes no sense while an earlier one of its session waits to be applied."""


def apply(callback: SenceCallback) -> Outcome | None:
    """Decide on a kept answer and act on it, once: a second call changes nothing.

    Returns what became of it, None for a second call. Raises OutOfOrderError, with nothing
    decided, where `replay` has to come first. To be called outside of a transaction.
    """
    # What changes a session waits for no disk, where the answer is: should it be lost, the answer
    # waits again, and the session's page or a replay applies it anew.
    answer = read(bytes(callback.body), callback.body_length)
    try:
        return _apply_at_once(callback, answer) or _apply_locked(callback, answer)
    except IntegrityError:
        if not CallbackVerdict.objects.filter(callback=callback).exists():
            raise
        return None


def _apply_at_once(callback: SenceCallback, answer: Answer) -> Outcome | None:
    """Open or close a live session, which is what most answers do: in one statement, that locks.

    Returns None with nothing done for all others, and where the session changes meanwhile.
    """
    session = lookups.unlocked(callback.public_id)
    verdict = judge(session, callback, answer)
    if not (session and session.is_live and verdict.outcome in (Outcome.OPENED, Outcome.CLOSED)):
        return None
    try:
        _act(session, callback, answer, verdict)
    except NotWrittenError:
        return None
    return verdict.outcome


def _apply_locked(callback: SenceCallback, answer: Answer) -> Outcome:
    with transaction.atomic():
        session = lookups.locked(callback.public_id, waits_for_disk=False)
        verdict = judge(session, callback, answer)
        if verdict.outcome == Outcome.ANOMALY and _earlier_ones_wait(callback):
            raise OutOfOrderError
        if session and verdict.outcome in ERRORS and _was_decided(session, callback):
            verdict = Verdict(Outcome.REPLAY)
        _act(session, callback, answer, verdict)
    return verdict.outcome


def _earlier_ones_wait(callback: SenceCallback) -> bool:
    earlier = Q(phase=callback.phase, received_at__lt=callback.received_at)
    if callback.phase == Phase.CLOSE:
        # Whatever the clock said, which may have been put right in between.
        earlier |= Q(phase=Phase.OPEN)
    waiting = _pending(callback.public_id).filter(earlier)
    return any(spool.entries(callback.public_id)) or waiting.exists()


def _was_decided(session: AttendanceSession, callback: SenceCallback) -> bool:
    """Whether the session already got this very error, byte for byte.

    Nothing in the session tells: another error may have come in between.
    """
    return session.verdicts.filter(
        outcome__in=ERRORS,
        callback__phase=callback.phase,
        callback__announces_error=callback.announces_error,
        callback__body=bytes(callback.body),
    ).exists()


def judge(session: AttendanceSession | None, callback: SenceCallback, answer: Answer) -> Verdict:
    """Return what becomes of an answer and why. Pure: it changes nothing.

    The URL fixes the phase. A non-empty `GlosaError` is a failure wherever it arrives, and so is
    whatever arrives at an error URL: nothing is claimed that SENCE did not confirm.
    """
    if session is None:
        return Verdict(Outcome.UNMATCHED, "Ninguna sesión tiene esta dirección de respuesta.")
    if answer.too_large:
        return Verdict(
            Outcome.ANOMALY, "Es más grande que cualquier respuesta de SENCE: no se leyó."
        )
    if answer.is_cut:
        return Verdict(Outcome.ANOMALY, "No llegó completa: no se leyó.")
    if wrong := _contradictions(session, callback, answer):
        return Verdict(Outcome.CONTRADICTION, f"No coincide con lo enviado: {', '.join(wrong)}.")
    failed = callback.announces_error or bool(answer.glosa)
    decide = {
        (Phase.OPEN, False): _judge_opening,
        (Phase.OPEN, True): _judge_open_error,
        (Phase.CLOSE, False): _judge_closing,
        (Phase.CLOSE, True): _judge_close_error,
    }[Phase(callback.phase), failed]
    verdict = decide(session, answer)
    return _noted(verdict, session, callback, answer) if verdict.outcome in FOLLOWED else verdict


def _contradictions(
    session: AttendanceSession, callback: SenceCallback, answer: Answer
) -> list[str]:
    wrong = contradictions(answer, session)
    if callback.phase == Phase.CLOSE and session.opened_at:
        # Not an echo when opening, where it is SENCE's to give.
        others = [id_ for id_ in answer.all("IdSesionSence") if id_ != session.sence_session_id]
        wrong += ["IdSesionSence"] if others else []
    return wrong


def _judge_opening(session: AttendanceSession, answer: Answer) -> Verdict:
    ids = answer.all("IdSesionSence")
    if len(ids) != 1 or len(ids[0]) > MAX_ID:
        return Verdict(Outcome.ANOMALY, "Anuncia un inicio sin un IdSesionSence utilizable.")
    if session.sence_session_id == ids[0]:
        return Verdict(Outcome.REPLAY)
    if session.opened_at:
        return Verdict(Outcome.ANOMALY, "Segundo inicio con otro IdSesionSence.")
    return Verdict(Outcome.OPENED)


def _judge_open_error(session: AttendanceSession, answer: Answer) -> Verdict:
    if session.opened_at:
        return Verdict(Outcome.LATE_ERROR, "La sesión ya estaba abierta.")
    if session.rejected_at and session.error_glosa == answer.glosa:
        return Verdict(Outcome.REPLAY)
    return Verdict(Outcome.REJECTED)


def _judge_closing(session: AttendanceSession, answer: Answer) -> Verdict:
    if not session.opened_at:
        return Verdict(Outcome.ANOMALY, "Anuncia el cierre de una sesión que no se ha abierto.")
    if answer.is_blank:
        return Verdict(Outcome.ANOMALY, "No trae ninguno de los campos de SENCE.")
    if session.closed_at:
        return Verdict(Outcome.REPLAY)
    return Verdict(Outcome.CLOSED)


def _judge_close_error(session: AttendanceSession, answer: Answer) -> Verdict:
    if not session.opened_at:
        return Verdict(
            Outcome.ANOMALY, "Anuncia un error al cerrar una sesión que no se ha abierto."
        )
    if session.closed_at:
        return Verdict(Outcome.LATE_ERROR, "La sesión ya estaba cerrada.")
    return Verdict(Outcome.CLOSE_FAILED)


def _noted(
    verdict: Verdict, session: AttendanceSession, callback: SenceCallback, answer: Answer
) -> Verdict:
    notes = [f"No llegó: {', '.join(answer.missing)}."] if answer.missing else []
    far_off = _is_far_off(session, callback, answer)
    if far_off:
        notes.append(CLOCK_FAR_OFF)
    return verdict._replace(reason=" ".join(notes), clock_far_off=far_off)


def _is_far_off(session: AttendanceSession, callback: SenceCallback, answer: Answer) -> bool:
    """Whether SENCE's clock was far from ours when the answer came, however late it is applied.

    That of a close may be its opening's (manual): it is far off where it is far from both.
    """
    moments = [callback.received_at]
    if callback.phase == Phase.CLOSE and session.opened_at:
        moments.append(session.opened_at)
    apart = [difference(answer.first("FechaHora"), moment) for moment in moments]
    return all(each is not None and abs(each) > FAR_OFF for each in apart)


def _act(
    session: AttendanceSession | None, callback: SenceCallback, answer: Answer, verdict: Verdict
) -> None:
    """Do what the answer says, where the verdict is to follow it, and write the verdict beside."""
    at = callback.received_at
    decided = CallbackVerdict(
        callback=callback,
        session=session,
        decided_at=timezone.now(),
        **verdict._asdict(),
        glosa=answer.glosa,
    )
    if session is None or verdict.outcome not in FOLLOWED:
        insert(decided)
    elif verdict.outcome == Outcome.REJECTED:
        session.mark_rejected(answer.glosa, at, beside=decided)
        _alert_staff(session, answer, at)
    elif verdict.outcome == Outcome.CLOSE_FAILED:
        session.mark_close_failed(answer.glosa, at, beside=decided)
        _alert_staff(session, answer, at)
    else:
        time, zone = (answer.first(name)[:100] for name in ("FechaHora", "ZonaHoraria"))
        if verdict.outcome == Outcome.OPENED:
            sence_id = answer.first("IdSesionSence")
            session.mark_opened(sence_id, at, time=time, zone=zone, beside=decided)
        else:
            session.mark_closed(at, time=time, zone=zone, beside=decided)


def _alert_staff(session: AttendanceSession, answer: Answer, at: datetime) -> None:
    explanations = catalogue.explain(error_codes(answer.glosa))
    # In one order for everybody, so that two answers with the same codes never wait for each other.
    for explanation in sorted(explanations, key=attrgetter("code")):
        if explanation.alerts_staff:
            alerts.raise_alert(session, explanation.code, explanation.description, at)
        if not explanation.is_known:
            catalogue.draft(explanation.code)


def replay(
    public_id: uuid.UUID | None = None,
    *,
    most: int | None = None,
    progress: Callable[[], object] = lambda: None,
) -> tuple[int, int]:
    """Apply what was kept and not applied, oldest first; with `public_id`, that session's alone.

    Stops after `most` of them, and at one for which a lock is held for too long: the next would
    wait as long again. Returns how many were applied and how many could not be; the latter
    stay where they are. `progress` is called once for each. Raises OperationalError where the
    database is away.
    """
    done = []
    waiting = chain(_unspool(public_id, most), _apply_pending(public_id))
    for outcome in islice(waiting, most):
        done.append(outcome)
        progress()
    return done.count(True), done.count(False)


def _unspool(public_id: uuid.UUID | None, most: int | None) -> Iterator[bool]:
    for path in islice(spool.entries(public_id), most):
        try:
            values = asdict(spool.read(path))
            SenceCallback.objects.get_or_create(
                receipt_id=values.pop("receipt_id"), defaults=values
            )
        except OperationalError:
            raise
        except (OSError, ValueError, DatabaseError):
            # Another replayer may have been faster; else it stays for staff to look at.
            if path.exists():
                logger.exception("Una respuesta de SENCE en disco no se pudo leer o guardar.")
                yield False
        else:
            path.unlink(missing_ok=True)


def _apply_pending(public_id: uuid.UUID | None) -> Iterator[bool]:
    pending = _pending(public_id).order_by("received_at", "id")
    # Once more at the end: what they wait for may have been applied by then.
    too_early: list[SenceCallback] = []
    for callback in chain(pending.iterator(), too_early):
        try:
            apply(callback)
        except OutOfOrderError:
            if callback not in too_early:
                too_early.append(callback)
                continue
            logger.warning("Una respuesta de SENCE espera a una anterior de la misma sesión.")
            yield False
        except Exception as error:
            logger.exception("Una respuesta de SENCE guardada no se pudo aplicar.")
            yield False
            if locks.is_held(error):
                return
        else:
            yield True


def _pending(public_id: uuid.UUID | None) -> QuerySet[SenceCallback]:
    pending = SenceCallback.objects.filter(pending__isnull=False)
    return pending.filter(public_id=public_id) if public_id else pending
