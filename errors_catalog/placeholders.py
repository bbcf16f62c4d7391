"""The `{placeholders}` of texts that staff write: any other brace is just a brace."""

import re
from collections.abc import Iterable, Mapping

PLACEHOLDER = re.compile(r"\{(\w+)\}")

# What every text may use: the catalogue itself knows them.
COMMON = frozenset({"correo", "telefonos", "horas"})
# What the texts of an error may use.
OF_ERRORS = COMMON | {"codigo"}


def fill(template: str, values: Mapping[str, object]) -> str:
    """Put the values in place; a placeholder without a value stays as it was typed."""
    return PLACEHOLDER.sub(lambda found: str(values.get(found[1], found[0])), template)


def names_in(template: str) -> set[str]:
    """Return the names of the placeholders that a text uses."""
    return set(PLACEHOLDER.findall(template))


def listed(names: Iterable[str]) -> str:
    """Return the names as staff type them, in order: `{correo}, {horas}`."""
    return ", ".join(f"{{{name}}}" for name in sorted(names))
