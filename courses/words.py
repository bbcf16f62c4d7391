"""Words as people type them, found by an index: accents and case aside, each by how it begins.

The SQL function `search_words` (made by a migration of this app) parts a text into words as
`parted` does; PostgreSQL alone is enough for it, without extensions.
"""

import re
import string
import unicodedata

from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import ValidationError
from django.db.models import BooleanField, F, Func, Q, QuerySet, TextField, Value

from courses.rut import normalise

SEPARATORS = "-.,@_+'/()"
CAPITALS = string.ascii_uppercase + "ÆÐØÞĐĦŁŊŒŦ"
"""Those of Latin names that are not another letter with a mark. Databases differ in what they take
for the capitals of other scripts: those stay as they are."""
MARKS = re.compile("[\u0300-\u036f]")
AS_KEPT = str.maketrans(CAPITALS + SEPARATORS, CAPITALS.lower() + " " * len(SEPARATORS))
LONGEST = 254
"""No word that is kept is longer: an address of mail."""


class Words(Func):
    """The words of some columns as an index holds them."""

    function = "search_words"
    arg_joiner = " || ' ' || "
    output_field = TextField()


class _Begin(Func):
    """Whether the words, of the first expression, match a query, the second one."""

    template = "(%(expressions)s::tsquery)"
    arg_joiner = " @@ "
    output_field = BooleanField()


class _IsOneOf(Func):
    """Whether a value, the first expression, is in an array, which is made before it is asked."""

    template = "(%(expressions)s))"
    arg_joiner = " = ANY("
    output_field = BooleanField()


def parted(typed: str) -> list[str]:
    """Return the words of a text, without accents or capitals."""
    plain = unicodedata.normalize("NFKD", typed.replace("\x00", ""))
    return MARKS.sub("", plain).translate(AS_KEPT).split()


def canonical_rut(typed: str) -> str:
    """Return the canonical RUT, or an empty text where it is none."""
    try:
        return normalise(typed)
    except ValidationError:
        return ""


def have_words(typed: str, *columns: str) -> Q:
    """Return the condition that each word typed begins one of the columns'; a RUT, as one types it.

    Typed without a letter or a digit, nothing has it.
    """
    words = [_query(word) for word in typed.split()]
    query = " & ".join(word for word in words if word)
    return Q(_Begin(Words(*columns), Value(query))) if query else Q(pk__in=[])


def found_by_words(students: QuerySet, typed: str, *columns: str) -> Q:
    """Return `have_words` as a condition on the key, which the index of words always answers first.

    PostgreSQL takes a word that is rare for one that two rows in a hundred have, and so may read
    every row in the order that the page wants, parting each into words.
    """
    found = students.order_by().filter(have_words(typed, *columns))
    return Q(_IsOneOf(F("pk"), ArraySubquery(found.values("pk"))))


def _query(word: str) -> str:
    # A RUT is kept without dots, and with a hyphen that not everybody types.
    forms = [word, canonical_rut(word), word.replace(".", "") if word[:1].isdigit() else ""]
    found = dict.fromkeys(_beginnings(parted(form)) for form in forms)
    return " | ".join(form for form in found if form).join("()") if any(found) else ""


def _beginnings(words: list[str]) -> str:
    quoted = (word[:LONGEST].replace("\\", "\\\\") for word in words)
    return " & ".join(f"'{word}':*" for word in quoted).join("()") if words else ""
