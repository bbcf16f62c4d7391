"""How staff narrow the lists of sessions and of SENCE's answers: by link, or typed in the sidebar.

Other pages link to these lists by the parameters below; dates are ISO, of Chile's calendar, both
inclusive.

    sessions   estado=en-curso|abierta|excedida|solicitada|cerrada|rechazada|observada
               solicitada_desde, solicitada_hasta, abierta_desde, abierta_hasta,
               cerrada_desde, cerrada_hasta
               error, error_desde, error_hasta: with an answer in which SENCE refused with that code
               (any, where `error` is missing; `sin-codigo`, where none came), decided in that time
               accion: the action's code · curso: the course's id · linea: 1, 3 or 6
    answers    resultado=revisar|pendiente|con-error|reloj or an Outcome
               revision=revisadas|todas, in the list of those to review; pending where missing
               error, error_desde, error_hasta: the same answers, one by one
               recibida_desde, recibida_hasta
"""

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from attendance.models import FLAGGED, CallbackVerdict, Outcome, session_limit
from attendance.sence.incoming import MAX_GLOSA
from backoffice.models import FOR_REVIEW, CallbackToReview
from courses.models import Course, TrainingLine
from courses.scope import within_scope
from usecap_sence.widgets import LongSelect

REFUSED = [Outcome.REJECTED, Outcome.CLOSE_FAILED]
"""Outcomes in which SENCE said no: what counts as an error."""
NO_CODE = "sin-codigo"
FAR_OFF = ("reloj", "Con el reloj de Sence a más de un día del nuestro")


def start_of(day: date) -> datetime:
    """Return the first moment of a day of Chile's calendar."""
    return timezone.make_aware(datetime.combine(day, time.min))


def between(field: str, since: date | None, until: date | None) -> Q:
    """Return the condition that `field` falls on these days, both inclusive; None is no bound."""
    found = Q()
    if since:
        found &= Q(**{f"{field}__gte": start_of(since)})
    if until and until < date.max:
        found &= Q(**{f"{field}__lt": start_of(until + timedelta(days=1))})
    return found


def refused_with(code: str, path: str = "") -> Q:
    """Return the condition that a verdict is a refusal of SENCE's with the code, among others.

    Without a code, with any; `path` leads to the verdict, with its `__`.
    """
    refused = Q(**{f"{path}outcome__in": REFUSED})
    if code == NO_CODE:
        return refused & Q(**{f"{path}glosa": ""})
    # As `attendance.sence.incoming.error_codes` splits a GlosaError.
    pattern = rf"(^|;)\s*{re.escape(code)}\s*(;|$)"
    return refused & Q(**{f"{path}glosa__regex": pattern}) if code else refused


class TypedFilter(admin.ListFilter):
    """A filter with fields to fill in: a small form in the sidebar, sent by GET.

    A value that is none of the field's is said beside it, and nothing is listed.
    """

    template = "admin/attendance/typed_filter.html"

    def __init__(
        self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any
    ) -> None:
        super().__init__(request, params, model, model_admin)
        self.fields = self.get_fields(request)
        given = {name: params.pop(name)[-1] for name in self.fields if name in params}
        self.is_active = any(given.values())
        self.form = forms.Form(given, auto_id="filtro-%s")
        self.form.fields.update(self.fields)
        if self.form.is_valid():
            self.used_parameters = self.form.cleaned_data

    def get_fields(self, request: HttpRequest) -> dict[str, forms.Field]:
        """Return the form's fields by their GET parameters."""
        raise NotImplementedError

    def narrow(self, queryset: QuerySet, values: dict[str, Any]) -> QuerySet:
        """Return the rows that fit `values`, of which at least one is given."""
        raise NotImplementedError

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return list(self.fields)

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if not self.form.is_valid():
            return queryset.none()
        return self.narrow(queryset, self.used_parameters) if self.is_active else queryset

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Give what the form keeps of the other filters: pairs of name and value."""
        self.clear = changelist.get_query_string(dict.fromkeys(self.fields))
        for name, values in changelist.filter_params.items():
            if name not in self.fields:
                yield from ((name, value) for value in values)


def date_field(label: str) -> forms.DateField:
    return forms.DateField(
        label=label,
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
    )


def code_field() -> forms.CharField:
    return forms.CharField(
        label="Código de error",
        required=False,
        max_length=MAX_GLOSA,
        widget=forms.TextInput(attrs={"size": 12, "autocomplete": "off"}),
    )


class DayFilter(TypedFilter):
    """The days, both inclusive, on which something happened."""

    prefix = ""
    path = ""

    def get_fields(self, request: HttpRequest) -> dict[str, forms.Field]:
        return {
            f"{self.prefix}_desde": date_field("Desde"),
            f"{self.prefix}_hasta": date_field("Hasta"),
        }

    def narrow(self, queryset: QuerySet, values: dict[str, Any]) -> QuerySet:
        since, until = (values[name] for name in self.fields)
        return queryset.filter(between(self.path, since, until))


class RequestedFilter(DayFilter):
    title = "fecha de solicitud"
    prefix, path = "solicitada", "requested_at"


class OpenedFilter(DayFilter):
    title = "fecha de apertura"
    prefix, path = "abierta", "opened_at"


class ClosedFilter(DayFilter):
    title = "fecha de cierre"
    prefix, path = "cerrada", "closed_at"


class ReceivedFilter(DayFilter):
    title = "fecha de llegada"
    prefix, path = "recibida", "received_at"


class ErrorFilter(TypedFilter):
    """Sessions that SENCE refused to open or close, by code and by when."""

    title = "error de Sence"

    def get_fields(self, request: HttpRequest) -> dict[str, forms.Field]:
        return {
            "error": code_field(),
            "error_desde": date_field("Desde"),
            "error_hasta": date_field("Hasta"),
        }

    def narrow(self, queryset: QuerySet, values: dict[str, Any]) -> QuerySet:
        refusals = CallbackVerdict.objects.filter(
            refused_with(values["error"]),
            between("decided_at", values["error_desde"], values["error_hasta"]),
            session=OuterRef("pk"),
        )
        return queryset.filter(Exists(refusals))


class AnswerErrorFilter(ErrorFilter):
    """The refusals themselves: what a number of errors counts."""

    def narrow(self, queryset: QuerySet, values: dict[str, Any]) -> QuerySet:
        return queryset.filter(
            refused_with(values["error"], "verdict__"),
            between("verdict__decided_at", values["error_desde"], values["error_hasta"]),
        )


class ActionFilter(TypedFilter):
    """By the action's code as it was sent; a list to choose from would have thousands."""

    title = "acción"

    def get_fields(self, request: HttpRequest) -> dict[str, forms.Field]:
        return {"accion": forms.CharField(label="Código", required=False, max_length=50)}

    def narrow(self, queryset: QuerySet, values: dict[str, Any]) -> QuerySet:
        return queryset.filter(action_code=values["accion"])


class CourseFilter(TypedFilter):
    title = "curso"

    def get_fields(self, request: HttpRequest) -> dict[str, forms.Field]:
        courses = within_scope(Course.objects.order_by("name"), request.user, "otec")
        return {
            "curso": forms.ModelChoiceField(
                courses, label="Curso", required=False, widget=LongSelect
            )
        }

    def narrow(self, queryset: QuerySet, values: dict[str, Any]) -> QuerySet:
        return queryset.filter(enrolment__action__course=values["curso"])


class LineFilter(admin.SimpleListFilter):
    title = "línea de capacitación"
    parameter_name = "linea"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(line.value), str(line.label)) for line in TrainingLine]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        known = [str(line.value) for line in TrainingLine]
        value = self.value()
        return queryset.filter(training_line=value) if value in known else queryset


class StateFilter(admin.SimpleListFilter):
    title = "estado"
    parameter_name = "estado"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("en-curso", "Abierta ahora: en curso o por cerrar"),
            ("abierta", "Abierta, también si no exige cierre"),
            ("excedida", "Abierta más tiempo que el límite"),
            ("solicitada", "Solicitada, sin respuesta"),
            ("cerrada", "Cerrada"),
            ("rechazada", "Rechazada"),
            ("observada", "Con respuestas que revisar"),
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet:
        states = {
            "en-curso": lambda: queryset.open_now(timezone.now()),
            "abierta": queryset.open,
            # Asked for before it was opened: the list begins past all of this morning's.
            "excedida": lambda: queryset.overlong(now := timezone.now()).filter(
                requested_at__lt=now - session_limit()
            ),
            "solicitada": queryset.requested,
            "cerrada": queryset.closed,
            "rechazada": queryset.rejected,
            "observada": lambda: queryset.filter(
                # Distinct, so that PostgreSQL begins with these few, and not with every session.
                pk__in=CallbackToReview.objects.pending()
                .filter(verdict__session__isnull=False)
                .order_by()
                .values("verdict__session")
                .distinct()
            ),
        }
        return states.get(self.value() or "", queryset.all)()


class OutcomeFilter(admin.SimpleListFilter):
    title = "resultado"
    parameter_name = "resultado"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("revisar", "Por revisar"),
            ("pendiente", "Sin aplicar todavía"),
            ("con-error", "Rechazada por Sence"),
            FAR_OFF,
            *((outcome.value, str(outcome.label)) for outcome in Outcome),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() == "revisar":
            return queryset.filter(FOR_REVIEW, review__isnull=True)
        if self.value() == "reloj":
            return queryset.filter(verdict__clock_far_off=True)
        if self.value() == "con-error":
            return queryset.filter(verdict__outcome__in=REFUSED)
        if self.value() == "pendiente":
            return queryset.filter(pending__isnull=False)
        return queryset.filter(verdict__outcome=self.value()) if self.value() else queryset


class FlaggedOutcomeFilter(OutcomeFilter):
    """Among the answers to review."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [*((outcome.value, str(outcome.label)) for outcome in FLAGGED), FAR_OFF]


class ReviewedFilter(admin.SimpleListFilter):
    """Those still to review, where nothing else is asked for."""

    title = "revisión"
    parameter_name = "revision"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("revisadas", "Revisadas"), ("todas", "Todas")]

    def choices(self, changelist: Any) -> Iterator[Any]:
        first, *rest = super().choices(changelist)
        yield {**first, "display": "Pendientes"}
        yield from rest

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() == "todas":
            return queryset
        return queryset.filter(review__isnull=self.value() != "revisadas")
