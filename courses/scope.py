"""Which OTECs a member of staff works for, and lists that show only theirs."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from courses.models import StaffScope


def otec_ids(user: Any) -> frozenset[int] | None:
    """Return the ids of the OTECs that the user is limited to; None where it is all of them.

    Asked of the database once for each user object, that is, once a request.
    """
    if not hasattr(user, "_otec_ids"):
        ids = frozenset(
            StaffScope.objects.filter(user_id=user.pk, otecs__isnull=False).values_list(
                "otecs", flat=True
            )
        )
        user._otec_ids = ids or None
    return user._otec_ids


def within_scope(queryset: QuerySet, user: Any, path: str) -> QuerySet:
    """Return the rows of the user's OTECs; `path` leads from the model to the OTEC's id."""
    ids = otec_ids(user)
    return queryset if ids is None else queryset.filter(**{f"{path}__in": ids})


class ScopedAdmin(admin.ModelAdmin):
    """A ModelAdmin that shows, searches and accepts only what belongs to the user's OTECs.

    `otec_path` leads from the model to the OTEC, as in a filter.
    """

    otec_path = ""

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return self.scoped(super().get_queryset(request), request)

    def scoped(self, queryset: QuerySet, request: HttpRequest) -> QuerySet:
        """Return the rows that the user may see. For models that no single path leads from."""
        return within_scope(queryset, request.user, self.otec_path)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs |= self._choices(db_field, request)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs |= self._choices(db_field, request)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def _choices(self, db_field: Any, request: HttpRequest) -> dict[str, QuerySet]:
        """Limit what the field accepts to what the user sees in the related model's own list."""
        related = self.admin_site._registry.get(db_field.remote_field.model)
        return (
            {"queryset": related.get_queryset(request)} if isinstance(related, ScopedAdmin) else {}
        )


class OtecFilter(admin.RelatedFieldListFilter):
    """A filter by OTEC that names only the user's."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        ids = otec_ids(request.user)
        choices = super().field_choices(field, request, model_admin)
        return choices if ids is None else [choice for choice in choices if choice[0] in ids]
