"""What staff may do to chosen sessions: resolve, remind, export. Each asks before it does.

A choice is confirmed on a page of its own, which posts to the same list with the same filters: what
is outside the list, or outside the user's OTECs, is not in its queryset, whatever was posted.
"""

from collections import Counter
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import SuspiciousOperation
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join

from attendance import lookups
from attendance.models import AttendanceSession, AttendanceSessionQuerySet, WrongStateError
from backoffice.exports.page import FormatForm, download
from backoffice.mails import Asked, remind
from backoffice.models import CallbackToReview
from backoffice.review.story import RESOLVED
from courses.long_lists import MoreThan, bounded_count

MOST_AT_ONCE = 500
"""Sessions resolved or reminded in one go: each is a transaction of its own."""
NAMED = 20
"""Sessions that a page names, of those chosen."""
CONFIRMED = "confirmada"
FROM_SESSION = "desde_sesion"
CONSEQUENCES = {
    "resolve": "El alumno podrá iniciar otra sesión. En Sence no cambia nada: la sesión queda allá "
    "como está. Sus respuestas por revisar quedan como revisadas, con el mismo motivo."
}
"""What follows from an action, said before it is done."""


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label="Motivo",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text="Queda con su nombre en la historia de cada sesión.",
    )


class AskedActions(admin.ModelAdmin):
    """What the actions on sessions and those on answers have in common."""

    def has_resolve_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("attendance.resolve_attendancesession")

    def response_action(self, request: HttpRequest, queryset: QuerySet) -> Any:
        # Django would answer 500 to a selection that is no number.
        if not all(chosen.isdecimal() for chosen in request.POST.getlist(ACTION_CHECKBOX_NAME)):
            raise SuspiciousOperation("La selección no es una lista de números.")
        return super().response_action(request, queryset)


@transaction.atomic
def review(callback: CallbackToReview, user: Any, note: str) -> bool:
    """Mark the answer as reviewed, and say so in the history; False where it was already."""
    if not callback.mark_reviewed(user, note, timezone.now()):
        return False
    LogEntry.objects.log_actions(user.pk, [callback], CHANGE, "Revisada")
    return True


class AnswerActions(AskedActions):
    """The action of the list of answers to review."""

    actions = ["mark_reviewed"]

    @admin.action(description="Marcar como revisadas", permissions=["resolve"])
    def mark_reviewed(self, request: HttpRequest, queryset: QuerySet) -> HttpResponseBase | None:
        form = ReasonForm(request.POST if CONFIRMED in request.POST else None)
        form.fields["reason"].help_text = "Queda con su nombre en cada respuesta y en su sesión."
        ids = list(queryset.values_list("pk", flat=True)[: MOST_AT_ONCE + 1])
        if not ids or len(ids) > MOST_AT_ONCE:
            text = f"Se marcan de una a {MOST_AT_ONCE} respuestas a la vez: elija otras."
            self.message_user(request, text, messages.WARNING)
            return None
        if form.is_valid():
            reason = form.cleaned_data["reason"]
            chosen = CallbackToReview.objects.filter(pk__in=ids).order_by("pk")
            done = sum(review(callback, request.user, reason) for callback in chosen)
            level = messages.SUCCESS if done else messages.WARNING
            self.message_user(request, f"Respuestas revisadas: {done}.", level)
            return HttpResponseRedirect(request.get_full_path())
        context = {
            **self.admin_site.each_context(request),
            "title": "Marcar como revisadas",
            "consequence": "Salen de las pendientes; lo que llegó de Sence no cambia.",
            "form": form,
            "action": "mark_reviewed",
            "count": len(ids),
            "shown": queryset.select_related("verdict__session")[:NAMED],
            "more": max(len(ids) - NAMED, 0),
            "ids": ids,
            "confirmed_name": CONFIRMED,
            "checkbox_name": ACTION_CHECKBOX_NAME,
            "back": request.get_full_path(),
        }
        return TemplateResponse(request, "admin/backoffice/callbacktoreview/confirm.html", context)


class ReviewActions(AskedActions):
    """The actions of the list of sessions, each with its own permission."""

    actions = ["resolve", "remind", "export"]

    def has_remind_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("attendance.remind_attendancesession")

    def has_export_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("attendance.export_attendancesession")

    @admin.action(description="Resolver con un motivo", permissions=["resolve"])
    def resolve(
        self, request: HttpRequest, queryset: AttendanceSessionQuerySet
    ) -> HttpResponseBase | None:
        form = ReasonForm(request.POST if CONFIRMED in request.POST else None)
        if not form.is_valid():
            return self.confirm(request, queryset, form, "resolve", "Resolver sesiones")
        # Once: the list's filters may no longer find those that are resolved.
        chosen, refused = list(queryset.order_by("pk")), []
        for session in chosen:
            try:
                self.resolve_one(request, session, form.cleaned_data["reason"])
            except WrongStateError as error:
                refused.append((session, str(error)))
        done = len(chosen) - len(refused)
        level = messages.SUCCESS if done else messages.WARNING
        self.message_user(request, f"Sesiones resueltas: {done}.", level)
        self.tell_refused(request, "No se resolvieron", refused)
        return HttpResponseRedirect(self.address_to_go_back(request, chosen))

    @transaction.atomic
    def resolve_one(self, request: HttpRequest, session: AttendanceSession, reason: str) -> None:
        """Resolve it, as it is now. Raises WrongStateError where it is resolved or closed."""
        current = lookups.locked(session.public_id)
        if current is None:
            raise WrongStateError("La sesión ya no existe.")
        user: Any = request.user
        current.mark_resolved(user, reason, timezone.now())
        self.log(request, current, RESOLVED)
        for callback in CallbackToReview.objects.pending().filter(verdict__session=current):
            review(callback, user, reason)

    @admin.action(description="Enviar un recordatorio al alumno", permissions=["remind"])
    def remind(
        self, request: HttpRequest, queryset: AttendanceSessionQuerySet
    ) -> HttpResponseBase | None:
        if CONFIRMED not in request.POST:
            return self.confirm(request, queryset, None, "remind", "Enviar recordatorios")
        user: Any = request.user
        chosen, refused, queued = list(queryset.order_by("pk")), [], 0
        for session in chosen:
            asked = remind(session, user, timezone.now())
            if asked == Asked.QUEUED:
                queued += 1
                self.log(request, session, "Pidió un recordatorio al alumno")
            else:
                refused.append((session, f"{asked.label}."))
        level = messages.SUCCESS if queued else messages.WARNING
        self.message_user(request, f"Recordatorios por enviar: {queued}.", level)
        self.tell_refused(request, "No se enviaron", refused)
        return HttpResponseRedirect(self.address_to_go_back(request, chosen))

    @admin.action(description="Exportar la selección", permissions=["export"])
    def export(
        self, request: HttpRequest, queryset: AttendanceSessionQuerySet
    ) -> HttpResponseBase | None:
        form = FormatForm(request.POST if CONFIRMED in request.POST else None)
        if not form.is_valid():
            return self.confirm(request, queryset, form, "export", "Exportar sesiones")
        filters = self.filters_of(request)
        chosen = "toda la lista" if self.is_across(request) else "las elegidas"
        described = f"sesiones: {chosen}" + (f"; filtros: {filters}" if filters else "")
        return download(request.user, queryset, form.cleaned_data["format"], described)

    def confirm(
        self,
        request: HttpRequest,
        queryset: AttendanceSessionQuerySet,
        form: forms.Form | None,
        action: str,
        title: str,
    ) -> HttpResponse | None:
        """Ask before doing: who is chosen, how many, and what the form asks."""
        count = bounded_count(queryset)
        # The export follows the list's filters; the others name each one, so that what is done is
        # what was shown.
        limited = action != "export"
        if limited and count > MOST_AT_ONCE:
            text = f"Eligió {count} sesiones, y se hacen {MOST_AT_ONCE} a la vez: acote la lista."
            self.message_user(request, text, messages.WARNING)
            return None
        if not count:
            self.message_user(request, "No hay ninguna sesión elegida.", messages.WARNING)
            return None
        by_ids = limited or not self.is_across(request)
        ids = request.POST.getlist(ACTION_CHECKBOX_NAME)[:1]
        shown = queryset.select_related("enrolment__student").with_state_in_words(timezone.now())
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "consequence": CONSEQUENCES.get(action, ""),
            "form": form,
            "action": action,
            "count": count,
            "shown": shown[:NAMED],
            "more": "muchas" if isinstance(count, MoreThan) else max(count - NAMED, 0),
            "ids": list(queryset.values_list("pk", flat=True)) if by_ids else ids,
            "across": not by_ids,
            "confirmed_name": CONFIRMED,
            "checkbox_name": ACTION_CHECKBOX_NAME,
            "from_session": FROM_SESSION in request.POST,
            "back": self.address_to_go_back(request, list(queryset[:1])),
        }
        return TemplateResponse(request, "admin/attendance/attendancesession/confirm.html", context)

    def filters_of(self, request: HttpRequest) -> str:
        """Return the filters that the list was under, by their names and values.

        The search is none, nor is a lookup that somebody wrote: either may be a student's RUN.
        """
        offered = {
            name
            for shown in self.get_changelist_instance(request).filter_specs
            for name in shown.expected_parameters()
        }
        given = sorted(request.GET.items())
        return "&".join(f"{name}={value}" for name, value in given if name in offered)

    def is_across(self, request: HttpRequest) -> bool:
        return request.POST.get("select_across") == "1"

    def address_to_go_back(self, request: HttpRequest, chosen: list[AttendanceSession]) -> str:
        """Return the session's page where the action was asked for there, else the list."""
        if FROM_SESSION in request.POST and chosen:
            return reverse("admin:attendance_attendancesession_change", args=[chosen[0].pk])
        return request.get_full_path()

    def log(self, request: HttpRequest, session: AttendanceSession, message: str) -> None:
        LogEntry.objects.log_actions(str(request.user.pk), [session], CHANGE, message)

    def tell_refused(
        self, request: HttpRequest, what: str, refused: list[tuple[AttendanceSession, str]]
    ) -> None:
        """Say how many were refused and why, with links; by number, since messages are kept in a
        cookie, where no RUN belongs."""
        if not refused:
            return
        reasons = Counter(reason for _, reason in refused)
        links = format_html_join(
            ", ",
            '<a href="{}">{}</a>',
            (
                (reverse("admin:attendance_attendancesession_change", args=[s.pk]), f"n.º {s.pk}")
                for s, _ in refused[:NAMED]
            ),
        )
        why = " ".join(f"{reason} ({count})" for reason, count in reasons.items())
        more = f" y {len(refused) - NAMED} más" if len(refused) > NAMED else ""
        text = format_html("{}: {}. {} Sesiones {}{}.", what, len(refused), why, links, more)
        self.message_user(request, text, messages.WARNING)
