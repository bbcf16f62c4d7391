"""The mails as staff see them: what was written to whom, who asked for it, what became of it."""

from collections import Counter
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

NOT_TRIED_AGAIN = {
    "enviado": "Ya se enviaron, y no se repiten",
    "espera": "Ya están por salir, sin ningún intento fallido: no hay que hacer nada, salen en "
    "unos minutos; si siguen aquí, avise a quien administra el sistema",
    "sin-destinatario": "No tienen a quién ir: escriba el correo en la ficha del alumno, o los de "
    "coordinación en el OTEC, y vuelva a intentarlo",
    "fuera-de-plazo": "Ya no corresponden: lo que piden está hecho o pasó su hora",
}
"""Why a mail is not tried again, and what to do, by its state."""


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


def state_of(mail: Any) -> str:
    """Return which of STATES a mail with `still_true` is in."""
    if mail.sent_at:
        return "enviado"
    if not mail.recipients:
        return "sin-destinatario"
    if not mail.still_true:
        return "fuera-de-plazo"
    return "fallido" if mail.attempts >= outbox.MAX_ATTEMPTS else "espera"


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
        chosen = list(queryset)
        unsent = [mail for mail in chosen if not mail.sent_at]
        LogEntry.objects.log_actions(
            str(request.user.pk), unsent, CHANGE, "Pidió volver a intentarlo."
        )
        untried = {mail.pk: mail.recipients for mail in unsent if not mail.attempts}
        again.try_again(queryset)
        # By number: the list's filters may find them no more.
        now = self.get_queryset(request).filter(pk__in=[mail.pk for mail in chosen])
        refused = Counter(
            NOT_TRIED_AGAIN[key]
            for mail in now
            if (key := state_of(mail)) != "espera" or untried.get(mail.pk) == mail.recipients
        )
        count = len(chosen) - refused.total()
        self.message_user(
            request,
            f"Correos que se volverán a intentar: {count}.",
            messages.SUCCESS if count else messages.WARNING,
        )
        if refused:
            why = " ".join(f"{reason} ({number})." for reason, number in refused.items())
            text = f"No se volverán a intentar: {refused.total()}. {why}"
            self.message_user(request, text, messages.WARNING)

    @admin.display(description="para")
    def addressees(self, mail: SentMail) -> str:
        return ", ".join(mail.recipients.splitlines()) or "(sin destinatario)"

    @admin.display(description="pedido por")
    def asked_by(self, mail: SentMail) -> str:
        return str(mail.created_by or "El sistema")

    @admin.display(description="estado")
    def state(self, mail: Any) -> str:
        return STATES[state_of(mail)][0]
