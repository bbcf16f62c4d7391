"""What changed in a text, word for word, for staff who compare two versions."""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Any

from django.db.models import Field
from django.utils.html import format_html_join

WORDS = re.compile(r"\s+|[^\s]+")


def marked(old: str, new: str) -> str:
    """Return both texts as one, in safe HTML: what went in <del>, what came in <ins>."""
    return format_html_join("", "<{0}>{1}</{0}>", _pieces(WORDS.findall(old), WORDS.findall(new)))


def _pieces(old: list[str], new: list[str]) -> Iterator[tuple[str, str]]:
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for kind, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        if kind == "equal":
            yield "span", "".join(old[old_from:old_to])
            continue
        if old_to > old_from:
            yield "del", "".join(old[old_from:old_to])
        if new_to > new_from:
            yield "ins", "".join(new[new_from:new_to])


def in_words(field: Field, value: Any) -> str:
    """Return a field's value as staff read it."""
    if field.choices:
        return str(dict(field.flatchoices).get(value, value))
    if isinstance(value, bool):
        return "Sí" if value else "No"
    return str(value)
