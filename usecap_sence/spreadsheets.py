"""Texts in CSV files that people open in a spreadsheet."""

import re

BOM = "\ufeff"
"""What tells Excel that a CSV is UTF-8."""
FORMULA = re.compile(r"'*[=+\-@＝＋－＠\t\r\n]")
"""What a spreadsheet takes for a formula's beginning (OWASP, CSV Injection), perhaps harmless
already."""
NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")


def harmless(text: str) -> str:
    """Return the text with an apostrophe before it if a spreadsheet would take it for a formula.

    Numbers stay as they are, -1 as well.
    """
    return f"'{text}" if FORMULA.match(text) and not NUMBER.fullmatch(text) else text


def as_typed(cell: str) -> str:
    """Return the text that `harmless` was given."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell
