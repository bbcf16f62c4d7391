"""The pages of sessions, of SENCE's answers and of alerts: all but nonces and tokens, and no edits.

A student's own page is never linked from here: it draws the form with the OTEC's token.
"""

from functools import reduce
from operator import and_, or_
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html

from attendance.models import (
    AttendanceSession,
    CallbackVerdict,
    SenceCallback,
    StaffAlert,
    State,
)
from attendance.screens import as_hours
from attendance.sence.incoming import error_codes
from backoffice.exports.page import ExportPage
from backoffice.models import CallbackToReview
from backoffice.review import filters
from backoffice.review.actions import FROM_SESSION, AnswerActions, ReviewActions
from backoffice.review.story import clocks, shown_body, story
from courses.admin import unbroken
from courses.models import STUDENT_WORDS, UNVERIFIED, Action, Enrolment, Student
from courses.readonly import ReadOnlyAdmin
from courses.scope import OtecFilter, ScopedAdmin, otec_ids, within_scope
from courses.search import pattern
from courses.words import canonical_rut, found_by_words

MOST_FOUND = 500
"""Students, enrolments and actions that a search goes on with: the newest."""
HIDDEN = ("nonce", "public_id")


def local(moment: Any) -> str:
    """Return a moment by Chile's clocks, in a form that no narrow column breaks; or a dash."""
    return unbroken(f"{timezone.localtime(moment):%d-%m-%Y %H:%M:%S}") if moment else "-"


def day_and_minute(moment: Any) -> str:
    """Return a moment by Chile's clocks for a narrow column: the day, and the time below it."""
    if not moment:
        return "-"
    ours = timezone.localtime(moment)
    return format_html("{} {}", unbroken(f"{ours:%d-%m-%Y}"), f"{ours:%H:%M}")


class EvidenceAdmin(ReadOnlyAdmin, ScopedAdmin):
    """Long lists of what happened, by OTEC; what is secret is not to be guessed by filters."""

    list_max_show_all = 0

    class Media:
        css = {"all": ["usecap/review.css"]}

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        if lookup.startswith(HIDDEN):
            return False
        return super().lookup_allowed(lookup, value, request)


@admin.register(AttendanceSession)
class AttendanceSessionAdmin(ReviewActions, EvidenceAdmin):
    otec_path = "otec"
    list_display = [
        "who", "shown_state", "codes", "opened_minute", "closed_minute", "duration", "what",
        "requested_minute",
    ]  # fmt: skip
    list_filter = [
        filters.StateFilter, filters.OpenedFilter, filters.ClosedFilter, filters.RequestedFilter,
        filters.ErrorFilter, filters.ActionFilter, filters.CourseFilter, ("otec", OtecFilter),
        filters.LineFilter, "environment",
    ]  # fmt: skip
    list_select_related = ["enrolment__student"]
    # Only what an index gives in order: sorting a million rows by another column takes seconds.
    sortable_by = ["requested_minute"]
    search_fields = ["run"]
    search_help_text = (
        "RUN, nombre o apellido, curso, código de acción, IdSesionAlumno o IdSesionSence completos."
    )
    change_list_template = "admin/attendance/attendancesession/change_list.html"
    change_form_template = "admin/attendance/attendancesession/change_form.html"
    fieldsets = [
        (None, {"fields": ["student_link", "run_shown", "course_name", "action", "shown_state",
                           "duration"]}),
        (
            "Lo que se envía a Sence",
            {
                "description": "Tal como sale; el token y las direcciones de respuesta no se "
                "muestran.",
                "fields": [
                    "environment", "otec", "otec_rut", "sence_code", "action_code",
                    "training_line", "run", "student_session_id", "sence_session_id",
                ],
            },
        ),
        (
            "Fechas",
            {
                "fields": [
                    "requested", "opened", "sence_clock_open", "closed", "sence_clock_close",
                    "rejected", "superseded", "close_required",
                ]
            },
        ),
    ]  # fmt: skip

    def get_urls(self) -> list[URLPattern]:
        page = ExportPage.as_view(admin_site=self.admin_site)
        own = path(
            "exportar/",
            self.admin_site.admin_view(page),
            name="attendance_attendancesession_export",
        )
        return [own, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        # The list and the page need neither; the nonce must reach no template.
        return super().get_queryset(request).defer("nonce")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        term = search_term.replace("\x00", "").strip()
        if not term:
            return queryset, False
        found, is_cut = matching(term, request.user)
        if is_cut:
            text = "Hay demasiados resultados: se muestran los más recientes. Escriba algo más."
            self.message_user(request, text, messages.WARNING)
        return queryset.filter(found), False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict | None = None
    ) -> HttpResponse:
        may_export = self.has_export_permission(request)
        return super().changelist_view(request, {"may_export": may_export, **(extra_context or {})})

    def render_change_form(
        self, request: HttpRequest, context: dict, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        session = kwargs["obj"]
        context |= {
            "story": story(session),
            "buttons": self.buttons(request, session),
            "list_url": reverse("admin:attendance_attendancesession_changelist"),
            "from_session": FROM_SESSION,
        }
        return super().render_change_form(request, context, *args, **kwargs)

    def buttons(self, request: HttpRequest, session: AttendanceSession) -> list[tuple[str, str]]:
        """Return the actions that the user may ask for and that the session's state allows."""
        if session.resolved_at or session.state == State.CLOSED:
            return []
        found = []
        if self.has_resolve_permission(request):
            found.append(("resolve", "Resolver"))
        to_close = session.state == State.OPEN and session.close_required
        if to_close and self.has_remind_permission(request):
            found.append(("remind", "Enviar recordatorio"))
        return found

    @admin.display(description="RUN")
    def run_shown(self, session: AttendanceSession) -> str:
        return unbroken(session.run)

    @admin.display(description="alumno")
    def who(self, session: AttendanceSession) -> str:
        name = session.enrolment.student.full_name or "(sin nombre)"
        return format_html("{}<br>{}", self.run_shown(session), name)

    @admin.display(description="acción y curso")
    def what(self, session: AttendanceSession) -> str:
        return format_html("{}<br>{}", unbroken(session.action_code), session.course_name)

    @admin.display(description="error")
    def codes(self, session: AttendanceSession) -> str:
        if not session.error_at:
            return "-"
        return ", ".join(error_codes(session.error_glosa)) or "sin código"

    @admin.display(description="alumno")
    def student_link(self, session: AttendanceSession) -> str:
        student = session.enrolment.student
        address = reverse("admin:courses_student_change", args=[student.pk])
        return format_html('<a href="{}">{}</a>', address, student.full_name or "(sin nombre)")

    @admin.display(description="estado")
    def shown_state(self, session: AttendanceSession) -> str:
        return session.state_in_words(timezone.now())

    @admin.display(description="tiempo")
    def duration(self, session: AttendanceSession) -> str:
        ends_unseen = session.is_settled or not session.close_required
        if not session.opened_at or (ends_unseen and not session.closed_at):
            return "-"
        return as_hours(int(session.duration(timezone.now()).total_seconds()))

    @admin.display(description="acción")
    def action(self, session: AttendanceSession) -> str:
        return session.action_code

    @admin.display(description="solicitada", ordering="requested_at")
    def requested_minute(self, session: AttendanceSession) -> str:
        return day_and_minute(session.requested_at)

    @admin.display(description="abierta")
    def opened_minute(self, session: AttendanceSession) -> str:
        return day_and_minute(session.opened_at)

    @admin.display(description="cerrada")
    def closed_minute(self, session: AttendanceSession) -> str:
        return day_and_minute(session.closed_at)

    @admin.display(description="solicitada el")
    def requested(self, session: AttendanceSession) -> str:
        return local(session.requested_at)

    @admin.display(description="abierta el")
    def opened(self, session: AttendanceSession) -> str:
        return local(session.opened_at)

    @admin.display(description="cerrada el")
    def closed(self, session: AttendanceSession) -> str:
        return local(session.closed_at)

    @admin.display(description="rechazada el")
    def rejected(self, session: AttendanceSession) -> str:
        return local(session.rejected_at)

    @admin.display(description="reemplazada el")
    def superseded(self, session: AttendanceSession) -> str:
        return local(session.superseded_at)

    @admin.display(description="reloj de Sence al abrir")
    def sence_clock_open(self, session: AttendanceSession) -> str:
        return session_clock(
            session.opened_sence_time, session.opened_sence_zone, session.opened_at
        )

    @admin.display(description="reloj de Sence al cerrar")
    def sence_clock_close(self, session: AttendanceSession) -> str:
        return session_clock(
            session.closed_sence_time, session.closed_sence_zone, session.closed_at
        )


def session_clock(time: str, zone: str, ours: Any) -> str:
    return (clocks(time, zone, ours) if ours else "") or "-"


def matching(term: str, user: Any) -> tuple[Q, bool]:
    """Return the condition that finds sessions by what the user typed, and whether it is cut short.

    A RUN, one of SENCE's ids or an action's code is whole; of a student's names, each word begins
    one; of a course's, each word is somewhere. People, courses and ids are looked for first, and no
    more of them than MOST_FOUND, all of the user's OTECs: what is left is a few columns of the
    session, only those that have what was typed, so that an index gives them in order.
    """
    if run := canonical_rut(term):
        # Some action codes look like a RUT.
        return Q(run=run) | Q(action_code=term), False
    (enrolments, is_cut), codes = _enrolments(term, user), _action_codes(term, user)
    sessions = AttendanceSession.objects.order_by()
    ids = sessions.filter(Q(student_session_id=term) | Q(sence_session_id=term))
    shown_codes = codes[:MOST_FOUND]
    # As it was sent, perhaps before somebody corrected the action.
    if sessions.filter(action_code=term).exists():
        shown_codes.append(term)
    found = [
        ("enrolment__in", enrolments),
        ("action_code__in", shown_codes),
        ("pk__in", list(ids.values_list("pk", flat=True)[:MOST_FOUND])),
    ]
    conditions = [Q((lookup, values)) for lookup, values in found if values]
    nothing = Q(pk__in=[])
    return reduce(or_, conditions, nothing), is_cut or len(codes) > MOST_FOUND


def _enrolments(term: str, user: Any) -> tuple[list[int], bool]:
    everybody = Student.objects.all()
    students = everybody.filter(found_by_words(everybody, term, *STUDENT_WORDS))
    theirs = within_scope(Enrolment.objects.order_by("-pk"), user, "action__course__otec")
    if otec_ids(user) is not None:
        students = students.filter(Exists(theirs.order_by().filter(student=OuterRef("pk"))))
    people = list(students.order_by("-pk").values_list("pk", flat=True)[: MOST_FOUND + 1])
    enrolments = theirs.filter(student__in=people[:MOST_FOUND]).values_list("pk", flat=True)
    found = list(enrolments[: MOST_FOUND + 1])
    return found[:MOST_FOUND], max(len(people), len(found)) > MOST_FOUND


def _action_codes(term: str, user: Any) -> list[str]:
    words = [Q(course__name__regex=pattern(word)) for word in term.split()]
    found = Action.objects.exclude(code=UNVERIFIED).filter(
        reduce(and_, words) | Q(course__sence_code=term)
    )
    theirs = within_scope(found, user, "course__otec")
    return list(theirs.order_by("-pk").values_list("code", flat=True)[: MOST_FOUND + 1])


@admin.register(SenceCallback)
class SenceCallbackAdmin(EvidenceAdmin):
    otec_path = "verdict__session__otec"
    list_display = ["received", "phase", "address", "run", "outcome", "reason"]
    list_filter: ClassVar[list] = [
        filters.OutcomeFilter, filters.ReceivedFilter, filters.AnswerErrorFilter, "phase",
        "announces_error",
    ]  # fmt: skip
    sortable_by = ["received"]
    search_fields = ["verdict__session__run"]
    search_help_text = "RUN del alumno, IdSesionAlumno o IdSesionSence completos."
    fields = [
        "received", "phase", "address", "session", "outcome", "reason", "review_shown",
        "body_length", "content_type", "origin", "body_text",
    ]  # fmt: skip

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        word = search_term.strip().replace("\x00", "")
        if not word:
            return queryset, False
        run = canonical_rut(word)
        ids = Q(student_session_id=word) | Q(sence_session_id=word)
        sessions = AttendanceSession.objects.filter(Q(run=run) if run else ids)
        return queryset.filter(verdict__session__in=sessions.order_by()), False

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return (
            super().get_queryset(request).select_related("verdict__session", "review__reviewed_by")
        )

    def _verdict(self, callback: SenceCallback) -> CallbackVerdict | None:
        return getattr(callback, "verdict", None)

    @admin.display(description="recibida el", ordering="received_at")
    def received(self, callback: SenceCallback) -> str:
        return local(callback.received_at)

    @admin.display(description="llegó a la dirección")
    def address(self, callback: SenceCallback) -> str:
        # Words: the icons for yes and no say right and wrong, and here it is the other way about.
        return "De error" if callback.announces_error else "De éxito"

    @admin.display(description="RunAlumno")
    def run(self, callback: SenceCallback) -> str:
        verdict = self._verdict(callback)
        return unbroken(verdict.session.run if verdict and verdict.session else "-")

    @admin.display(description="sesión")
    def session(self, callback: SenceCallback) -> str:
        verdict = self._verdict(callback)
        if not verdict or not verdict.session:
            return "-"
        address = reverse("admin:attendance_attendancesession_change", args=[verdict.session_id])
        return format_html('<a href="{}">{}</a>', address, verdict.session)

    @admin.display(description="resultado")
    def outcome(self, callback: SenceCallback) -> str:
        verdict = self._verdict(callback)
        return verdict.get_outcome_display() if verdict else "Sin aplicar todavía"

    @admin.display(description="motivo")
    def reason(self, callback: SenceCallback) -> str:
        verdict = self._verdict(callback)
        return verdict.reason if verdict else ""

    @admin.display(description="revisión")
    def review_shown(self, callback: SenceCallback) -> str:
        if review := getattr(callback, "review", None):
            return str(review)
        verdict = self._verdict(callback)
        return "Pendiente" if verdict and verdict.is_for_review else "-"

    @admin.display(description="cuerpo")
    def body_text(self, callback: SenceCallback) -> str:
        return format_html("<pre>{}</pre>", shown_body(callback))


@admin.register(CallbackToReview)
class CallbackToReviewAdmin(AnswerActions, SenceCallbackAdmin):
    """Those that staff have to look at, in a list of their own."""

    list_display = ["received", "outcome", "reason", "run", "session", "phase"]
    list_filter = [
        filters.ReviewedFilter, filters.FlaggedOutcomeFilter, filters.ReceivedFilter, "phase",
    ]  # fmt: skip

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("attendance.view_sencecallback")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)


@admin.register(StaffAlert)
class StaffAlertAdmin(ReadOnlyAdmin, ScopedAdmin):
    otec_path = "otec"
    list_display = ["hour", "action_code", "code", "count", "reason", "mailed_at"]
    list_filter = ["code", ("otec", OtecFilter)]
    date_hierarchy = "hour"
    search_fields = ["action_code", "code", "reason"]
    search_help_text = "Código de acción, código de error o motivo."
