"""The catalogue of errors as a spreadsheet: out to be worked on, in again after a look at it.

A file changes what its rows name and adds what is new. It deletes nothing, and saves nothing while
a row of it is wrong.
"""

import base64
import logging
from typing import Any

from django import forms
from django.contrib import messages
from django.core import signing
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from import_export import fields, resources, widgets
from import_export.admin import ImportExportMixin
from import_export.forms import ConfirmImportForm, ExportForm, ImportForm
from import_export.instance_loaders import CachedInstanceLoader
from import_export.results import Result, RowResult
from import_export.tmp_storages import BaseStorage

from errors_catalog.changes import in_words, marked
from errors_catalog.models import Responsible, SenceError
from errors_catalog.tables import MAX_BYTES, REMEDY, TOO_LARGE, Csv, Table, TableError, Xlsx, plain

logger = logging.getLogger(__name__)

SALT = "errors_catalog.exchange"
CONFIRM_SECONDS = 3600
REASON_LENGTH = 100
YES, NO = ("si", "s", "1", "verdadero", "x"), ("no", "n", "0", "falso")


class ResponsibleWidget(widgets.Widget):
    """Who must act, by the words that staff see of it or by its name in the database."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        known = {
            plain(word): value for value, label in Responsible.choices for word in (value, label)
        }
        if value and plain(value) not in known:
            raise ValueError(f"«{value}» no está entre: {'; '.join(Responsible.labels)}.")
        return known.get(plain(value), "")

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return str(dict(Responsible.choices).get(value, value or ""))


class YesNoWidget(widgets.Widget):
    """Sí or no."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> bool:
        if plain(value) not in (*YES, *NO):
            raise ValueError(f"«{value}» no es sí ni no. Escriba sí o no.")
        return plain(value) in YES

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return "sí" if value else "no"


class SenceErrorResource(resources.ModelResource):
    """An error a row, known by its code."""

    code = fields.Field("code", "codigo")
    description = fields.Field("description", "descripcion")
    solution = fields.Field("solution", "solucion")
    responsible = fields.Field("responsible", "quien_debe_actuar", ResponsibleWidget())
    alerts_staff = fields.Field("alerts_staff", "avisa_a_coordinacion", YesNoWidget())

    class Meta:
        model = SenceError
        fields = ("code", "description", "solution", "responsible", "alerts_staff")
        import_id_fields = ("code",)
        instance_loader_class = CachedInstanceLoader
        clean_model_instances = True
        skip_unchanged = True
        skip_html_diff = True
        store_instance = True

    def before_import(self, dataset: Any, **kwargs: Any) -> None:
        self.lines: dict[str, int] = {}

    def before_import_row(self, row: Any, row_number: int | None = None, **kwargs: Any) -> None:
        code, line = row["codigo"], (row_number or 0) + 1
        if code and self.lines.setdefault(code, line) != line:
            raise ValidationError(
                {"code": f"El código {code} ya está en la línea {self.lines[code]}. Deje una."}
            )

    def skip_row(self, instance: Any, original: Any, row: Any, *args: Any, **kwargs: Any) -> bool:
        return not any(row.values()) or super().skip_row(instance, original, row, *args, **kwargs)

    def before_save_instance(self, instance: Any, row: Any, **kwargs: Any) -> None:
        instance.is_draft = False
        instance._change_reason = f"Importado de {kwargs.get('file_name')}"[:REASON_LENGTH]


COLUMNS = tuple(field.column_name for field in SenceErrorResource().get_import_fields())


class CatalogueTable(Table):
    columns = COLUMNS


class InTheForm(BaseStorage):
    """Keeps the uploaded file in the page that asks to confirm it, signed: no file is left behind,
    nobody confirms another's, and any process of the server can go on with it."""

    def save(self, data: bytes) -> None:
        self.name = signing.dumps(base64.b64encode(data).decode(), salt=SALT, compress=True)

    def read(self) -> bytes:
        kept = signing.loads(self.name, salt=SALT, max_age=CONFIRM_SECONDS)
        return base64.b64decode(kept)

    def remove(self) -> None:
        """Nothing was left anywhere."""


class UploadForm(ImportForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["format"].widget = forms.HiddenInput()
        self.fields["import_file"].label = "Archivo"
        self.fields["import_file"].help_text = "Un Excel (.xlsx) o un CSV con esas columnas."

    @property
    def media(self) -> forms.Media:
        return forms.Media()

    def clean_import_file(self) -> Any:
        """Refuse what is too large before it is kept or read."""
        upload = self.cleaned_data["import_file"]
        if upload.size > MAX_BYTES:
            raise ValidationError(TOO_LARGE)
        return upload


class ConfirmForm(ConfirmImportForm):
    format = forms.ChoiceField(choices=[("0", "")], widget=forms.HiddenInput)
    resource = forms.ChoiceField(
        choices=[("", ""), ("0", "")], widget=forms.HiddenInput, required=False
    )

    def clean_import_file_name(self) -> str:
        name = self.cleaned_data["import_file_name"]
        try:
            InTheForm(name=name).read()
        except signing.BadSignature as error:
            raise ValidationError("La vista previa venció. Suba el archivo otra vez.") from error
        return name


class DownloadForm(ExportForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        formats = self.fields["format"]
        formats.choices = [choice for choice in formats.choices if choice[0]]
        formats.widget = forms.RadioSelect(choices=formats.choices)
        formats.initial = "0"


class ExchangeAdmin(ImportExportMixin):
    """A ModelAdmin whose rows are exported by who may see them and imported by who may change and
    add them."""

    resource_classes = [SenceErrorResource]
    tmp_storage_class = InTheForm
    import_form_class = UploadForm
    confirm_form_class = ConfirmForm
    export_form_class = DownloadForm
    import_export_change_list_template = "admin/errors_catalog/change_list.html"
    import_template_name = "admin/errors_catalog/import.html"
    export_template_name = "admin/errors_catalog/export.html"
    # Each row's history says it, with the file's name.
    skip_admin_log = True

    def has_import_permission(self, request: HttpRequest) -> bool:
        return self.has_change_permission(request) and self.has_add_permission(request)

    def has_export_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_import_formats(self) -> list:
        return [CatalogueTable]

    def get_export_formats(self) -> list:
        return [Xlsx, Csv]

    def get_export_filename(self, request: HttpRequest, queryset: Any, file_format: Any) -> str:
        return f"errores-sence-{timezone.localdate():%Y-%m-%d}.{file_format.get_extension()}"

    def get_import_data_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_import_data_kwargs(**kwargs) | {"rollback_on_validation_errors": True}

    def add_data_read_fail_error_to_form(self, form: forms.Form, e: Exception) -> None:
        if not isinstance(e, TableError):
            logger.error("Un archivo del catálogo no se pudo leer.", exc_info=e)
        said = str(e) if isinstance(e, TableError) else f"El archivo no se puede leer. {REMEDY}"
        form.add_error("import_file", said)

    def import_action(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        response = super().import_action(request, **kwargs)
        context = response.context_data
        context |= {"title": f"Importar: {self.opts.verbose_name_plural}", "columns": COLUMNS}
        if result := context.get("result"):
            context |= {"problems": problems(result), "rows": new_and_changed(result)}
            context["unchanged"] = result.totals[RowResult.IMPORT_TYPE_SKIP]
        return response

    def export_action(self, request: HttpRequest) -> HttpResponse:
        response = super().export_action(request)
        if hasattr(response, "context_data"):
            response.context_data["title"] = f"Exportar: {self.opts.verbose_name_plural}"
        return response

    def process_import(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if request.method == "POST" and self.has_import_permission(request):
            form = self.create_confirm_form(request)
            if not form.is_valid():
                messages.error(request, "La vista previa venció. Suba el archivo otra vez.")
                return self._back_to_upload()
        return super().process_import(request, **kwargs)

    def process_result(self, result: Result, request: HttpRequest) -> HttpResponse:
        if result.has_errors() or result.has_validation_errors():
            messages.error(
                request,
                "No se guardó nada: el catálogo cambió después de la vista previa. "
                "Suba el archivo otra vez.",
            )
            return self._back_to_upload()
        return super().process_result(result, request)

    def _back_to_upload(self) -> HttpResponse:
        return redirect("admin:errors_catalog_{1}_import".format(*self.get_model_info()))

    def add_success_message(self, result: Result, request: HttpRequest) -> None:
        new, changed, unchanged = (
            result.totals[kind]
            for kind in (
                RowResult.IMPORT_TYPE_NEW,
                RowResult.IMPORT_TYPE_UPDATE,
                RowResult.IMPORT_TYPE_SKIP,
            )
        )
        messages.success(
            request,
            f"Catálogo importado: {new} nuevos, {changed} cambiados, {unchanged} sin cambios.",
        )


def new_and_changed(result: Result) -> list[dict[str, Any]]:
    """Return the rows that would be saved, with each column that would change, marked."""
    shown = []
    for row in result.valid_rows():
        if row.is_new() or row.is_update():
            changes = _changes(row.original or SenceError(), row.instance)
            shown.append({"is_new": row.is_new(), "code": row.instance.code, "changes": changes})
    return shown


def _changes(old: SenceError, new: SenceError) -> list[tuple[str, str]]:
    changed = []
    for name, field in SenceErrorResource().fields.items():
        before, after = getattr(old, name), getattr(new, name)
        if name != "code" and before != after:
            column: Any = SenceError._meta.get_field(name)
            said = "" if before is None else in_words(column, before)
            changed.append((field.column_name, marked(said, in_words(column, after))))
    return changed


def problems(result: Result) -> list[dict[str, Any]]:
    """Return what is wrong, in the order of the file: line, column, what it says, what to do."""
    found = [
        {
            "line": row.number + 1,
            "column": column_of(name),
            "value": dict(zip(COLUMNS, row.values, strict=True)).get(column_of(name), ""),
            "sentence": sentence,
        }
        for row in result.invalid_rows
        for name, sentences in row.error_dict.items()
        for sentence in sentences
    ]
    found += [
        {
            "line": row.number + 1,
            "column": "",
            "value": "",
            "sentence": "No se pudo guardar esta fila. Revise sus celdas.",
        }
        for row in result.error_rows
    ]
    return sorted(found, key=lambda problem: problem["line"])


def column_of(name: str) -> str:
    field = SenceErrorResource().fields.get(name)
    return field.column_name if field else ""
