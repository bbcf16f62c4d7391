"""What every page may show of the catalogue: read only when a template asks for it."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from errors_catalog import catalogue


class Texts:
    """The named texts by key, for templates: `{{ texts.opened }}`."""

    def __init__(self, snapshot: catalogue.Snapshot) -> None:
        self._snapshot = snapshot

    def __getitem__(self, key: str) -> str:
        return self._snapshot.text(key)


def site_texts(request: HttpRequest) -> dict[str, object]:
    """Give templates `catalogue`, and of it `contact`, `help_before_rut`, `help_after_rut` and
    `texts`."""
    # One for the whole page, whatever staff write meanwhile.
    snapshot: Any = SimpleLazyObject(catalogue.current)
    return {
        "catalogue": snapshot,
        "contact": SimpleLazyObject(lambda: snapshot.contact),
        "help_before_rut": SimpleLazyObject(lambda: snapshot.help_sections(after_rut=False)),
        "help_after_rut": SimpleLazyObject(lambda: snapshot.help_sections(after_rut=True)),
        "texts": Texts(snapshot),
    }
