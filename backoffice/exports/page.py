"""The page that exports attendance, and the download that it shares with the list's action."""

import contextlib
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any

from django import forms
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.options import get_content_type_for_model
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import FileResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.generic import FormView

from attendance.models import AttendanceSession, AttendanceSessionQuerySet
from backoffice import security_log
from backoffice.exports.attendance import Choice
from backoffice.exports.files import CSV, ROWS, XLSX, csv_chunks, write_xlsx
from backoffice.models import SecurityEvent
from courses.models import Course, Otec
from courses.scope import within_scope

FORMATS = [(XLSX, "Excel (XLSX)"), (CSV, "CSV (con punto y coma)")]
CONTENT_TYPES = {
    CSV: "text/csv; charset=utf-8",
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class FormatForm(forms.Form):
    format = forms.ChoiceField(
        label="Formato",
        choices=FORMATS,
        initial=XLSX,
        widget=forms.RadioSelect,
        # A CSV can't say that a column is text, and what would make Excel keep the zeros
        # (="0012", an apostrophe) changes the code for every other program.
        help_text="Para Excel, elija XLSX. El CSV lleva los códigos completos, pero Excel les "
        "quita los ceros a la izquierda si lo abre con doble clic: impórtelo con «Datos», «De "
        "texto/CSV», y pida que no detecte los tipos de datos.",
    )


class ExportForm(FormatForm):
    action = forms.CharField(
        label="Acción", required=False, max_length=50, help_text="Código de la acción, completo."
    )
    course = forms.ModelChoiceField(
        Course.objects.none(), label="Curso", required=False, empty_label="Todos"
    )
    otec = forms.ModelChoiceField(
        Otec.objects.none(), label="OTEC", required=False, empty_label="Todos"
    )
    since = forms.DateField(
        label="Desde",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="Día en que el alumno pidió iniciar, en Chile; ambos días se incluyen.",
    )
    until = forms.DateField(
        label="Hasta",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    field_order = ["action", "course", "otec", "since", "until", "format"]

    def __init__(self, user: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        courses = Course.objects.select_related("otec").order_by("name")
        self.fields["course"].queryset = within_scope(courses, user, "otec")  # type: ignore[attr-defined]
        self.fields["otec"].queryset = within_scope(Otec.objects.all(), user, "pk")  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        since, until = values.get("since"), values.get("until")
        if since and until and until < since:
            self.add_error("until", "Es anterior a la otra fecha.")
        return values

    def choice(self) -> Choice:
        values = self.cleaned_data
        return Choice(
            action_code=values["action"],
            courses=(values["course"],) if values["course"] else None,
            otec=values["otec"],
            since=values["since"],
            until=values["until"],
        )


class ExportPage(PermissionRequiredMixin, FormView):
    """A form by GET; the file by POST."""

    permission_required = "attendance.export_attendancesession"
    raise_exception = True
    template_name = "backoffice/export.html"
    form_class = ExportForm
    admin_site: Any = None

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "user": self.request.user}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        own = {"title": "Exportar la asistencia", "opts": AttendanceSession._meta}
        return {**self.admin_site.each_context(self.request), **own, **context}

    def form_valid(self, form: Any) -> Any:
        user, choice = self.request.user, form.choice()
        sessions = within_scope(AttendanceSession.objects.all(), user, "otec")
        return download(user, choice.sessions(sessions), form.cleaned_data["format"], str(choice))


def download(
    user: Any, sessions: AttendanceSessionQuerySet, kind: str, described: str
) -> HttpResponseBase:
    """Answer with the sessions as a file, and write in the admin's history who took what.

    `sessions` are already those that the user may see; `kind` is CSV or XLSX.
    """
    entry = begin(user, kind, described)
    now = timezone.now()
    counted = Counted(ROWS[kind](sessions, now))
    response: HttpResponseBase
    if kind == CSV:
        chunks = finishing(csv_chunks(counted), lambda: finish(entry, counted))
        response = StreamingHttpResponse(chunks, content_type=CONTENT_TYPES[kind])
        name = f"asistencia-{timezone.localtime(now):%Y%m%d-%H%M}.{kind}"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return no_store(response)
    # The response closes it, and so deletes it.
    file = tempfile.TemporaryFile()  # noqa: SIM115
    write_xlsx(counted, file)
    finish(entry, counted)
    file.seek(0)
    name = f"asistencia-{timezone.localtime(now):%Y%m%d-%H%M}.{kind}"
    return no_store(
        FileResponse(file, as_attachment=True, filename=name, content_type=CONTENT_TYPES[kind])
    )


def no_store(response: HttpResponseBase) -> HttpResponseBase:
    """People's names and RUNs are nobody's cache's to keep."""
    response["Cache-Control"] = "no-store"
    return response


class Counted:
    """An iterable that knows how many it gave, and whether that was all."""

    def __init__(self, items: Generator) -> None:
        self.items = items
        self.count = 0
        self.is_complete = False

    def __iter__(self) -> Iterator:
        # Closed even where the reader goes away: the items' transaction ends with them.
        with contextlib.closing(self.items):
            for item in self.items:
                self.count += 1
                yield item
            self.is_complete = True


def finishing(chunks: Iterable[bytes], then: Callable[[], None]) -> Iterator[bytes]:
    """Give the chunks; then, even where the reader went away, do the last thing."""
    try:
        yield from chunks
    finally:
        then()


def begin(user: Any, kind: str, described: str) -> LogEntry:
    """Write who exports what before the first row leaves."""
    security_log.record(SecurityEvent.Kind.EXPORT, by=user, detail=f"Asistencia: {described}.")
    return LogEntry.objects.create(
        user_id=user.pk,
        content_type=get_content_type_for_model(AttendanceSession),
        object_id=None,
        object_repr="Exportación de asistencia",
        action_flag=CHANGE,
        change_message=f"Exportó la asistencia en {kind.upper()}: {described}.",
    )


def finish(entry: LogEntry, counted: Counted) -> None:
    """Add how many rows left."""
    counted.items.close()
    left = "filas" if counted.is_complete else "filas, y la descarga se interrumpió"
    entry.change_message += f" {counted.count} {left}."
    entry.save(update_fields=["change_message"])
