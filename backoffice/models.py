"""What the back office adds to others' models: names under which to look at them."""

from typing import Any, ClassVar

from django.db import models

from attendance.models import FLAGGED, SenceCallback


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
