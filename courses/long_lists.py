"""Lists that cost the same however much there is: they count and page no further than a bound."""

from functools import cached_property
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from usecap_sence.addresses import address_of

MOST_COUNTED = 5_000
"""A hundred pages: nobody reads so far, and each number of the desk counts them anew."""


class MoreThan(int):
    """A count that stopped: everywhere it is written it says that there is more."""

    is_cut = True

    def __str__(self) -> str:
        return f"más de {number_format(int(self), force_grouping=True)}"


def counted(found: int) -> int:
    """Return what was found of at most MOST_COUNTED + 1 as the count to show."""
    return MoreThan(MOST_COUNTED) if found > MOST_COUNTED else found


def bounded_count(queryset: QuerySet) -> int:
    return counted(queryset.order_by()[: MOST_COUNTED + 1].count())


class BoundedPaginator(Paginator):
    """Counts no further than MOST_COUNTED, and has no page past it."""

    @cached_property
    def count(self) -> int:
        queryset: Any = self.object_list
        return bounded_count(queryset)


class LongList(ChangeList):
    """Finds the address of its rows' pages once."""

    def url_for_result(self, result: Model) -> str:
        return address_of(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", result.pk)


class LongListAdmin(admin.ModelAdmin):
    """A ModelAdmin whose list never counts every row, in order to help a search or otherwise."""

    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    # Of what a list takes most is its rows'.
    list_per_page = 50

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return LongList

    def action_checkbox(self, obj: Model) -> SafeString:
        """Django's, which draws it by three templates: of a row with six columns half the time."""
        label = gettext("Select this object for an action - {}")
        return format_html(
            '<input type="checkbox" name="{}" value="{}" class="action-select" aria-label="{}">',
            ACTION_CHECKBOX_NAME,
            str(obj.pk),
            format_html(label, str(obj)),
        )

    def are_too_many(self, request: HttpRequest, chosen: QuerySet) -> bool:
        """Whether an action would be at it for too long, which is said then."""
        too_many = isinstance(bounded_count(chosen), MoreThan)
        if too_many:
            most = number_format(MOST_COUNTED, force_grouping=True)
            text = f"Se cambian hasta {most} a la vez y eligió más: acote la lista. No cambió nada."
            self.message_user(request, text, messages.WARNING)
        return too_many
