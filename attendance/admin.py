"""What staff see of sessions and of SENCE's answers: all but nonces and tokens, and no edits.

A session's own page is never linked from here: it draws the form with the OTEC's token.
"""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html

from attendance.models import (
    FLAGGED,
    AttendanceSession,
    CallbackVerdict,
    Outcome,
    SenceCallback,
    StaffAlert,
)
from attendance.screens import as_hours
from attendance.sence.times import difference
from courses.search import PlainSearchAdmin, canonical_rut


class ReadOnlyAdmin(admin.ModelAdmin):
    """Evidence: looked at, never added to, changed or deleted by hand."""

    show_full_result_count = False
    view_on_site = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class StateFilter(admin.SimpleListFilter):
    title = "estado"
    parameter_name = "estado"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("abierta", "Abierta"),
            ("excedida", "Abierta más tiempo que el límite"),
            ("solicitada", "Solicitada, sin respuesta"),
            ("cerrada", "Cerrada"),
            ("rechazada", "Rechazada"),
            ("observada", "Con respuestas que revisar"),
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet:
        states = {
            "abierta": queryset.open,
            "excedida": lambda: queryset.overlong(timezone.now()),
            "solicitada": queryset.requested,
            "cerrada": queryset.closed,
            "rechazada": queryset.rejected,
            "observada": queryset.flagged,
        }
        return states.get(self.value() or "", queryset.all)()


class VerdictInline(admin.TabularInline):
    """Every answer of SENCE's for the session, with what was decided of it."""

    model = CallbackVerdict
    fields = readonly_fields = ("received_at", "phase", "outcome", "reason", "glosa")
    ordering = ["callback__received_at", "pk"]
    extra = 0
    can_delete = False
    show_change_link = False

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("callback")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="recibida el")
    def received_at(self, verdict: CallbackVerdict) -> Any:
        return timezone.localtime(verdict.callback.received_at)

    @admin.display(description="fase")
    def phase(self, verdict: CallbackVerdict) -> str:
        return verdict.callback.get_phase_display()


@admin.register(AttendanceSession)
class AttendanceSessionAdmin(ReadOnlyAdmin, PlainSearchAdmin):
    list_display = [
        "run", "student", "course_name", "action_code", "shown_state", "requested_at", "opened_at",
        "closed_at", "duration", "error_glosa",
    ]  # fmt: skip
    list_filter = [StateFilter, "environment", "otec", "training_line"]
    list_select_related = ["enrolment__student"]
    date_hierarchy = "requested_at"
    search_fields = [
        "run", "student_session_id", "sence_session_id", "action_code", "course_name",
        "enrolment__student__given_names", "enrolment__student__surnames",
    ]  # fmt: skip
    search_help_text = "RUN, nombre, curso, acción, o los identificadores de Sence."
    rut_field = "run"
    inlines = [VerdictInline]
    fieldsets = [
        (None, {"fields": ["student", "shown_state", "duration"]}),
        (
            "Enviado a Sence",
            {
                "fields": [
                    "otec", "environment", "otec_rut", "sence_code", "course_name", "action_code",
                    "training_line", "run", "student_session_id", "close_required",
                ]
            },
        ),
        (
            "Vida de la sesión",
            {
                "fields": [
                    "requested_at", "opened_at", "closed_at", "rejected_at", "superseded_at",
                    "sence_session_id", "opened_sence_time", "opened_sence_zone", "sence_clock",
                    "closed_sence_time", "closed_sence_zone",
                ]
            },
        ),
        ("Último error", {"fields": ["error_glosa", "error_phase", "error_at"]}),
        ("Revisión", {"fields": ["resolved_at", "resolved_by", "resolution"]}),
    ]  # fmt: skip

    @admin.display(description="alumno")
    def student(self, session: AttendanceSession) -> str:
        return session.enrolment.student.full_name or "(sin nombre)"

    @admin.display(description="estado")
    def shown_state(self, session: AttendanceSession) -> str:
        if session.is_overlong(timezone.now()):
            return "Abierta más tiempo que el límite"
        return session.state.label

    @admin.display(description="tiempo")
    def duration(self, session: AttendanceSession) -> str:
        if not session.opened_at:
            return "-"
        return as_hours(int(session.duration(timezone.now()).total_seconds()))

    @admin.display(description="reloj de Sence al abrir")
    def sence_clock(self, session: AttendanceSession) -> str:
        if session.opened_at is None:
            return "-"
        ahead = difference(session.opened_sence_time, session.opened_at)
        if ahead is None:
            return "-"
        seconds = round(ahead.total_seconds())
        return f"{abs(seconds)} s {'atrasado' if seconds < 0 else 'adelantado'} respecto al nuestro"


class OutcomeFilter(admin.SimpleListFilter):
    title = "resultado"
    parameter_name = "resultado"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("revisar", "Por revisar"),
            ("pendiente", "Sin aplicar todavía"),
            *((outcome.value, str(outcome.label)) for outcome in Outcome),
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet:
        if self.value() == "revisar":
            return queryset.filter(verdict__outcome__in=FLAGGED)
        if self.value() == "pendiente":
            return queryset.filter(verdict=None)
        return queryset.filter(verdict__outcome=self.value()) if self.value() else queryset


@admin.register(SenceCallback)
class SenceCallbackAdmin(ReadOnlyAdmin):
    list_display = ["received_at", "phase", "announces_error", "run", "outcome", "reason"]
    list_filter = [OutcomeFilter, "phase", "announces_error"]
    list_select_related = ["verdict__session"]
    date_hierarchy = "received_at"
    search_fields = ["verdict__session__run__exact"]
    search_help_text = "RUN del alumno."
    fields = [
        "received_at", "phase", "announces_error", "session", "outcome", "reason", "body_length",
        "content_type", "origin", "body_text",
    ]  # fmt: skip

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        return super().get_search_results(
            request, queryset, canonical_rut(search_term) or search_term
        )

    def _verdict(self, callback: SenceCallback) -> CallbackVerdict | None:
        return getattr(callback, "verdict", None)

    @admin.display(description="RunAlumno")
    def run(self, callback: SenceCallback) -> str:
        verdict = self._verdict(callback)
        return verdict.session.run if verdict and verdict.session else "-"

    @admin.display(description="sesión")
    def session(self, callback: SenceCallback) -> str:
        verdict = self._verdict(callback)
        if not verdict or not verdict.session:
            return "-"
        return format_html(
            '<a href="../../../attendancesession/{}/change/">{}</a>',
            verdict.session_id,
            verdict.session,
        )

    @admin.display(description="resultado")
    def outcome(self, callback: SenceCallback) -> str:
        verdict = self._verdict(callback)
        return verdict.get_outcome_display() if verdict else "Sin aplicar todavía"

    @admin.display(description="motivo")
    def reason(self, callback: SenceCallback) -> str:
        verdict = self._verdict(callback)
        return verdict.reason if verdict else ""

    @admin.display(description="cuerpo")
    def body_text(self, callback: SenceCallback) -> str:
        return format_html("<pre>{}</pre>", bytes(callback.body).decode("utf-8", "replace"))


@admin.register(StaffAlert)
class StaffAlertAdmin(ReadOnlyAdmin):
    list_display = ["hour", "action_code", "code", "count", "reason", "mailed_at"]
    list_filter = ["code"]
    date_hierarchy = "hour"
    search_fields = ["action_code", "code", "reason"]
