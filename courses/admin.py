"""The coordinators' pages: who may attend what, and what became of each roster."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from django.views.decorators.debug import sensitive_post_parameters

from courses.forms import OtecForm, OtecTokenForm, StudentForm
from courses.models import (
    STUDENT_WORDS,
    Action,
    Course,
    Enrolment,
    EnrolmentQuerySet,
    Otec,
    RejectedRow,
    RosterImport,
    StaffScope,
    Student,
)
from courses.readonly import ReadOnlyAdmin
from courses.refusals import RefusalsAdmin
from courses.scope import OtecFilter, ScopedAdmin, otec_ids, within_scope
from courses.search import PlainSearchAdmin, pattern
from courses.words import found_by_words, have_words

REJECTED_ROWS_SHOWN = 50
SHARED_STUDENT = (
    "Este alumno también está inscrito con otro OTEC: usted no puede cambiar sus datos. Si hay "
    "algo que corregir, pídalo a quien administra todos los OTEC."
)
NAMED_BOXES = ["usecap/autocomplete.js"]


def list_link(model: str, text: str, **filters: Any) -> str:
    """Return a link to the list of another model of this app, filtered."""
    address = reverse(f"admin:courses_{model}_changelist", query=filters)
    return format_html('<a href="{}">{}</a>', address, text)


def unbroken(text: str) -> str:
    """Return a RUT or date that no narrow column breaks at its hyphens."""
    return format_html('<span class="nowrap">{}</span>', text)


class PeriodFilter(admin.SimpleListFilter):
    """Whether the action is running today, by Chile's calendar."""

    title = "vigencia"
    parameter_name = "vigencia"
    path = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("en-curso", "En curso"), ("futura", "Por empezar"), ("terminada", "Terminada")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        today = timezone.localdate()
        starts, ends = f"{self.path}starts_on", f"{self.path}ends_on"
        periods = {
            "en-curso": Q(**{f"{starts}__lte": today, f"{ends}__gte": today}),
            "futura": Q(**{f"{starts}__gt": today}),
            "terminada": Q(**{f"{ends}__lt": today}),
        }
        return queryset.filter(periods.get(self.value() or "", Q()))


class EnrolmentPeriodFilter(PeriodFilter):
    path = "action__"


class WithdrawnFilter(admin.SimpleListFilter):
    title = "estado"
    parameter_name = "estado"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("activa", "Activa"), ("retirada", "Retirada")]

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet:
        if self.value() == "activa":
            return queryset.active()
        return queryset.withdrawn() if self.value() == "retirada" else queryset


class RejectedFilter(admin.SimpleListFilter):
    title = "filas rechazadas"
    parameter_name = "rechazadas"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("con", "Con rechazadas"), ("sin", "Sin rechazadas")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() == "con":
            return queryset.filter(rows_rejected__gt=0)
        return queryset.filter(rows_rejected=0) if self.value() == "sin" else queryset


@admin.register(Otec)
class OtecAdmin(ScopedAdmin, PlainSearchAdmin, RefusalsAdmin):
    form = OtecForm
    otec_path = "pk"
    list_display = ["name", "rut_shown", "token_state"]
    search_fields = ["name", "rut"]
    search_help_text = "Nombre o RUT."
    rut_field = "rut"
    readonly_fields = ["token_state"]

    @admin.display(description="RUT", ordering="rut")
    def rut_shown(self, otec: Otec) -> str:
        return unbroken(otec.rut)

    @admin.display(description="token")
    def token_state(self, otec: Otec) -> str:
        return "Configurado" if otec.has_token else "Falta"

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        # Asked letter by letter, a list tells what it doesn't show.
        if lookup.startswith("token"):
            return False
        return super().lookup_allowed(lookup, value, request)

    def may_change_token(self, request: HttpRequest) -> bool:
        return request.user.has_perm("courses.change_otec_token")

    def get_fields(self, request: HttpRequest, obj: Otec | None = None) -> Any:
        fields = ["name", "rut", "alert_emails", "token_state"]
        editable = self.has_change_permission(request, obj) if obj else True
        return [*fields, "new_token"] if editable and self.may_change_token(request) else fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        # Whoever works for some OTECs alone would make one that they don't see.
        return super().has_add_permission(request) and otec_ids(request.user) is None

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple:
        # With it would go their limit, and who is limited to no OTEC sees all of them.
        limited = StaffScope.objects.filter(otecs__in=objs).distinct().count()
        if limited:
            return [], {}, set(), [f"Usuarios que trabajan para este OTEC: {limited}"]
        return super().get_deleted_objects(objs, request)

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if "new_token" in self.get_fields(request, args[0] if args else None):
            kwargs["form"] = OtecTokenForm
        return super().get_form(request, *args, **kwargs)

    @method_decorator(sensitive_post_parameters("new_token"))
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().changeform_view(request, *args, **kwargs)


@admin.register(Course)
class CourseAdmin(ScopedAdmin, PlainSearchAdmin, RefusalsAdmin):
    otec_path = "otec"
    list_display = ["name", "sence_code", "training_line", "otec_name", "actions_link"]
    list_filter = ["training_line", ("otec", OtecFilter)]
    list_select_related = ["otec"]
    search_fields = ["name", "sence_code", "otec__name"]
    search_help_text = "Nombre, código SENCE u OTEC."
    autocomplete_fields = ["otec"]

    class Media:
        js = NAMED_BOXES

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Choose the OTEC where there is no choice."""
        otecs = within_scope(Otec.objects.all(), request.user, "pk")[:2]
        only = {"otec": otecs[0].pk} if len(otecs) == 1 else {}
        return only | super().get_changeform_initial_data(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Course]:
        # Of those that are shown: a join would count every action there is, and to count the rows.
        actions = Action.objects.order_by().filter(course=OuterRef("pk")).values("course")
        count = Subquery(actions.values(count=Count("*")))
        return super().get_queryset(request).annotate(action_count=Coalesce(count, 0))

    @admin.display(description="OTEC", ordering="otec__name")
    def otec_name(self, course: Course) -> str:
        return course.otec.name

    @admin.display(description="acciones", ordering="action_count")
    def actions_link(self, course: Any) -> str:
        return list_link("action", course.action_count, course__id__exact=course.pk)


@admin.register(Action)
class ActionAdmin(ScopedAdmin, PlainSearchAdmin, RefusalsAdmin):
    otec_path = "course__otec"
    list_display = ["code", "starts", "ends", "course_name", "environment"]
    list_filter = [
        PeriodFilter,
        "environment",
        "course__training_line",
        "close_required",
        ("course__otec", OtecFilter),
    ]
    list_select_related = ["course"]
    date_hierarchy = "starts_on"
    search_fields = ["code", "course__name", "course__sence_code"]
    search_help_text = "Código de acción, nombre del curso o código SENCE."
    autocomplete_fields = ["course"]
    readonly_fields = ["enrolments_link"]
    delete_remedy = "Una acción con inscripciones no se elimina: corrija sus fechas."

    class Media:
        js = NAMED_BOXES

    def get_fields(self, request: HttpRequest, obj: Action | None = None) -> Any:
        fields = ["course", "code", ("starts_on", "ends_on"), "environment", "close_required"]
        return [*fields, "enrolments_link"] if obj else fields

    @admin.display(description="curso", ordering="course__name")
    def course_name(self, action: Action) -> str:
        return action.course.name

    @admin.display(description="inicio", ordering="starts_on")
    def starts(self, action: Action) -> str:
        return unbroken(f"{action.starts_on:%d-%m-%Y}")

    @admin.display(description="término", ordering="ends_on")
    def ends(self, action: Action) -> str:
        return unbroken(f"{action.ends_on:%d-%m-%Y}")

    @admin.display(description="inscripciones")
    def enrolments_link(self, action: Action) -> str:
        text = f"{action.enrolments.count()}: ver la lista"
        return list_link("enrolment", text, action__id__exact=action.pk)


@admin.register(Student)
class StudentAdmin(ScopedAdmin, PlainSearchAdmin, RefusalsAdmin):
    form = StudentForm
    list_display = ["run_shown", "surnames", "given_names", "email"]
    list_display_links = ["run_shown", "surnames"]
    search_fields = ["run", "given_names", "surnames", "email"]
    search_help_text = (
        "RUN (con o sin puntos y guion), nombres, apellidos o correo, o como empiezan."
    )
    rut_field = "run"
    # Only what an index gives in order.
    sortable_by = ["run_shown", "surnames"]
    delete_remedy = "Retire sus inscripciones en vez de eliminar al alumno."

    def scoped(self, queryset: QuerySet, request: HttpRequest) -> QuerySet:
        """Return the students of the user's OTECs, and those whom nobody has enrolled yet."""
        ids = otec_ids(request.user)
        if ids is None:
            return queryset
        enrolments = Enrolment.objects.filter(student=OuterRef("pk"))
        theirs = Exists(enrolments.filter(action__course__otec__in=ids))
        return queryset.filter(theirs | ~Exists(enrolments))

    def matching(self, typed: str) -> Q:
        return found_by_words(Student.objects.all(), typed, *STUDENT_WORDS)

    def get_fields(self, request: HttpRequest, obj: Student | None = None) -> Any:
        fields = ["run", "given_names", "surnames", "email"]
        return [*fields, "enrolments_link"] if obj else fields

    def get_fieldsets(self, request: HttpRequest, obj: Student | None = None) -> Any:
        about: dict[str, Any] = {"fields": self.get_fields(request, obj)}
        if self.is_shared(request, obj):
            about["description"] = SHARED_STUDENT
        return [(None, about)]

    def get_readonly_fields(self, request: HttpRequest, obj: Student | None = None) -> list[str]:
        # SENCE holds attendance under that RUN: from then on it is another person's or none.
        registered = obj and obj.enrolments.filter(sessions__isnull=False).exists()
        return ["run", "enrolments_link"] if registered else ["enrolments_link"]

    def has_change_permission(self, request: HttpRequest, obj: Student | None = None) -> bool:
        return super().has_change_permission(request, obj) and not self.is_shared(request, obj)

    def is_shared(self, request: HttpRequest, student: Student | None) -> bool:
        """Whether an OTEC that the user doesn't work for enrolled the student as well."""
        ids = otec_ids(request.user) if student else None
        if student is None or ids is None:
            return False
        return student.enrolments.exclude(action__course__otec__in=ids).exists()

    @admin.display(description="RUN", ordering="run")
    def run_shown(self, student: Student) -> str:
        return unbroken(student.run)

    @admin.display(description="inscripciones")
    def enrolments_link(self, student: Student) -> str:
        return list_link("enrolment", "Ver sus inscripciones", student__id__exact=student.pk)


@admin.register(Enrolment)
class EnrolmentAdmin(ScopedAdmin, PlainSearchAdmin, RefusalsAdmin):
    otec_path = "action__course__otec"
    list_display = ["run", "name", "state", "action_code", "course", "exempt"]
    list_filter = [
        WithdrawnFilter,
        EnrolmentPeriodFilter,
        "is_exempt",
        "action__environment",
        "action__course__training_line",
        ("action__course__otec", OtecFilter),
    ]
    list_select_related = ["student", "action__course"]
    # The newest first: the model's own order would sort every enrolment by its action and student.
    ordering = ["-pk"]
    search_fields = [
        "student__run",
        "student__given_names",
        "student__surnames",
        "student__email",
        "action__code",
        "action__course__name",
    ]
    search_help_text = (
        "RUN, nombres, apellidos o correo del alumno, o como empiezan; código de acción o nombre "
        "del curso."
    )
    rut_field = "student__run"
    autocomplete_fields = ["student", "action"]
    actions = ["withdraw", "reinstate"]
    delete_remedy = "Retire la inscripción: lo que se registró con ella no se elimina."

    class Media:
        js = NAMED_BOXES

    def _with_word(self, word: str) -> Q:
        """Look in each table by itself: no index answers for several."""
        students = Student.objects.filter(have_words(word, *STUDENT_WORDS))
        courses = Course.objects.filter(name__regex=pattern(word))
        actions = Action.objects.filter(Q(code__regex=pattern(word)) | Q(course__in=courses))
        enrolments = Enrolment.objects.order_by()
        of_students = enrolments.filter(student__in=students.order_by()).values("pk")
        of_actions = enrolments.filter(action__in=actions.order_by()).values("pk")
        return Q(pk__in=of_students.union(of_actions))

    def get_fields(self, request: HttpRequest, obj: Enrolment | None = None) -> Any:
        fields = ["student", "action", "is_exempt"]
        return [*fields, "withdrawn_at", "created_at"] if obj else fields

    def get_readonly_fields(self, request: HttpRequest, obj: Enrolment | None = None) -> list[str]:
        # Someone else in another action is another enrolment; what this one registered stays its.
        fixed = ["withdrawn_at", "created_at"]
        return ["student", "action", *fixed] if obj else fixed

    @admin.display(description="RUN", ordering="student__run")
    def run(self, enrolment: Enrolment) -> str:
        return unbroken(enrolment.student.run)

    @admin.display(description="alumno", ordering="student__surnames")
    def name(self, enrolment: Enrolment) -> str:
        return enrolment.student.full_name

    @admin.display(description="acción", ordering="action__code")
    def action_code(self, enrolment: Enrolment) -> str:
        return enrolment.action.code

    @admin.display(description="curso", ordering="action__course__name")
    def course(self, enrolment: Enrolment) -> str:
        return enrolment.action.course.name

    @admin.display(description="estado", ordering="withdrawn_at")
    def state(self, enrolment: Enrolment) -> str:
        return "Retirada" if enrolment.withdrawn_at else "Activa"

    @admin.display(description="becario", ordering="is_exempt")
    def exempt(self, enrolment: Enrolment) -> str:
        # A word: the icons for yes and no say right and wrong, and neither is.
        return "Becario" if enrolment.is_exempt else ""

    @admin.action(description="Retirar las inscripciones elegidas", permissions=["change"])
    @transaction.atomic
    def withdraw(self, request: HttpRequest, queryset: EnrolmentQuerySet) -> None:
        if self.are_too_many(request, queryset):
            return
        chosen, locked = queryset.count(), lock(queryset.active())
        done = locked.withdraw(timezone.now())
        log_change(request, locked, "Retirada.")
        self.report(request, "Inscripciones retiradas", done, "Ya estaban retiradas", chosen - done)

    @admin.action(description="Reincorporar las inscripciones elegidas", permissions=["change"])
    @transaction.atomic
    def reinstate(self, request: HttpRequest, queryset: EnrolmentQuerySet) -> None:
        if self.are_too_many(request, queryset):
            return
        chosen, locked = queryset.count(), lock(queryset.withdrawn())
        done = locked.reinstate()
        log_change(request, locked, "Reincorporada.")
        self.report(request, "Inscripciones reincorporadas", done, "Ya eran activas", chosen - done)

    def report(
        self, request: HttpRequest, done: str, count: int, skipped: str, skipped_count: int
    ) -> None:
        level = messages.SUCCESS if count else messages.WARNING
        rest = f" {skipped}, y no cambiaron: {skipped_count}." if skipped_count else ""
        self.message_user(request, f"{done}: {count}.{rest}", level)


def lock(enrolments: EnrolmentQuerySet) -> EnrolmentQuerySet:
    """Lock these enrolments; return them as a query that goes on meaning them once they change."""
    ids = enrolments.order_by().select_for_update(of=("self",)).values_list("pk", flat=True)
    # As one array: a statement takes no more than 65,535 parameters.
    return Enrolment.objects.filter(pk__in=RawSQL("SELECT unnest(%s::bigint[])", [list(ids)]))


def log_change(request: HttpRequest, enrolments: EnrolmentQuerySet, message: str) -> None:
    """Write in the admin's history who changed these enrolments."""
    named = enrolments.select_related("student", "action__course")
    LogEntry.objects.log_actions(str(request.user.pk), named, CHANGE, message)


class OwnLoadsAdmin(ScopedAdmin):
    """What rosters brought: a roster may name any OTEC, so who is limited sees their own loads."""

    loader_path = ""

    def scoped(self, queryset: QuerySet, request: HttpRequest) -> QuerySet:
        if otec_ids(request.user) is None:
            return queryset
        return queryset.filter(**{self.loader_path: request.user})


@admin.register(RosterImport)
class RosterImportAdmin(OwnLoadsAdmin, PlainSearchAdmin, ReadOnlyAdmin):
    loader_path = "loaded_by"
    list_display = ["file_name", "loaded", "rows_read", "rows_rejected", "loaded_by"]
    list_filter = [RejectedFilter]
    list_select_related = ["loaded_by"]
    date_hierarchy = "loaded_at"
    search_fields = ["file_name", "digest"]
    search_help_text = "Nombre del archivo o su SHA-256."
    fields = [
        "file_name",
        "loaded_at",
        "loaded_by",
        ("rows_read", "rows_created", "rows_updated", "rows_unchanged", "rows_rejected"),
        "digest",
        "rejected_rows",
    ]

    @admin.display(description="cargado el", ordering="loaded_at")
    def loaded(self, roster_import: RosterImport) -> str:
        return unbroken(f"{timezone.localtime(roster_import.loaded_at):%d-%m-%Y %H:%M}")

    @admin.display(description="filas rechazadas")
    def rejected_rows(self, roster_import: RosterImport) -> str:
        shown = roster_import.rejected_rows.all()[:REJECTED_ROWS_SHOWN]
        if not shown:
            return "Ninguna."
        rows = format_html_join(
            mark_safe("<br>"),  # nosec B308
            "Línea {}, {} «{}»: {}",
            ((row.line, row.column or "fila", row.value, row.reason) for row in shown),
        )
        everything = list_link(
            "rejectedrow",
            f"Ver las {roster_import.rows_rejected} en una lista",
            roster_import__id__exact=roster_import.pk,
        )
        return format_html("{}<p>{}</p>", rows, everything)


@admin.register(RejectedRow)
class RejectedRowAdmin(OwnLoadsAdmin, PlainSearchAdmin, ReadOnlyAdmin):
    """The rows that one import rejected: reached from its page, not from the index."""

    loader_path = "roster_import__loaded_by"

    list_display = ["line", "column", "value", "reason"]
    list_display_links = None
    search_fields = ["column", "value", "reason"]
    search_help_text = "Columna, valor o motivo."

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("courses.view_rosterimport")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False
