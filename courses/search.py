"""How coordinators look for people and courses: by RUT however typed, by words without accents."""

import re
import unicodedata
from functools import reduce
from operator import and_, or_

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from courses.long_lists import LongListAdmin
from courses.words import canonical_rut

ACCENTED = {"a": "á", "e": "é", "i": "í", "n": "ñ", "o": "ó", "u": "úü"}


def pattern(word: str) -> str:
    """Return a regular expression that finds the word, accents and case aside.

    It names every letter's forms, so that it means the same whatever the locale of the database,
    and is several times faster than PostgreSQL's translate() on every row.
    """
    plain = unicodedata.normalize("NFKD", word.replace("\x00", "")).lower()
    return "".join(_forms(c) for c in plain if not unicodedata.combining(c))


def _forms(character: str) -> str:
    if not character.isalpha():
        return re.escape(character)
    forms = character + ACCENTED.get(character, "")
    return f"[{forms}{forms.upper()}]"


class PlainSearchAdmin(LongListAdmin):
    """A ModelAdmin whose search finds every word in any of `search_fields`, or a RUT.

    `search_fields` are texts, without a lookup; `rut_field` is the one that holds the RUT.
    """

    rut_field = ""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        if not search_term.strip():
            return queryset, False
        rut = canonical_rut(search_term) if self.rut_field else ""
        if rut:
            # Exact, so that the index answers. Some action codes look like a RUT: then go on.
            exact = queryset.filter(**{self.rut_field: rut})
            if exact.exists():
                return exact, False
        return queryset.filter(self.matching(search_term)), False

    def matching(self, typed: str) -> Q:
        """Return the condition that finds what was typed, where it is no RUT that there is."""
        return reduce(and_, map(self._with_word, typed.split()), Q())

    def _with_word(self, word: str) -> Q:
        found = [Q(**{f"{field}__regex": pattern(word)}) for field in self.search_fields]
        if self.rut_field:
            rut, digits = canonical_rut(word), word.replace(".", "").replace("\x00", "")
            found += [Q(**{self.rut_field: rut})] if rut else []
            found += [Q(**{f"{self.rut_field}__startswith": digits})] if digits else []
        return reduce(or_, found)
