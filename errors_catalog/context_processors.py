"""What every page may show of the catalogue: read only when a template asks for it."""

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from errors_catalog import catalogue


class Texts:
    """The named texts by key, for templates: `{{ texts.opened }}`."""

    def __getitem__(self, key: str) -> str:
        return catalogue.text(key)


def site_texts(request: HttpRequest) -> dict[str, object]:
    """Give templates `contact`, `help_before_rut`, `help_after_rut` and `texts`."""
    return {
        "contact": SimpleLazyObject(catalogue.contact),
        "help_before_rut": SimpleLazyObject(lambda: catalogue.help_sections(after_rut=False)),
        "help_after_rut": SimpleLazyObject(lambda: catalogue.help_sections(after_rut=True)),
        "texts": Texts(),
    }
