"""What the student would see of a row that staff are editing, drawn with the student's own parts.

Nothing is saved: the form's row, or the saved one, takes its place in a copy of the catalogue.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_http_methods

from errors_catalog import catalogue
from errors_catalog.catalogue import Snapshot
from errors_catalog.models import ContactDetails, HelpLink, HelpSection, HelpText, SenceError

# What the screens put in the placeholders that the catalogue doesn't know.
SAMPLES: dict[str, object] = {
    "curso": "APLICACION DE EXCEL PARA PLANILLAS DE CALCULO, INTERMEDIO",
    "inicio": "02-03-2026",
    "termino": "31-03-2026",
    "minutos": 10,
    "codigo": "999",
}
# How each text stands on its screen; the others are a notice of their own.
PARAGRAPH = "mb-0"
STYLES = {
    **dict.fromkeys(["opened", "closed"], "message message-success"),
    **dict.fromkeys(
        ["no_courses", "answer_flagged", "not_ready", "offline", "sence_failing"],
        "message message-warning",
    ),
    **dict.fromkeys(
        ["close_explanation", "no_close_needed", "no_courses_help", "not_found", "server_error"],
        PARAGRAPH,
    ),
    **dict.fromkeys(["start_explanation", "unavailable"], PARAGRAPH),
    "limit_reminder": "reminder",
    "one_connection": "small-print",
}
NOTICE = "message message-info"
TONES = {"limit_near": "near", "limit_passed": "past"}
TITLES = ("open_error", "close_error")
# The code that stands for any that the catalogue lacks, and for none at all.
UNKNOWN = {"unknown_error": "999", "no_code": ""}


class SampleTexts:
    """The named texts of a snapshot with something in every placeholder, for templates."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot

    def __getitem__(self, key: str) -> str:
        return self.snapshot.text(key, **SAMPLES)


def of_error(row: SenceError) -> tuple[Snapshot, dict[str, Any]]:
    """Return the catalogue with this error in it, and what its screen shows."""
    snapshot = catalogue.current()
    if row.description and row.solution:
        errors = snapshot.errors | {row.code: catalogue.error_text(row)}
        snapshot = replace(snapshot, errors=errors)
    return snapshot, {"explanations": snapshot.explain([row.code]), "title_key": "open_error"}


def of_text(row: HelpText) -> tuple[Snapshot, dict[str, Any]]:
    """Return the catalogue with this text in it, and how its screen shows it."""
    snapshot = catalogue.current()
    snapshot = replace(snapshot, texts=snapshot.texts | {row.key: row.text})
    kind = row.key.removesuffix("_description").removesuffix("_solution")
    if row.key in TITLES or kind in UNKNOWN:
        code = UNKNOWN.get(kind, "311")
        title = row.key if row.key in TITLES else "open_error"
        return snapshot, {"explanations": snapshot.explain([code]), "title_key": title}
    return snapshot, {
        "text": snapshot.text(row.key, **SAMPLES),
        "style": STYLES.get(row.key, NOTICE),
        "tone": TONES.get(row.key),
    }


def of_section(row: HelpSection, links: Iterable[HelpLink]) -> tuple[Snapshot, dict[str, Any]]:
    """Return the catalogue with this section in its place, and the pages that show it."""
    links = sorted(links, key=_in_order)
    others = HelpSection.objects.exclude(pk=row.pk).prefetch_related("links")
    with_links = [(row, links), *((other, list(other.links.all())) for other in others)]
    sections = [
        catalogue.section_of(section, its_links)
        for section, its_links in sorted(with_links, key=lambda pair: _in_order(pair[0]))
    ]
    return replace(catalogue.current(), sections=sections), {"shows_sections": True}


def _in_order(row: HelpSection | HelpLink) -> tuple[int, float]:
    return row.position, row.pk or float("inf")


def of_contact(row: ContactDetails) -> tuple[Snapshot, dict[str, Any]]:
    """Return the catalogue with these details in every text, and a text that names them."""
    snapshot = replace(catalogue.current(), contact=catalogue.contact_of(row))
    return snapshot, {"text": snapshot.text("server_error"), "style": PARAGRAPH}


class PreviewAdmin(admin.ModelAdmin):
    """A ModelAdmin whose form is shown as the student would read it, before it is saved.

    Who may change a row sees it as the form has it (POST); who may see it, as it is kept (GET).
    """

    change_form_template = "admin/errors_catalog/previewed_form.html"

    def get_urls(self) -> list:
        view, name = self.admin_site.admin_view(self.preview_view), self.opts.model_name
        return [
            path("preview/", view, name=f"errors_catalog_{name}_preview_new"),
            path("<int:object_id>/preview/", view, name=f"errors_catalog_{name}_preview"),
            *super().get_urls(),
        ]

    def draw(self, row: Any, related: list[Any]) -> tuple[Snapshot, dict[str, Any]]:
        """Return the catalogue with the row in it, and what draws it; `related` are the rows of
        its inlines."""
        raise NotImplementedError

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    def preview_view(self, request: HttpRequest, object_id: int | None = None) -> HttpResponse:
        row = self._row(request, object_id)
        context: dict[str, Any] = {"is_saved": request.method != "POST"}
        if request.method == "POST":
            form = self.get_form(request, row, change=row is not None)(request.POST, instance=row)
            form.is_valid()
            row = form.instance
            formsets, _ = self._create_formsets(request, row, change=object_id is not None)  # type: ignore[attr-defined]
            problems = [found for part in (form, *formsets) for found in _problems(part)]
            if problems:
                context["problems"] = problems
                return TemplateResponse(request, "errors_catalog/preview.html", context)
            related = [kept for formset in formsets for kept in _kept(formset)]
        else:
            related = [found for name in self._inlined() for found in getattr(row, name).all()]
        snapshot, drawing = self.draw(row, related)
        context |= drawing | {
            "row": row,
            # What is drawn of it once is drawn of this one, which nobody else gets.
            "catalogue": snapshot,
            "contact": snapshot.contact,
            "texts": SampleTexts(snapshot),
            "help_before_rut": snapshot.help_sections(after_rut=False),
            "help_after_rut": snapshot.help_sections(after_rut=True),
        }
        if "title_key" in drawing:
            context["title_text"] = snapshot.text(drawing["title_key"])
        return TemplateResponse(request, "errors_catalog/preview.html", context)

    def _row(self, request: HttpRequest, object_id: int | None) -> Any:
        if object_id is None:
            if not self.has_add_permission(request):
                raise PermissionDenied
            if request.method != "POST":
                raise Http404
            return None
        row = self.get_object(request, str(object_id))
        allowed = (
            self.has_change_permission if request.method == "POST" else self.has_view_permission
        )
        if not allowed(request, row):
            raise PermissionDenied
        if row is None:
            raise Http404
        return row

    def _inlined(self) -> list[str]:
        return [
            str(relation.get_accessor_name())
            for inline in self.inlines
            for relation in self.opts.related_objects
            if relation.related_model is inline.model
        ]


def _problems(form: Any) -> list[str]:
    """Return the sentences of what is wrong in a form, or in the forms of a formset."""
    if hasattr(form, "forms"):
        inner = [found for part in form.forms for found in _problems(part)]
        return [*form.non_form_errors(), *inner] if not form.is_valid() else []
    return [
        f"{form.fields[name].label}: {sentence}" if name in form.fields else sentence
        for name, sentences in form.errors.items()
        for sentence in sentences
    ]


def _kept(formset: Any) -> list[Any]:
    return [
        form.instance
        for form in formset.forms
        if form not in formset.deleted_forms and (form.instance.pk or form.has_changed())
    ]
