"""Loading enrolled RUTs: drop a file or paste, see what would happen, confirm, follow it."""

import io
from typing import Any

import xlsxwriter
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth.decorators import permission_required
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from backoffice import uploads
from backoffice.models import RosterUpload
from courses.models import Action
from courses.scope import otec_ids, within_scope

LATEST = 10
COLUMNS = {
    "rut": "RUT del alumno, con guion: 12345678-5. Obligatorio.",
    "nombres": "Nombres del alumno.",
    "apellidos": "Apellidos del alumno.",
    "correo": "Correo del alumno, para recordatorios.",
    "codigo_accion": "ID de acción con que el curso se comunicó a SENCE. Obligatorio.",
    "curso": "Nombre del curso. Desde aquí, solo si la acción aún no está registrada.",
    "codigo_sence": "Código SENCE del curso, diez caracteres; vacío en la línea 1.",
    "linea": "1 Programas Sociales, 3 Franquicia Tributaria, 6 FPT.",
    "inicio": "Fecha de inicio: dd-mm-aaaa.",
    "termino": "Fecha de término: dd-mm-aaaa.",
    "becario": "sí o no. Los becarios no registran asistencia.",
    "ambiente": "producción o prueba; vacío es producción.",
    "rut_otec": "RUT del OTEC, si hay más de uno.",
}

can_load = permission_required("courses.load_rosterimport", raise_exception=True)


class FileForm(forms.Form):
    """A roster file."""

    file = forms.FileField(
        label="Archivo con los inscritos",
        help_text="CSV, XLSX, XLS u ODS, hasta 30 MB.",
        error_messages={
            "required": "Elija el archivo que quiere cargar.",
            "empty": "El archivo está vacío. Elija otro.",
        },
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > uploads.MAX_BYTES:
            raise forms.ValidationError("El archivo supera los 30 MB. Divídalo en varios.")
        return file


class PasteForm(forms.Form):
    """RUTs for one action."""

    action = forms.ModelChoiceField(
        label="Acción", queryset=Action.objects.none(), empty_label="Elija una acción"
    )
    ruts = forms.CharField(
        label="RUT de los alumnos",
        max_length=200_000,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
        help_text="Uno por línea, o separados por comas.",
        error_messages={"required": "Pegue al menos un RUT."},
    )

    def __init__(self, user: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        actions = Action.objects.filter(ends_on__gte=timezone.localdate())
        self.fields["action"].queryset = within_scope(  # type: ignore[attr-defined]
            actions.select_related("course__otec"), user, "course__otec"
        )


def _visible(request: HttpRequest) -> QuerySet[RosterUpload]:
    """Return the user's own uploads, everybody's for who isn't limited to some OTECs."""
    everything = RosterUpload.objects.select_related("uploaded_by", "roster_import")
    if otec_ids(request.user) is None:
        return everything
    return everything.filter(uploaded_by_id=request.user.pk)


@require_http_methods(["GET", "POST"])
@can_load
def start(request: HttpRequest) -> HttpResponse:
    """Offer the two ways in and the latest uploads; receive one."""
    pasted = "ruts" in request.POST
    dropped = request.method == "POST" and not pasted
    file_form = FileForm(request.POST, request.FILES) if dropped else FileForm()
    pasted_data = request.POST if pasted else None
    paste_form = PasteForm(request.user, data=pasted_data, initial=request.GET.dict())
    now = timezone.now()
    if pasted and paste_form.is_valid():
        given = paste_form.cleaned_data
        upload = uploads.accept_pasted(given["ruts"], given["action"], request.user, now)
        return redirect("admin:upload", upload.pk)
    if dropped and file_form.is_valid():
        upload = uploads.accept(file_form.cleaned_data["file"], request.user, now)
        return redirect("admin:upload", upload.pk)
    context = {
        "title": "Cargar inscritos",
        "file_form": file_form,
        "paste_form": paste_form,
        "columns": COLUMNS,
        "latest": _visible(request).defer("content", "report", "summary")[:LATEST],
    }
    return _page(request, "backoffice/upload_start.html", context)


@require_GET
@can_load
def upload(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one upload at its step: progress, what would happen, or what happened."""
    found = get_object_or_404(_visible(request).defer("content", "report"), pk=pk)
    context = {
        "title": found.file_name,
        "upload": found,
        "has_stopped": uploads.has_stopped(found, timezone.now()),
        "is_own": found.uploaded_by_id == request.user.pk,
        "summary": found.summary,
        "would_change": found.summary.get("created", 0) + found.summary.get("updated", 0),
    }
    return _page(request, "backoffice/upload.html", context)


@require_GET
@can_load
def progress(request: HttpRequest, pk: int) -> JsonResponse:
    """Say how far an upload is, for the page's progress bar."""
    found = get_object_or_404(_visible(request).defer("content", "report", "summary"), pk=pk)
    stopped = uploads.has_stopped(found, timezone.now())
    return JsonResponse({"step": found.step, "percent": found.percent, "stopped": stopped})


@require_POST
@can_load
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Confirm, discard or check again, as the button pressed says."""
    own = _visible(request).filter(uploaded_by=request.user.pk)
    found = get_object_or_404(own.defer("content", "report", "summary"), pk=pk)
    now = timezone.now()
    if "confirmar" in request.POST:
        done = uploads.confirm(found, now)
        if done:
            LogEntry.objects.log_actions(
                str(request.user.pk), [found], ADDITION, "Confirmó la carga de inscritos.",
                single_object=True,
            )  # fmt: skip
    elif "descartar" in request.POST:
        done = uploads.discard(found)
    else:
        done = uploads.resume(found, now)
    if not done:
        messages.warning(request, "Esta carga ya cambió: mire abajo cómo está ahora.")
    return redirect("admin:upload", pk)


@require_GET
@can_load
def report(request: HttpRequest, pk: int) -> FileResponse:
    """Download every rejected row as CSV."""
    found = get_object_or_404(_visible(request).defer("content", "summary"), pk=pk)
    return FileResponse(
        io.BytesIO(found.report),
        as_attachment=True,
        filename=f"rechazadas-{found.pk}.csv",
        content_type="text/csv; charset=utf-8",
    )


@require_GET
@can_load
def template(request: HttpRequest) -> FileResponse:
    """Download an empty roster with its columns and, on a second sheet, what goes in each."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        bold, as_text = book.add_format({"bold": True}), book.add_format({"num_format": "@"})
        rows = book.add_worksheet("Inscritos")
        # As text, so that a spreadsheet keeps the zeros that a code starts with.
        rows.set_column(0, len(COLUMNS) - 1, 18, as_text)
        rows.write_row(0, 0, list(COLUMNS), bold)
        rows.freeze_panes(1, 0)
        meaning = book.add_worksheet("Ayuda")
        meaning.set_column(0, 0, 18)
        meaning.set_column(1, 1, 80)
        for line, (name, sentence) in enumerate(COLUMNS.items()):
            meaning.write_row(line, 0, [name, sentence])
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename="plantilla-inscritos.xlsx")


def _page(request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    return TemplateResponse(request, name, {**admin.site.each_context(request), **context})
