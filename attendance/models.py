"""Attendance sessions and SENCE's answers.

An `AttendanceSession` is one attempt of one enrolment. Its state is never stored: it follows from
its timestamps, here and nowhere else, with the same meaning in SQL (`AttendanceSessionQuerySet`)
and in Python (`AttendanceSession.state`). Its transitions are methods that refuse a wrong state and
expect the caller to hold the lock (`attendance.lookups.locked`, or `unlocked` for one statement);
how one starts is in `attendance.starting`, what SENCE's answers do to it in `attendance.callbacks`.
"""

import secrets
import uuid
from datetime import datetime, timedelta
from typing import Self

import pgtrigger
from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Concat
from django.utils import timezone

from attendance.sence import callback_urls
from attendance.sence.outgoing import MAX_ID
from courses.models import Enrolment, Environment, Otec
from usecap_sence.addresses import address_of
from usecap_sence.compiled import Unlocked, update


class WrongStateError(Exception):
    """A transition was asked of a session whose state doesn't allow it."""


def never_truncated(name: str) -> pgtrigger.Trigger:
    """A trigger that refuses TRUNCATE (pgtrigger.Protect knows none for it)."""
    return pgtrigger.Trigger(
        name=name,
        operation=pgtrigger.Truncate,
        level=pgtrigger.Statement,
        when=pgtrigger.Before,
        func="RAISE EXCEPTION 'Cannot truncate rows from % table', TG_TABLE_NAME;",
    )


def session_limit() -> timedelta:
    """How long a session should stay open at the most (guide §3.1: 3 continuous hours)."""
    return timedelta(hours=settings.SENCE_SESSION_HOURS)


class State(models.TextChoices):
    REQUESTED = "requested", "Solicitada"
    OPEN = "open", "Abierta"
    CLOSED = "closed", "Cerrada"
    REJECTED = "rejected", "Rechazada"


OVERLONG = "Abierta más tiempo que el límite"
NO_CLOSE = "Abierta, no exige cierre"
RESOLVED, SUPERSEDED = ", resuelta", ", reemplazada"


class AttendanceSessionQuerySet(models.QuerySet["AttendanceSession"]):
    """The states as queries. `now` is an aware datetime."""

    def requested(self) -> Self:
        return self.filter(opened_at=None, rejected_at=None)

    def open(self) -> Self:
        return self.filter(opened_at__isnull=False, closed_at=None)

    def closed(self) -> Self:
        return self.filter(closed_at__isnull=False)

    def rejected(self) -> Self:
        return self.filter(opened_at=None, rejected_at__isnull=False)

    def past_limit(self, now: datetime) -> Self:
        """Open for longer than the limit, whether or not a close is expected."""
        return self.open().filter(opened_at__lt=now - session_limit())

    def within_limit(self, now: datetime) -> Self:
        """Open, and not for longer than the limit."""
        return self.open().filter(opened_at__gte=now - session_limit())

    def open_now(self, now: datetime) -> Self:
        """Open within the limit or to be closed: the others ended, though no close came for them.

        Those are past the limit where none is expected, or where staff settled it.
        """
        is_expected = Q(close_required=True, resolved_at=None)
        return self.open().filter(is_expected | Q(opened_at__gte=now - session_limit()))

    def overlong(self, now: datetime) -> Self:
        """Past the limit while the action exists to be closed: what staff have to look at."""
        return self.open().filter(_past_its_close(now))

    def unsettled(self) -> Self:
        """Not resolved by staff, or opened by SENCE after they had resolved it."""
        return self.filter(Q(resolved_at=None) | Q(opened_at__gt=F("resolved_at")))

    def to_come_back_to(self, run: str, now: datetime) -> "AttendanceSession | None":
        """Return the open session that a student who types this RUN lands on, if there is one.

        Any within the limit; past it, one that still waits for its close and was not set aside.
        """
        unfinished = Q(superseded_at=None, close_required=True)
        return (
            self.open()
            .unsettled()
            .filter(run=run)
            .filter(unfinished | Q(opened_at__gte=now - session_limit()))
            .order_by("-opened_at")
            .first()
        )

    def with_state_in_words(self, now: datetime) -> Self:
        """Add `in_words`, which is `AttendanceSession.state_in_words`."""
        state = Case(
            When(closed_at__isnull=False, then=Value(State.CLOSED.label)),
            When(_past_its_close(now), then=Value(OVERLONG)),
            When(opened_at__isnull=False, close_required=False, then=Value(NO_CLOSE)),
            When(opened_at__isnull=False, then=Value(State.OPEN.label)),
            When(rejected_at__isnull=False, then=Value(State.REJECTED.label)),
            default=Value(State.REQUESTED.label),
        )
        aside = Case(
            When(resolved_at__isnull=False, then=Value(RESOLVED)),
            When(superseded_at__isnull=False, then=Value(SUPERSEDED)),
            default=Value(""),
        )
        return self.annotate(in_words=Concat(state, aside))

    def live(self) -> Self:
        """What the database allows once per enrolment: requested or open, and not set aside."""
        return self.filter(LIVE)


def _past_its_close(now: datetime) -> Q:
    """Of open sessions, those which should have been closed by now, and which nobody settled."""
    return Q(opened_at__lt=now - session_limit(), close_required=True, resolved_at=None)


LIVE = (
    Q(closed_at=None, superseded_at=None, resolved_at=None)
    & (Q(rejected_at=None) | Q(opened_at__isnull=False))
)  # fmt: skip


SENT = (
    "otec_id", "environment", "otec_rut", "sence_code", "action_code", "training_line", "run",
)  # fmt: skip

ERROR = ("error_phase", "error_glosa", "error_at")


def new_nonce() -> str:
    return secrets.token_urlsafe(callback_urls.NONCE_BYTES)


def new_student_session_id() -> str:
    return str(uuid.uuid4())


class AttendanceSession(models.Model):
    """One attempt of one enrolment, with a snapshot of what is sent to SENCE.

    The snapshot (from `otec` to `student_session_id`) never changes: a later edit of the course
    must not change how an open session is closed. `public_id` follows from `nonce` by a one-way
    function, so that a callback finds its page without the database, and a page doesn't tell its
    nonce.
    """

    enrolment = models.ForeignKey(
        Enrolment, verbose_name="inscripción", on_delete=models.PROTECT, related_name="sessions"
    )
    public_id = models.UUIDField("identificador público", unique=True, editable=False)
    nonce = models.CharField(max_length=43, unique=True, editable=False, default=new_nonce)

    otec = models.ForeignKey(
        Otec, verbose_name="OTEC", on_delete=models.PROTECT, editable=False, db_index=False
    )
    environment = models.CharField("ambiente", max_length=10, choices=Environment, editable=False)
    course_name = models.CharField("curso", max_length=300, editable=False)
    close_required = models.BooleanField("exige cierre", editable=False)
    otec_rut = models.CharField("RutOtec", max_length=10, editable=False)
    sence_code = models.CharField("CodSence", max_length=10, blank=True, editable=False)
    action_code = models.CharField("CodigoCurso", max_length=50, editable=False)
    training_line = models.PositiveSmallIntegerField("LineaCapacitacion", editable=False)
    run = models.CharField("RunAlumno", max_length=10, editable=False)
    student_session_id = models.CharField(
        "IdSesionAlumno",
        max_length=MAX_ID,
        unique=True,
        editable=False,
        default=new_student_session_id,
    )

    requested_at = models.DateTimeField("solicitada el", editable=False)
    opened_at = models.DateTimeField("abierta el", null=True, editable=False)
    closed_at = models.DateTimeField("cerrada el", null=True, editable=False)
    rejected_at = models.DateTimeField("rechazada el", null=True, editable=False)
    superseded_at = models.DateTimeField("reemplazada el", null=True, editable=False)

    sence_session_id = models.CharField(
        "IdSesionSence", max_length=MAX_ID, blank=True, editable=False
    )
    opened_sence_time = models.CharField("FechaHora del inicio", max_length=100, blank=True)
    opened_sence_zone = models.CharField("ZonaHoraria del inicio", max_length=100, blank=True)
    closed_sence_time = models.CharField("FechaHora del cierre", max_length=100, blank=True)
    closed_sence_zone = models.CharField("ZonaHoraria del cierre", max_length=100, blank=True)

    error_glosa = models.CharField("GlosaError", max_length=500, blank=True, editable=False)
    error_phase = models.CharField("fase del error", max_length=10, blank=True, editable=False)
    error_at = models.DateTimeField("error recibido el", null=True, editable=False)

    resolved_at = models.DateTimeField("resuelta el", null=True, editable=False)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="resuelta por",
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        db_index=False,
    )
    resolution = models.TextField("motivo de la resolución", blank=True, editable=False)

    # Given by `lookups.session` alone.
    has_pending_answer: bool
    last_outcome: str | None
    close_is_flagged: bool
    # Given by `lookups.unlocked` alone.
    unlocked: Unlocked | None = None

    objects = AttendanceSessionQuerySet.as_manager()

    class Meta:
        verbose_name = "sesión de asistencia"
        verbose_name_plural = "sesiones de asistencia"
        permissions = [
            ("resolve_attendancesession", "Puede resolver sesiones"),
            ("remind_attendancesession", "Puede enviar recordatorios y escribir a los alumnos"),
            ("export_attendancesession", "Puede exportar la asistencia"),
        ]
        ordering = ["-requested_at"]
        constraints = [
            models.UniqueConstraint(
                name="session_one_live_per_enrolment", fields=["enrolment"], condition=LIVE
            ),
            models.CheckConstraint(
                name="session_opened_with_sence_id",
                condition=Q(opened_at=None, sence_session_id="")
                | (Q(opened_at__isnull=False) & ~Q(sence_session_id="")),
            ),
            models.CheckConstraint(
                name="session_closed_was_opened",
                condition=Q(closed_at=None) | Q(opened_at__isnull=False),
            ),
            models.CheckConstraint(
                name="session_resolved_by_someone_for_a_reason",
                condition=Q(resolved_at=None, resolved_by=None, resolution="")
                | (Q(resolved_at__isnull=False, resolved_by__isnull=False) & ~Q(resolution="")),
            ),
        ]
        indexes = [
            models.Index(F("requested_at").desc(), name="session_by_requested_at"),
            # With all that the desk asks of those still open, which are counted from it alone.
            models.Index(
                fields=["opened_at"],
                name="session_open",
                condition=Q(closed_at=None),
                include=["otec", "close_required", "resolved_at", "requested_at"],
            ),
            models.Index(fields=["run"], name="session_by_run"),
            # What staff narrow the list by, in the list's own order where that spares a sort.
            models.Index("otec", F("requested_at").desc(), name="session_by_otec"),
            models.Index("action_code", F("requested_at").desc(), name="session_by_action"),
            # What the desk's charts count, from the index alone.
            models.Index(fields=["opened_at"], name="session_by_opened_at", include=["otec"]),
            models.Index(fields=["closed_at"], name="session_by_closed_at", include=["otec"]),
            models.Index(
                F("requested_at").desc(),
                name="session_requested",
                condition=Q(opened_at=None, rejected_at=None),
                include=["otec"],
            ),
            models.Index(
                F("requested_at").desc(),
                name="session_rejected",
                condition=Q(opened_at=None, rejected_at__isnull=False),
            ),
            # Few are, and each change of a session is written in every index that it is in.
            models.Index(
                fields=["resolved_by"],
                name="session_by_resolver",
                condition=Q(resolved_by__isnull=False),
            ),
            models.Index(
                fields=["sence_session_id"],
                name="session_by_sence_id",
                condition=~Q(sence_session_id=""),
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="session_is_never_deleted", operation=pgtrigger.Delete),
            # Whoever opened it has the enrolment locked: the board need not look at every session.
            pgtrigger.Trigger(
                name="session_connects_its_enrolment",
                when=pgtrigger.After,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("opened_at"),
                condition=pgtrigger.Q(new__opened_at__isnull=False),
                func="""
                    -- A save that leaves it as it was names the column too.
                    IF TG_OP = 'INSERT' OR OLD.opened_at IS DISTINCT FROM NEW.opened_at THEN
                        UPDATE courses_enrolment SET connected_at = NEW.opened_at
                        WHERE id = NEW.enrolment_id
                            AND (connected_at IS NULL OR connected_at > NEW.opened_at);
                    END IF;
                    RETURN NULL;
                """,
            ),
            # Late, mostly: of the day that it is, nothing is kept yet.
            pgtrigger.Trigger(
                name="session_changes_its_days",
                when=pgtrigger.After,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("opened_at", "closed_at"),
                condition=pgtrigger.Q(new__opened_at__isnull=False),
                func="""
                    IF TG_OP = 'INSERT' OR OLD.opened_at IS DISTINCT FROM NEW.opened_at
                        OR OLD.closed_at IS DISTINCT FROM NEW.closed_at
                    THEN
                        DELETE FROM attendance_daycount WHERE day IN (
                            (OLD.opened_at AT TIME ZONE 'America/Santiago')::date,
                            (OLD.closed_at AT TIME ZONE 'America/Santiago')::date,
                            (NEW.opened_at AT TIME ZONE 'America/Santiago')::date,
                            (NEW.closed_at AT TIME ZONE 'America/Santiago')::date
                        );
                    END IF;
                    RETURN NULL;
                """,
            ),
            never_truncated("session_is_never_truncated"),
            pgtrigger.Protect(
                name="session_snapshot_is_kept",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(
                    "enrolment", "public_id", "nonce", "otec", "environment", "course_name",
                    "close_required", "otec_rut", "sence_code", "action_code", "training_line",
                    "run", "student_session_id",
                ),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.course_name}, {timezone.localtime(self.requested_at):%d-%m-%Y %H:%M}"

    def get_absolute_url(self) -> str:
        return address_of("attendance:session", self.public_id)

    @property
    def state(self) -> State:
        if self.closed_at:
            return State.CLOSED
        if self.opened_at:
            return State.OPEN
        return State.REJECTED if self.rejected_at else State.REQUESTED

    def state_in_words(self, now: datetime) -> str:
        """Return the state as staff read it: past the limit, set aside and all."""
        if self.is_overlong(now):
            words = OVERLONG
        elif self.state == State.OPEN and not self.close_required:
            words = NO_CLOSE
        else:
            words = str(self.state.label)
        if self.resolved_at:
            return f"{words}{RESOLVED}"
        return f"{words}{SUPERSEDED}" if self.superseded_at else words

    @property
    def is_live(self) -> bool:
        set_aside = self.superseded_at or self.resolved_at
        return not set_aside and self.state in (State.REQUESTED, State.OPEN)

    @property
    def is_settled(self) -> bool:
        """Whether staff resolved it as it is: not where SENCE opened it after that."""
        opened_since = self.opened_at and self.resolved_at and self.opened_at > self.resolved_at
        return bool(self.resolved_at and not opened_since)

    def is_past_limit(self, now: datetime) -> bool:
        opened_at = self.opened_at if self.state == State.OPEN else None
        return opened_at is not None and opened_at < now - session_limit()

    def is_overlong(self, now: datetime) -> bool:
        return self.is_past_limit(now) and self.close_required and not self.resolved_at

    def matches(self, other: "AttendanceSession") -> bool:
        """Whether both would send SENCE the same, their own ids aside."""
        return all(getattr(self, name) == getattr(other, name) for name in SENT)

    def mark_opened(
        self,
        sence_session_id: str,
        at: datetime,
        *,
        time: str,
        zone: str,
        beside: models.Model | None = None,
    ) -> None:
        """SENCE recorded the opening, however late. Raises WrongStateError where it is open.

        `beside` is a new row that is written in the same statement, here and below.

        Where it had been set aside, it takes its place back from a merely requested sibling.
        """
        self._refuse_unless(State.REQUESTED, State.REJECTED)
        if not self.is_live and not self.resolved_at:
            siblings = self.enrolment.sessions.exclude(pk=self.pk)
            siblings.requested().live().update(superseded_at=at)
            self.superseded_at = at if siblings.live().exists() else None
        self.opened_at = at
        self.sence_session_id = sence_session_id
        self.opened_sence_time, self.opened_sence_zone = time, zone
        self._clear_error()
        self._write(
            "opened_at", "superseded_at", "sence_session_id", "opened_sence_time",
            "opened_sence_zone", *ERROR, beside=beside,
        )  # fmt: skip

    def mark_rejected(
        self, glosa: str, at: datetime, *, beside: models.Model | None = None
    ) -> None:
        """SENCE refused the opening. Raises WrongStateError where it is open or closed."""
        self._refuse_unless(State.REQUESTED, State.REJECTED)
        self.rejected_at = at
        self._keep_error(Phase.OPEN, glosa, at)
        self._write("rejected_at", *ERROR, beside=beside)

    def mark_close_failed(
        self, glosa: str, at: datetime, *, beside: models.Model | None = None
    ) -> None:
        """SENCE refused the close: still open, may retry. Raises WrongStateError otherwise."""
        self._refuse_unless(State.OPEN)
        self._keep_error(Phase.CLOSE, glosa, at)
        self._write(*ERROR, beside=beside)

    def mark_closed(
        self, at: datetime, *, time: str, zone: str, beside: models.Model | None = None
    ) -> None:
        """SENCE recorded the close. Raises WrongStateError where it is not open."""
        self._refuse_unless(State.OPEN)
        self.closed_at = at
        self.closed_sence_time, self.closed_sence_zone = time, zone
        self._clear_error()
        self._write("closed_at", "closed_sence_time", "closed_sence_zone", *ERROR, beside=beside)

    def mark_resolved(self, user: User, reason: str, at: datetime) -> None:
        """Staff set the session aside, by name and with a reason.

        Raises WrongStateError where it is resolved or closed, ValueError without a reason.
        """
        if self.resolved_at or self.state == State.CLOSED:
            raise WrongStateError("La sesión ya está resuelta o cerrada.")
        if not reason.strip():
            raise ValueError("Falta el motivo de la resolución.")
        self.resolved_at, self.resolved_by, self.resolution = at, user, reason.strip()
        self.save()

    def _write(self, *names: str, beside: models.Model | None) -> None:
        update(self, *names, beside=beside, unlocked=self.unlocked)

    def _refuse_unless(self, *states: State) -> None:
        if self.state not in states:
            raise WrongStateError(f"La sesión está {self.state.label.lower()}.")

    def _keep_error(self, phase: str, glosa: str, at: datetime) -> None:
        self.error_phase, self.error_glosa, self.error_at = phase, glosa, at

    def _clear_error(self) -> None:
        self.error_phase, self.error_glosa, self.error_at = "", "", None

    def duration(self, now: datetime) -> timedelta:
        """Time between opening and closing, or until `now`, by our own clock. Never negative."""
        if not self.opened_at:
            return timedelta(0)
        return max((self.closed_at or now) - self.opened_at, timedelta(0))


class DayCount(models.Model):
    """What a day of Chile's that has ended opened and closed, once it was counted.

    Whatever opens or closes a session of that day, however late, deletes it in its transaction
    (trigger `session_changes_its_days`): what is here is right. `backoffice.day_counts` writes it.
    """

    day = models.DateField("día", primary_key=True)
    # An OTEC's id, an hour, how many were opened and how many closed, each time.
    counts = models.JSONField("cuentas")
    # How many were opened at each hour, and how many closed: who sees every OTEC need not add up.
    totals = models.JSONField("totales", null=True)

    class Meta:
        default_permissions = ()
        verbose_name = "cuenta de un día"
        verbose_name_plural = "cuentas de los días"

    def __str__(self) -> str:
        return f"{self.day:%d-%m-%Y}"


class Phase(models.TextChoices):
    OPEN = "open", "Inicio"
    CLOSE = "close", "Cierre"


class SenceCallback(models.Model):
    """A POST that reached a callback URL, as it came, token aside. Append-only in the database.

    Kept and committed before anything is decided; what was decided is its `CallbackVerdict`.
    """

    receipt_id = models.UUIDField("recibo", unique=True, default=uuid.uuid4, editable=False)
    received_at = models.DateTimeField("recibido el")
    public_id = models.UUIDField("sesión aludida", db_index=True)
    phase = models.CharField("fase", max_length=10, choices=Phase)
    announces_error = models.BooleanField("llegó a la URL de error")
    body = models.BinaryField("cuerpo")
    body_length = models.PositiveBigIntegerField("largo del cuerpo, en bytes")
    content_type = models.CharField("Content-Type", max_length=200, blank=True)
    origin = models.CharField("Origin", max_length=200, blank=True)

    class Meta:
        verbose_name = "respuesta de SENCE"
        verbose_name_plural = "respuestas de SENCE"
        ordering = ["-received_at", "-id"]
        indexes = [models.Index(F("received_at").desc(), name="callback_by_received_at")]
        triggers = [
            pgtrigger.Protect(
                name="callback_is_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            ),
            never_truncated("callback_is_never_truncated"),
            pgtrigger.Trigger(
                name="callback_begins_pending",
                operation=pgtrigger.Insert,
                when=pgtrigger.After,
                func=(
                    "INSERT INTO attendance_pendingcallback (callback_id) VALUES (NEW.id);"
                    " RETURN NULL;"
                ),
            ),
        ]

    def __str__(self) -> str:
        return (
            f"{self.get_phase_display()}, {timezone.localtime(self.received_at):%d-%m-%Y %H:%M:%S}"
        )


class PendingCallback(models.Model):
    """A callback that has no verdict yet.

    Triggers write and delete it in the transactions that keep the callback and its verdict: to look
    for what a million callbacks lack takes seconds, and `replay_callbacks` looks every minute.
    """

    callback = models.OneToOneField(
        SenceCallback, on_delete=models.PROTECT, primary_key=True, related_name="pending"
    )

    class Meta:
        default_permissions = ()
        verbose_name = "respuesta sin aplicar"
        verbose_name_plural = "respuestas sin aplicar"

    def __str__(self) -> str:
        return str(self.callback)


class Outcome(models.TextChoices):
    """What became of a callback."""

    OPENED = "opened", "Abrió la sesión"
    CLOSED = "closed", "Cerró la sesión"
    REJECTED = "rejected", "SENCE rechazó el inicio"
    CLOSE_FAILED = "close_failed", "SENCE rechazó el cierre"
    REPLAY = "replay", "Repetida: nada cambió"
    LATE_ERROR = "late_error", "Error tardío: nada cambió"
    CONTRADICTION = "contradiction", "Contradice lo enviado: nada cambió"
    ANOMALY = "anomaly", "Anómala: nada cambió"
    UNMATCHED = "unmatched", "No corresponde a ninguna sesión"


FLAGGED = [Outcome.CONTRADICTION, Outcome.ANOMALY, Outcome.UNMATCHED]
"""Outcomes that staff have to look at, beside answers that were followed with a clock far off."""


class CallbackVerdict(models.Model):
    """What was decided of a callback, once. Written in the transaction that acted on it."""

    callback = models.OneToOneField(
        SenceCallback, verbose_name="respuesta", on_delete=models.PROTECT, related_name="verdict"
    )
    session = models.ForeignKey(
        AttendanceSession,
        verbose_name="sesión",
        on_delete=models.PROTECT,
        null=True,
        related_name="verdicts",
        db_index=False,
    )
    decided_at = models.DateTimeField("decidido el")
    outcome = models.CharField("resultado", max_length=20, choices=Outcome)
    reason = models.TextField("motivo", blank=True)
    glosa = models.CharField("GlosaError", max_length=500, blank=True)
    # The database's default, so that the release before this one goes on writing beside it.
    clock_far_off = models.BooleanField("reloj lejos del nuestro", db_default=False)

    class Meta:
        verbose_name = "veredicto"
        verbose_name_plural = "veredictos"
        ordering = ["-decided_at"]
        indexes = [
            models.Index(fields=["outcome", "decided_at"], name="verdict_by_outcome"),
            # Enough by itself to find and count the answers of some sessions.
            models.Index(
                fields=["session", "outcome"], name="verdict_by_session", include=["callback"]
            ),
            models.Index(
                fields=["decided_at"],
                name="verdict_clock_far_off",
                condition=models.Q(clock_far_off=True),
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="verdict_is_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            ),
            never_truncated("verdict_is_never_truncated"),
            pgtrigger.Trigger(
                name="verdict_ends_pending",
                operation=pgtrigger.Insert,
                when=pgtrigger.After,
                func=(
                    "DELETE FROM attendance_pendingcallback WHERE callback_id = NEW.callback_id;"
                    " RETURN NULL;"
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.get_outcome_display()

    @property
    def is_for_review(self) -> bool:
        """Whether staff have to look at it (`backoffice.models.FOR_REVIEW` in SQL)."""
        return self.clock_far_off or self.outcome in FLAGGED


class StaffAlert(models.Model):
    """Something that coordinators have to fix: one row an action, code and hour, with a count."""

    raised_at = models.DateTimeField("desde")
    hour = models.DateTimeField("hora")
    otec = models.ForeignKey(Otec, verbose_name="OTEC", on_delete=models.PROTECT)
    action_code = models.CharField("acción", max_length=50)
    code = models.CharField("código", max_length=20)
    reason = models.TextField("motivo")
    count = models.PositiveIntegerField("veces", default=1)
    mailed_at = models.DateTimeField("correo enviado el", null=True, editable=False)

    class Meta:
        verbose_name = "aviso al personal"
        verbose_name_plural = "avisos al personal"
        ordering = ["-hour", "action_code", "code"]
        constraints = [
            models.UniqueConstraint(
                name="alert_once_an_hour", fields=["otec", "action_code", "code", "hour"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.action_code}: {self.code}"


class SentMail(models.Model):
    """A mail that the system sent, or has to send: `key` makes each one go out once."""

    class Kind(models.TextChoices):
        ALERT = "alert", "Aviso a coordinación"
        FAULT = "fault", "Error del sitio"
        DIGEST = "digest", "Resumen diario"
        NEAR_LIMIT = "near_limit", "Recordatorio: cerca del límite"
        PAST_LIMIT = "past_limit", "Recordatorio: pasado el límite"
        REMINDER = "reminder", "Recordatorio enviado por el personal"
        NO_SESSION = "no_session", "Sin ninguna conexión"

    key = models.CharField(max_length=200, unique=True, editable=False)
    kind = models.CharField("tipo", max_length=20, choices=Kind)
    otec = models.ForeignKey(Otec, verbose_name="OTEC", on_delete=models.PROTECT, null=True)
    session = models.ForeignKey(
        AttendanceSession,
        verbose_name="sesión",
        on_delete=models.PROTECT,
        null=True,
        related_name="mails",
    )
    enrolment = models.ForeignKey(
        Enrolment,
        verbose_name="inscripción",
        on_delete=models.PROTECT,
        null=True,
        related_name="mails",
    )
    recipients = models.TextField("para", help_text="Uno por línea.")
    subject = models.CharField("asunto", max_length=200)
    body = models.TextField("texto")
    created_at = models.DateTimeField("creado el")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="pedido por",
        on_delete=models.PROTECT,
        null=True,
    )
    sent_at = models.DateTimeField("enviado el", null=True)
    attempts = models.PositiveSmallIntegerField("intentos", default=0)
    retry_at = models.DateTimeField("próximo intento", null=True, editable=False)

    class Meta:
        verbose_name = "correo"
        verbose_name_plural = "correos"
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(fields=["created_at"], name="mail_to_send", condition=Q(sent_at=None))
        ]

    def __str__(self) -> str:
        return self.subject
