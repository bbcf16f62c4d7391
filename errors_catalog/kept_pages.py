"""Pages drawn once for each state of the catalogue, then filled with what is each one's own."""

import re
import uuid
from collections.abc import Hashable, Mapping

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString

from errors_catalog import catalogue

TOKEN = "csrf_token"  # noqa: S105 - its name
MOST_KEPT = 500
"""Drawings of one state of the catalogue: error codes come from outside, in any number."""


class Place(SafeString):
    """Where a drawing has what is each page's own. To `{% url %}` it is a UUID like another."""

    def __bool__(self) -> bool:
        raise TypeError("What is a page's own is shown, and decides nothing.")


class Places(dict[str, Place]):
    """The places of a drawing by name, each made when the template asks for it."""

    def __missing__(self, name: str) -> Place:
        self[name] = place = Place(uuid.uuid4())
        return place


def render_kept(
    request: HttpRequest, template: str, own: Mapping[str, str] | None = None, **drawn: Hashable
) -> HttpResponse:
    """Return the page that the template draws of the catalogue and `drawn`, with `own` in place.

    It is drawn once for each `drawn`, until the catalogue changes or is read again, for whoever
    asks: it must depend on nothing else but the settings and static files. A value may be what the
    template calls for it. `own` are texts of this page alone, escaped unless they are safe, which
    the template only shows, and as they are: `{{ own.course_name }}`. So is `{% csrf_token %}`.
    Raises KeyError for one that the template shows and `own` lacks, TypeError where it does
    anything else with one.
    """
    kept = catalogue.current().drawn
    key = (template, *drawn.items())
    parts = kept.get(key)
    if parts is None:
        parts = _draw(request, template, drawn)
        if len(kept) < MOST_KEPT:
            kept[key] = parts
    return HttpResponse(_filled(parts, own or {}, request))


def _draw(request: HttpRequest, template: str, drawn: dict[str, Hashable]) -> list[str]:
    """Return the page in parts: text, the name of what is each page's own, text, and so on."""
    places = Places()
    token = str(uuid.uuid4())
    page = render_to_string(template, drawn | {"own": places, TOKEN: token}, request)
    names = {place: name for name, place in places.items()} | {token: TOKEN}
    parts = re.split(f"({'|'.join(names)})", page)
    parts[1::2] = [names[place] for place in parts[1::2]]
    # Django takes what an `if` of two parts raises for false; a filter would change the place.
    if unseen := places.keys() - set(parts[1::2]):
        raise TypeError(f"What is a page's own is shown as it is: {', '.join(sorted(unseen))}.")
    return parts


def _filled(parts: list[str], own: Mapping[str, str], request: HttpRequest) -> str:
    names = set(parts[1::2])
    values: dict[str, str] = {name: conditional_escape(own[name]) for name in names - {TOKEN}}
    if TOKEN in names:
        values[TOKEN] = get_token(request)
    page = parts.copy()
    page[1::2] = [values[name] for name in parts[1::2]]
    return "".join(page)
