"""The back office's own: answers to review under a name of theirs, and rosters being uploaded."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from attendance.models import FLAGGED, SenceCallback
from courses.models import RosterImport


class CallbackToReviewManager(models.Manager["CallbackToReview"]):
    def get_queryset(self) -> models.QuerySet["CallbackToReview"]:
        return super().get_queryset().filter(verdict__outcome__in=FLAGGED)


class CallbackToReview(SenceCallback):
    """The answers that match no session, or contradict theirs: a list of their own in admin.

    Who may see SENCE's answers may see these: it has no permissions of its own.
    """

    objects: ClassVar[Any] = CallbackToReviewManager()

    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name = "respuesta por revisar"
        verbose_name_plural = "respuestas por revisar"
        ordering = ["-received_at", "-id"]


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

    class Meta:
        verbose_name = "subida de inscritos"
        verbose_name_plural = "subidas de inscritos"
        ordering = ["-uploaded_at"]

    def __str__(self) -> str:
        return self.file_name

    @property
    def is_working(self) -> bool:
        return self.step in (self.Step.CHECKING, self.Step.LOADING)

    @property
    def percent(self) -> int:
        return min(100, 100 * self.done // self.total) if self.total else 0
