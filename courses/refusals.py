"""What the database refuses, said in words on the admin's pages instead of an error 500."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import IntegrityError
from django.db.models import PROTECT, ProtectedError, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from courses.long_lists import bounded_count
from courses.scope import ScopedAdmin

CHANGED_MEANWHILE = (
    "Alguien cambió datos relacionados mientras usted guardaba. Revise la ficha y guarde de nuevo."
)


class RefusableForm(forms.ModelForm):
    """A form that also shows what the database said after every check had passed."""

    refusal = ""

    def full_clean(self) -> None:
        super().full_clean()
        # What made the database refuse has been committed: usually a check now finds it itself.
        if self.refusal and not self.errors:
            self.add_error(None, self.refusal)


class RefusalsAdmin(admin.ModelAdmin):
    """A ModelAdmin whose saves and deletions come back in words when the database refuses them.

    Rows are deleted one by one, and only where nothing hangs on them; `delete_remedy` says what to
    do otherwise.
    """

    form = RefusableForm
    delete_remedy = ""

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.refusal = getattr(request, "refusal", "")
        return form

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Leave out the cross that deletes, say, the course from the form of its action."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field and hasattr(field.widget, "can_delete_related"):
            field.widget.can_delete_related = False
        return field

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except IntegrityError:
            request.refusal = CHANGED_MEANWHILE  # type: ignore[attr-defined]
            return super().changeform_view(request, *args, **kwargs)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict | None = None
    ) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)
        except (ProtectedError, IntegrityError):
            self.message_user(request, CHANGED_MEANWHILE, messages.ERROR)
            name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
            return HttpResponseRedirect(reverse(name, args=[object_id]))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple:
        """Count what hangs on the rows instead of listing it: it may be a hundred thousand rows."""
        protected = self.dependants(objs, request)
        if protected:
            return [], {}, set(), [*protected, *filter(None, [self.delete_remedy])]
        return super().get_deleted_objects(objs, request)

    def dependants(self, objs: Any, request: HttpRequest) -> list[str]:
        """Say how many rows of each kind, of those that the user sees, keep these from going."""
        found = []
        for relation in objs[0]._meta.related_objects:
            if relation.on_delete is PROTECT:
                rows = relation.related_model._base_manager.filter(
                    **{f"{relation.field.name}__in": objs}
                )
                found += self._counted(rows, request)
        return found

    def _counted(self, rows: QuerySet, request: HttpRequest) -> list[str]:
        meta, related = rows.model._meta, self.admin_site._registry.get(rows.model)
        seen = related.scoped(rows, request) if isinstance(related, ScopedAdmin) else rows
        count = bounded_count(seen)
        if count:
            return [f"{count} {meta.verbose_name if count == 1 else meta.verbose_name_plural}"]
        return [f"{meta.verbose_name_plural} de otro OTEC"] if rows.exists() else []

    def get_actions(self, request: HttpRequest) -> dict:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions
