"""Where staff edit what students read."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.html import format_html
from django.utils.text import Truncator

from errors_catalog import defaults, models, preview
from errors_catalog.catalogue import Snapshot
from errors_catalog.exchange import ExchangeAdmin
from errors_catalog.forms import (
    ContactDetailsForm,
    HelpSectionForm,
    HelpTextForm,
    SenceErrorForm,
    allowed_in,
)
from errors_catalog.history import HiddenAdmin, RecordedAdmin, recorded
from errors_catalog.placeholders import OF_ERRORS, listed
from errors_catalog.preview import PreviewAdmin

MAY_USE = f"Los textos pueden usar {listed(OF_ERRORS)}."
DRAFT = (
    "Sence ya envió este código y nadie ha escrito sus textos: los alumnos leen el general. Al "
    "guardarlo con los suyos, los leen de inmediato."
)
SHIPPED = "Los códigos que Sence da en su manual se quedan: de ellos se pueden cambiar los textos."
STYLE = {"all": ["errors_catalog/admin.css"]}


def with_key(readonly: Iterable[str], key: str) -> list[str]:
    """Return the fields that are only shown, once the row exists its key among them."""
    return list(dict.fromkeys([*readonly, key] if key else readonly))


def titled(title: str) -> type[admin.BooleanFieldListFilter]:
    """Return a filter by yes or no under a title that reads after «Por»."""

    class Titled(admin.BooleanFieldListFilter):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.title = title

    return Titled


@admin.register(models.SenceError)
class SenceErrorAdmin(ExchangeAdmin, PreviewAdmin, RecordedAdmin):
    form = SenceErrorForm
    list_display = ["code_shown", "description", "solution_begins", "responsible", "alerts_shown"]
    list_filter = [
        ("is_draft", titled("textos pendientes")),
        "responsible",
        ("alerts_staff", titled("aviso a coordinación")),
    ]
    search_fields = ["code", "description", "solution"]
    ordering = ["-is_draft", "code"]
    fields = ["code", "description", "solution", "responsible", "alerts_staff"]

    class Media:
        css = STYLE

    @admin.display(description="código", ordering="code")
    def code_shown(self, error: models.SenceError) -> str:
        if not error.is_draft:
            return error.code
        return format_html('{} <strong class="catalogue-draft">Por escribir</strong>', error.code)

    @admin.display(description="solución", ordering="solution")
    def solution_begins(self, error: models.SenceError) -> str:
        return Truncator(error.solution).chars(80)

    @admin.display(description="avisa a coordinación", ordering="alerts_staff")
    def alerts_shown(self, error: models.SenceError) -> str:
        # Words: a red cross says that something is wrong, and nothing is.
        return "Sí, avisa" if error.alerts_staff else "No avisa"

    def get_fieldsets(self, request: HttpRequest, obj: models.SenceError | None = None) -> Any:
        said = f"{DRAFT} {MAY_USE}" if obj and obj.is_draft else MAY_USE
        return [(None, {"fields": self.fields, "description": said})]

    def get_readonly_fields(
        self, request: HttpRequest, obj: models.SenceError | None = None
    ) -> Any:
        return with_key(super().get_readonly_fields(request, obj), "code" if obj else "")

    def has_delete_permission(
        self, request: HttpRequest, obj: models.SenceError | None = None
    ) -> bool:
        # SENCE may send any of the codes that we ship: students would read our text all the same.
        if obj and obj.code in defaults.ERRORS:
            return False
        return super().has_delete_permission(request, obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple:
        """Name the codes that we ship among the chosen ones: the list lets one choose them."""
        shipped = [str(error) for error in objs if error.code in defaults.ERRORS]
        if shipped:
            return [], {}, set(), [*shipped, SHIPPED]
        return super().get_deleted_objects(objs, request)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        # The form asks for both texts.
        obj.is_draft = False
        super().save_model(request, obj, form, change)

    def draw(self, row: models.SenceError, related: list[Any]) -> tuple[Snapshot, dict[str, Any]]:
        return preview.of_error(row)


class HelpLinkInline(admin.StackedInline):
    model = models.HelpLink
    fields = ["label", "url", ("position", "is_visible")]
    extra = 0


@admin.register(models.HelpSection)
class HelpSectionAdmin(PreviewAdmin, RecordedAdmin):
    form = HelpSectionForm
    inlines = [HelpLinkInline]
    list_display = ["title", "pages", "position", "link_count"]
    list_filter = [
        ("before_rut", titled("aparición en la página del RUT")),
        ("after_rut", titled("aparición en las páginas que siguen")),
    ]
    search_fields = ["title", "key", "links__label", "links__url"]
    fields = ["title", "key", "position", "before_rut", "after_rut"]

    class Media:
        css = STYLE

    def get_queryset(self, request: HttpRequest) -> QuerySet[models.HelpSection]:
        return super().get_queryset(request).annotate(link_count=Count("links"))

    @admin.display(description="dónde aparece")
    def pages(self, section: models.HelpSection) -> str:
        shown = {"página del RUT": section.before_rut, "páginas que siguen": section.after_rut}
        return ", ".join(page for page, is_shown in shown.items() if is_shown) or "en ninguna"

    @admin.display(description="enlaces")
    def link_count(self, section: models.HelpSection) -> int:
        return section.link_count  # type: ignore[attr-defined]

    # The key is how a later version knows that a section of ours is already here.
    def get_readonly_fields(
        self, request: HttpRequest, obj: models.HelpSection | None = None
    ) -> Any:
        return with_key(super().get_readonly_fields(request, obj), "key" if obj else "")

    def get_prepopulated_fields(
        self, request: HttpRequest, obj: models.HelpSection | None = None
    ) -> dict:
        return {} if obj else {"key": ["title"]}

    def draw(self, row: models.HelpSection, related: list[Any]) -> tuple[Snapshot, dict[str, Any]]:
        return preview.of_section(row, related)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        links = models.HelpLink.history.filter(section_id=object_id)
        context = {"link_records": recorded(models.HelpLink, links), **(extra_context or {})}
        return super().history_view(request, object_id, context)


@admin.register(models.HelpLink)
class HelpLinkAdmin(HiddenAdmin, RecordedAdmin):
    """A link by itself: edited within its section, here only to go back to how it was."""

    list_display = ["label", "section", "url", "position", "is_visible"]
    list_select_related = ["section"]
    fields = ["section", "label", "url", "position", "is_visible"]

    class Media:
        css = STYLE

    def response_post_save_change(self, request: HttpRequest, obj: Any) -> HttpResponseRedirect:
        return redirect("admin:errors_catalog_helpsection_change", obj.section_id)


@admin.register(models.HelpText)
class HelpTextAdmin(PreviewAdmin, RecordedAdmin):
    form = HelpTextForm
    list_display = ["where", "text", "key"]
    search_fields = ["key", "where", "text"]
    ordering = ["where"]
    fields = ["where", "key", "text", "placeholders"]
    readonly_fields = ["where", "key", "placeholders"]

    class Media:
        css = STYLE

    @admin.display(description="puede usar")
    def placeholders(self, row: models.HelpText) -> str:
        return listed(allowed_in(row))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: models.HelpText | None = None
    ) -> bool:
        return False

    def draw(self, row: models.HelpText, related: list[Any]) -> tuple[Snapshot, dict[str, Any]]:
        return preview.of_text(row)


@admin.register(models.ContactDetails)
class ContactDetailsAdmin(PreviewAdmin, RecordedAdmin):
    form = ContactDetailsForm
    list_display = ["email", "phones", "alert_emails"]
    fields = ["email", "phones", "alert_emails"]

    class Media:
        css = STYLE

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: models.ContactDetails | None = None
    ) -> bool:
        return False

    def draw(
        self, row: models.ContactDetails, related: list[Any]
    ) -> tuple[Snapshot, dict[str, Any]]:
        return preview.of_contact(row)
