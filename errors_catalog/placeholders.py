"""The `{placeholders}` of texts that staff write, with or without spaces inside of the braces.

Any other brace is just a brace.
"""

import re
from collections.abc import Iterable, Mapping

from django.core.exceptions import ValidationError

PLACEHOLDER = re.compile(r"\{\s*(\w+)\s*\}")
HOURS = re.compile(r"\{\s*horas\s*\} horas\b( continuas\b)?")

# What every text may use: the catalogue itself knows them.
COMMON = frozenset({"correo", "telefonos", "horas"})
# What the texts of an error may use.
OF_ERRORS = COMMON | {"codigo"}


def fill(template: str, values: Mapping[str, object]) -> str:
    """Put the values in place; a placeholder without a value stays as it was typed.

    Where `{horas}` is 1, the word after it is in the singular: «1 hora continua».
    """
    if values.get("horas") == 1:
        template = HOURS.sub(lambda found: "{horas} hora" + (found[1] or "").rstrip("s"), template)
    return PLACEHOLDER.sub(lambda found: str(values.get(found[1], found[0])), template)


def names_in(template: str) -> set[str]:
    """Return the names of the placeholders that a text uses."""
    return set(PLACEHOLDER.findall(template))


def listed(names: Iterable[str]) -> str:
    """Return the names as staff type them, in order: `{correo}, {horas}`."""
    return ", ".join(f"{{{name}}}" for name in sorted(names))


def check_placeholders(text: str, allowed: frozenset[str] | set[str]) -> str:
    """Return the text, or raise ValidationError for a placeholder that nothing fills."""
    unknown = names_in(text) - allowed
    if unknown:
        raise ValidationError(
            f"Este texto no puede usar {listed(unknown)}. Puede usar {listed(allowed)}."
        )
    return text


def check_error_text(text: str) -> None:
    """Validate the placeholders of an error's description or solution."""
    check_placeholders(text, OF_ERRORS)
