"""Lists that cost the same however much there is: they count and page no further than a bound."""

from functools import cached_property
from typing import Any

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.formats import number_format

MOST_COUNTED = 10_000
"""Nobody reads so far; counting a million rows is slow."""


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


class LongListAdmin(admin.ModelAdmin):
    """A ModelAdmin whose list never counts every row, in order to help a search or otherwise."""

    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def are_too_many(self, request: HttpRequest, chosen: QuerySet) -> bool:
        """Whether an action would be at it for too long, which is said then."""
        too_many = isinstance(bounded_count(chosen), MoreThan)
        if too_many:
            most = number_format(MOST_COUNTED, force_grouping=True)
            text = f"Se cambian hasta {most} a la vez y eligió más: acote la lista. No cambió nada."
            self.message_user(request, text, messages.WARNING)
        return too_many
