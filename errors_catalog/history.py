"""Who changed what students read, when, and the way back: the pages of django-simple-history.

Its permissions are those of the row: who may change it may go back, who may see it may look.
"""

from collections.abc import Iterable
from itertools import groupby, pairwise
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.formats import date_format
from django.utils.timezone import localtime
from simple_history.admin import SimpleHistoryAdmin

from errors_catalog.changes import in_words, marked

SHOWN = 100
KINDS = {"+": "Creado", "~": "Cambiado", "-": "Eliminado"}


class RecordedAdmin(SimpleHistoryAdmin):
    """A ModelAdmin with the history of each row, its versions to go back to, and deleted rows.

    It wants `fields` or `fieldsets`: a version that may only be looked at shows just those.
    """

    object_history_template: Any = "admin/errors_catalog/history.html"
    object_history_form_template = "admin/errors_catalog/version.html"
    history_list_per_page = SHOWN

    def get_urls(self) -> list:
        name = f"errors_catalog_{self.opts.model_name}_deleted"
        view = self.admin_site.admin_view(self.deleted_view)
        return [path("deleted/", view, name=name), *super().get_urls()]

    def history_view_title(self, request: HttpRequest, obj: Any) -> str:
        return f"Historia: {obj}"

    def set_history_delta_changes(
        self, request: HttpRequest, historical_records: Any, foreign_keys_are_objs: bool = False
    ) -> None:
        describe(self.model, historical_records)

    def history_form_view_title(self, request: HttpRequest, obj: Any) -> str:
        return f"Versión anterior: {obj}"

    def history_form_view(
        self, request: HttpRequest, object_id: str, version_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """Show a version as a form; posted, it is saved as a change like any other."""
        if request.method == "POST" and not self.has_change_permission(request):
            # The library checks only that the version may be seen.
            raise PermissionDenied
        request.version = self._version(object_id, version_id)  # type: ignore[attr-defined]
        context = {"version": request.version, **(extra_context or {})}  # type: ignore[attr-defined]
        return super().history_form_view(request, object_id, version_id, context)

    def _version(self, object_id: str, version_id: str) -> Any:
        if not (object_id.isdecimal() and version_id.isdecimal()):
            raise Http404
        records = self.model.history.filter(pk=version_id, id=object_id)
        record = records.select_related("history_user").first()
        if record is None:
            raise Http404
        describe(self.model, [record])
        return record

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if hasattr(request, "version") and not self.has_change_permission(request):
            return flatten_fieldsets(self.fieldsets or [(None, {"fields": self.fields})])
        return super().get_readonly_fields(request, obj)

    def construct_change_message(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if version := getattr(request, "version", None):
            return way_back(version)
        return super().construct_change_message(request, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        version = getattr(request, "version", None)
        if version:
            obj._change_reason = way_back(version)
        elif change and not form.changed_data:
            return
        super().save_model(request, obj, form, change)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        context = {"keeps_deleted": self.has_delete_permission(request), **(extra_context or {})}
        return super().changelist_view(request, context)

    def deleted_view(self, request: HttpRequest) -> HttpResponse:
        """List the rows that were deleted, each with its last version to go back to."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        there = self.model._default_manager.values("pk")
        records = self.model.history.filter(history_type="-").exclude(id__in=there)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Eliminados: {self.opts.verbose_name_plural}",
            "opts": self.opts,
            "records": recorded(self.model, records),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/errors_catalog/deleted.html", context)


def way_back(version: Any) -> str:
    """Return why a row was saved when it went back to a version."""
    when = date_format(localtime(version.history_date), "d-m-Y H:i")
    return f"Vuelta a la versión del {when}"


def recorded(model: type[Model], records: QuerySet) -> list[Any]:
    """Return the latest of the records of any rows of the model, newest first, described."""
    found = list(records.select_related("history_user")[:SHOWN])
    by_row = sorted(found, key=lambda record: record.id)
    for _, versions in groupby(by_row, key=lambda record: record.id):
        describe(model, list(versions))
    return found


def describe(model: type[Model], versions: Iterable[Any]) -> None:
    """Give versions of one row, newest first, `kind`, `who`, `changes` and `address`."""
    versions = list(versions)
    for version in versions:
        user = version.history_user
        version.who = (user.get_full_name() or user.get_username()) if user else "El sistema"
        version.kind = KINDS[version.history_type]
        version.changes = []
        version.model_name = model._meta.model_name
    for newer, older in pairwise(versions):
        newer.changes = changes(model, newer, older)


def changes(model: type[Model], newer: Any, older: Any) -> list[tuple[str, str]]:
    """Return the name and the marked change of each field that differs between two versions."""
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    values = (
        (field, getattr(older, field.attname), getattr(newer, field.attname)) for field in fields
    )
    return [
        (str(field.verbose_name), marked(in_words(field, old), in_words(field, new)))
        for field, old, new in values
        if old != new
    ]


class HiddenAdmin(admin.ModelAdmin):
    """One that no index shows: its rows are reached from those that they belong to."""

    def get_model_perms(self, request: HttpRequest) -> dict[str, bool]:
        return {}
