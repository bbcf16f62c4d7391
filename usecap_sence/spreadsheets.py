"""Texts in files that people open in a spreadsheet."""

import re
from typing import Any

from django.db.models import Case, Q, TextField, Value, When
from django.db.models.functions import Concat
from django.db.models.lookups import Regex

BOM = "\ufeff"
"""What tells Excel that a CSV is UTF-8."""
FORMULA = re.compile(r"'*[=+\-@＝＋－＠\t\r\n]")
"""What a spreadsheet takes for a formula's beginning (OWASP, CSV Injection), perhaps harmless
already."""
NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")


def harmless(text: str) -> str:
    """Return the text with an apostrophe before it if a spreadsheet would take it for a formula.

    Numbers stay as they are, -1 as well.
    """
    return f"'{text}" if FORMULA.match(text) and not NUMBER.fullmatch(text) else text


def harmless_in_sql(text: Any) -> Case:
    """Return `harmless` of an expression, for PostgreSQL to work out."""
    is_formula = Q(Regex(text, f"^{FORMULA.pattern}"))
    is_number = Q(Regex(text, f"^({NUMBER.pattern})$"))
    marked = Concat(Value("'"), text, output_field=TextField())
    return Case(When(is_formula & ~is_number, then=marked), default=text, output_field=TextField())


def as_typed(cell: str) -> str:
    """Return the text that `harmless` was given."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell


def as_cell(text: str) -> str:
    """Return the text as XlsxWriter is to be given it: with a space behind what it takes for XML.

    It writes that into the workbook as it is, which no spreadsheet may open then.
    """
    return f"{text} " if text.startswith("<r>") and text.endswith("</r>") else text
