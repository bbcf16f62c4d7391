"""The back office's own: answers to review, rosters being uploaded, and the security log."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

import pgtrigger
from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.utils import timezone

from attendance.models import FLAGGED, SenceCallback, never_truncated
from courses.models import RosterImport

FOR_REVIEW = models.Q(verdict__outcome__in=FLAGGED) | models.Q(verdict__clock_far_off=True)
"""Answers that staff have to look at; an index for either."""


class CallbackToReviewQuerySet(models.QuerySet["CallbackToReview"]):
    def pending(self) -> "CallbackToReviewQuerySet":
        """Those that nobody has marked as reviewed."""
        return self.filter(review__isnull=True)


class CallbackToReviewManager(models.Manager["CallbackToReview"]):
    def get_queryset(self) -> CallbackToReviewQuerySet:
        return CallbackToReviewQuerySet(self.model, using=self._db).filter(FOR_REVIEW)

    def pending(self) -> CallbackToReviewQuerySet:
        return self.get_queryset().pending()


class CallbackToReview(SenceCallback):
    """The answers that match no session, contradict theirs, or have a clock far from ours: a list
    of their own in admin.

    Who may see SENCE's answers may see these: it has no permissions of its own.
    """

    objects: ClassVar[Any] = CallbackToReviewManager()

    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name = "respuesta por revisar"
        verbose_name_plural = "respuestas por revisar"
        ordering = ["-received_at", "-id"]

    def mark_reviewed(self, user: User, note: str, at: datetime) -> bool:
        """Staff looked at it, by name and with a note; False where somebody had before: that stays.

        The answer itself is append-only, so this is kept beside it.
        """
        _, is_new = CallbackReview.objects.get_or_create(
            callback=self,
            defaults={"reviewed_by": user, "reviewed_at": at, "note": note.strip()},
        )
        return is_new


class CallbackReview(models.Model):
    """Who looked at an answer of SENCE's that was flagged, when, and what they found."""

    callback = models.OneToOneField(
        SenceCallback, verbose_name="respuesta", on_delete=models.PROTECT, related_name="review"
    )
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="revisada por", on_delete=models.PROTECT
    )
    reviewed_at = models.DateTimeField("revisada el")
    note = models.TextField("nota")

    class Meta:
        default_permissions = ()
        verbose_name = "revisión de una respuesta"
        verbose_name_plural = "revisiones de respuestas"

    def __str__(self) -> str:
        moment = timezone.localtime(self.reviewed_at)
        return f"Revisada el {moment:%d-%m-%Y a las %H:%M} por {self.reviewed_by}: {self.note}"


PASTED = "RUT pegados en la acción"
"""How the name begins of what was pasted, where that of a file would stand."""


class RosterUploadQuerySet(models.QuerySet["RosterUpload"]):
    def naming_people(self) -> "RosterUploadQuerySet":
        """Those of which what names people is still kept: the file, and what was found in it."""
        return self.exclude(content=b"", report=b"", summary={})

    def forget(self, **values: Any) -> int:
        """Drop all that names people, and set `values`; return of how many uploads."""
        return self.update(content=b"", report=b"", summary={}, **values)


class RosterUpload(models.Model):
    """A roster on its way in: received, checked, and loaded once its uploader confirms.

    `content` is dropped when nothing more can be done with it.
    """

    class Step(models.TextChoices):
        CHECKING = "checking", "Revisando"
        CHECKED = "checked", "Por confirmar"
        LOADING = "loading", "Cargando"
        LOADED = "loaded", "Cargado"
        FAILED = "failed", "No se pudo leer"
        DISCARDED = "discarded", "Descartado"

    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="subido por", on_delete=models.PROTECT
    )
    uploaded_at = models.DateTimeField("subido el")
    file_name = models.CharField("archivo", max_length=255)
    content = models.BinaryField()
    step = models.CharField("paso", max_length=10, choices=Step, default=Step.CHECKING)
    progress_at = models.DateTimeField()
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    unit = models.CharField(max_length=10, blank=True)
    problem = models.TextField("problema", blank=True)
    summary = models.JSONField(default=dict)
    report = models.BinaryField(default=b"")
    roster_import = models.ForeignKey(
        RosterImport, verbose_name="carga", on_delete=models.PROTECT, null=True
    )

    objects = RosterUploadQuerySet.as_manager()

    class Meta:
        verbose_name = "subida de inscritos"
        verbose_name_plural = "subidas de inscritos"
        ordering = ["-uploaded_at"]

    def __str__(self) -> str:
        return self.file_name

    @property
    def is_pasted(self) -> bool:
        return self.file_name.startswith(PASTED)

    @property
    def is_working(self) -> bool:
        return self.step in (self.Step.CHECKING, self.Step.LOADING)

    @property
    def percent(self) -> int:
        return min(100, 100 * self.done // self.total) if self.total else 0


SECURITY_EVENTS_KEPT = timedelta(days=2 * 365)
"""The database refuses to delete an event that is younger."""


class SecurityEvent(models.Model):
    """Who entered, who could not, who saw or took out whose data, and who changed what one may do.

    Append-only in the database, whoever writes to it. Holds no password, code or token.
    """

    class Kind(models.TextChoices):
        LOG_IN = "log_in", "Entró"
        LOG_IN_FAILED = "log_in_failed", "Clave equivocada"
        LOCKED_OUT = "locked_out", "Quedó bloqueado"
        LOG_OUT = "log_out", "Salió"
        CODE_ACCEPTED = "code_accepted", "Segundo factor aceptado"
        CODE_REFUSED = "code_refused", "Segundo factor equivocado"
        FACTOR_SET = "factor_set", "Activó su segundo factor"
        FACTOR_REMOVED = "factor_removed", "Segundo factor quitado"
        RECOVERY_CODES = "recovery_codes", "Códigos de recuperación nuevos"
        PASSWORD = "password", "Clave cambiada"
        ACCOUNT = "account", "Cuenta creada o cambiada"
        PERMISSIONS = "permissions", "Permisos cambiados"
        TOKEN = "token", "Token de un OTEC cambiado"
        EXPORT = "export", "Exportó datos"
        LOOKED = "looked", "Vio o buscó datos de personas"
        ANONYMISED = "anonymised", "Quitó los datos de una persona"

    at = models.DateTimeField("cuándo", default=timezone.now)
    kind = models.CharField("qué pasó", max_length=20, choices=Kind)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="quién",
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
    )
    about = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="sobre quién",
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
    )
    client = models.CharField("desde", max_length=50, blank=True)
    detail = models.TextField("detalle", blank=True)

    class Meta:
        default_permissions = ("view",)
        verbose_name = "hecho de seguridad"
        verbose_name_plural = "registro de seguridad"
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["-at", "-id"], name="security_event_latest")]
        triggers = [
            pgtrigger.Protect(name="security_event_is_kept", operation=pgtrigger.Update),
            pgtrigger.Protect(
                name="security_event_stays",
                operation=pgtrigger.Delete,
                condition=pgtrigger.Condition(
                    f"OLD.at > now() - interval '{SECURITY_EVENTS_KEPT.days} days'"
                ),
            ),
            never_truncated("security_event_is_never_truncated"),
        ]

    def __str__(self) -> str:
        return f"{timezone.localtime(self.at):%d-%m-%Y %H:%M} {self.get_kind_display()}"
