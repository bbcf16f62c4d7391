"""Days that an operator types."""

from argparse import ArgumentTypeError
from datetime import date, datetime

FORMS = ("%Y-%m-%d", "%d-%m-%Y")


def day(typed: str) -> date:
    """Return the day that was typed as AAAA-MM-DD or DD-MM-AAAA: an argument's `type`."""
    for form in FORMS:
        try:
            return datetime.strptime(typed, form).date()  # noqa: DTZ007 - a date of a calendar
        except ValueError:
            continue
    raise ArgumentTypeError(f"«{typed}» no es una fecha: escríbala como 2026-11-23.")
