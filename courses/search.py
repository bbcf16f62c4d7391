"""How coordinators look for people and courses: by RUT however typed, by words without accents."""

import unicodedata
from functools import reduce
from operator import and_, or_

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import CharField, Q, QuerySet, Transform
from django.http import HttpRequest

from courses.rut import normalise


@CharField.register_lookup
class Plain(Transform):
    """Lower case without Spanish accents, whatever the locale of the database."""

    lookup_name = "plain"
    template = "lower(translate(%(expressions)s, 'ÁÉÍÓÚÜÑáéíóúüñ', 'AEIOUUNaeiouun'))"


def plain(text: str) -> str:
    """Return `text` as the lookup `plain` sees a column."""
    decomposed = unicodedata.normalize("NFKD", text.replace("\x00", ""))
    return "".join(c for c in decomposed if not unicodedata.combining(c)).lower()


def canonical_rut(typed: str) -> str:
    """Return the canonical RUT, or an empty text where it is none."""
    try:
        return normalise(typed)
    except ValidationError:
        return ""


class PlainSearchAdmin(admin.ModelAdmin):
    """A ModelAdmin whose search finds every word in any of `search_fields`, or a RUT.

    `search_fields` are texts, without a lookup; `rut_field` is the one that holds the RUT.
    """

    rut_field = ""
    show_full_result_count = False  # a count of every row, for nothing that helps the search

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        rut = canonical_rut(search_term) if self.rut_field else ""
        if rut:
            # Exact, so that the index answers. Some action codes look like a RUT: then go on.
            exact = queryset.filter(**{self.rut_field: rut})
            if exact.exists():
                return exact, False
        words = [self._with_word(word) for word in plain(search_term).split()]
        return queryset.filter(reduce(and_, words, Q())), False

    def _with_word(self, word: str) -> Q:
        found = [Q(**{f"{field}__plain__contains": word}) for field in self.search_fields]
        if self.rut_field:
            found.append(Q(**{self.rut_field: canonical_rut(word)}))
            found.append(Q(**{f"{self.rut_field}__startswith": word.replace(".", "") or "-"}))
        return reduce(or_, found)
