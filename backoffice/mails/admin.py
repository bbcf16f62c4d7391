"""The mails as staff see them: what was written to whom, who asked for it, what became of it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import BooleanField, ExpressionWrapper, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from attendance.models import SentMail
from backoffice.mails import again, outbox
from backoffice.review.filters import DayFilter
from courses.readonly import ReadOnlyAdmin
from courses.scope import OtecFilter, ScopedAdmin
from courses.search import PlainSearchAdmin

Find = Callable[[datetime], QuerySet[SentMail]]

STATES: dict[str, tuple[str, Find]] = {
    "enviado": ("Enviado", lambda now: SentMail.objects.filter(sent_at__isnull=False)),
    "espera": ("Por enviar", outbox.waiting),
    "fallido": ("No se pudo enviar", outbox.given_up),
    "sin-destinatario": ("Sin destinatario", lambda now: outbox.without_recipients()),
    "fuera-de-plazo": ("Ya no correspondía", outbox.outdated),
}


class StateFilter(admin.SimpleListFilter):
    title = "estado"
    parameter_name = "estado"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(key, label) for key, (label, _) in STATES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() not in STATES:
            return queryset
        _, find = STATES[self.value() or ""]
        return queryset & find(timezone.now())


class WrittenFilter(DayFilter):
    title = "fecha en que se escribió"
    prefix, path = "escrito", "created_at"


@admin.register(SentMail)
class SentMailAdmin(ReadOnlyAdmin, ScopedAdmin, PlainSearchAdmin):
    otec_path = "otec"
    list_display = [
        "created_at", "state", "subject", "addressees", "kind", "otec", "asked_by", "sent_at",
        "attempts",
    ]  # fmt: skip
    list_filter = [StateFilter, "kind", ("otec", OtecFilter), WrittenFilter]
    list_select_related = ["otec", "created_by"]
    # The order in which they were written, by an index.
    ordering = ["-pk"]
    search_fields = [
        "subject", "recipients",
        "enrolment__student__given_names", "enrolment__student__surnames",
    ]  # fmt: skip
    search_help_text = "RUN o nombre del alumno, dirección o asunto."
    rut_field = "enrolment__student__run"
    fields = [
        "kind", "state", "subject", "addressees", "body", "otec", "enrolment", "session",
        "created_at", "asked_by", "sent_at", "attempts", "retry_at",
    ]  # fmt: skip
    actions = ["try_again"]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        still_true = ExpressionWrapper(
            outbox.still_true(timezone.now()), output_field=BooleanField()
        )
        return super().get_queryset(request).annotate(still_true=still_true)

    def has_try_again_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("attendance.remind_attendancesession")

    @admin.action(description="Volver a intentar", permissions=["try_again"])
    def try_again(self, request: HttpRequest, queryset: QuerySet) -> None:
        if self.are_too_many(request, queryset):
            return
        unsent = list(queryset.filter(sent_at=None))
        LogEntry.objects.log_actions(
            str(request.user.pk), unsent, CHANGE, "Pidió volver a intentarlo."
        )
        count = again.try_again(queryset)
        self.message_user(
            request,
            f"Correos que se volverán a intentar: {count}.",
            messages.SUCCESS if count else messages.WARNING,
        )

    @admin.display(description="para")
    def addressees(self, mail: SentMail) -> str:
        return ", ".join(mail.recipients.splitlines()) or "(sin destinatario)"

    @admin.display(description="pedido por")
    def asked_by(self, mail: SentMail) -> str:
        return str(mail.created_by or "El sistema")

    @admin.display(description="estado")
    def state(self, mail: Any) -> str:
        if mail.sent_at:
            key = "enviado"
        elif not mail.recipients:
            key = "sin-destinatario"
        elif not mail.still_true:
            key = "fuera-de-plazo"
        else:
            key = "fallido" if mail.attempts >= outbox.MAX_ATTEMPTS else "espera"
        return STATES[key][0]
