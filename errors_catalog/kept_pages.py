"""Pages drawn once for each state of the catalogue, then filled with what is each one's own."""

import gzip
import re
import secrets
import uuid
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape

from django.http import HttpRequest, HttpResponse
from django.middleware.gzip import re_accepts_gzip
from django.template.loader import render_to_string
from django.utils.safestring import SafeData, SafeString

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


@dataclass(frozen=True)
class Drawing:
    """A page in parts, encoded: a text, what is each page's own, a text, and so on."""

    parts: list[bytes]
    shown: list[str]
    """The names of every second part."""

    @cached_property
    def compressed(self) -> bytes:
        """The page where nothing is anybody's own, as browsers take it."""
        return gzip.compress(self.parts[0])


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
    drawing = kept.get(key)
    if drawing is None:
        drawing = _draw(request, template, drawn)
        if len(kept) < MOST_KEPT:
            kept[key] = drawing
    accepted = request.META.get("HTTP_ACCEPT_ENCODING", "")
    if not drawing.shown and re_accepts_gzip.search(accepted):
        headers = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        return HttpResponse(drawing.compressed, headers=headers)
    return HttpResponse(_filled(drawing, own or {}, request))


def _draw(request: HttpRequest, template: str, drawn: dict[str, Hashable]) -> Drawing:
    places = Places()
    token = str(uuid.uuid4())
    page = render_to_string(template, drawn | {"own": places, TOKEN: token}, request)
    names = {place: name for name, place in places.items()} | {token: TOKEN}
    parts = re.split(f"({'|'.join(names)})", page)
    shown = [names[place] for place in parts[1::2]]
    # Django takes what an `if` of two parts raises for false; a filter would change the place.
    if unseen := places.keys() - set(shown):
        raise TypeError(f"What is a page's own is shown as it is: {', '.join(sorted(unseen))}.")
    return Drawing([part.encode() for part in parts], shown)


def _filled(drawing: Drawing, own: Mapping[str, str], request: HttpRequest) -> bytes:
    names = set(drawing.shown)
    values = {name: _escaped(own[name]) for name in names - {TOKEN}}
    if TOKEN in names:
        values[TOKEN] = _token(request)
    page = drawing.parts.copy()
    page[1::2] = [values[name].encode() for name in drawing.shown]
    return b"".join(page)


def _escaped(text: str) -> str:
    # conditional_escape and format_html look first for what is lazy, at ten times the cost.
    return text if isinstance(text, SafeData) else escape(text)


def _token(request: HttpRequest) -> str:
    """Return what a form of this browser must send: its cookie's value, made where it has none.

    Django's own token is this behind a mask made anew for each page, character by character, which
    takes longer than all else of a page. The mask hides it in a compressed page that repeats what a
    stranger chose (BREACH): no page here repeats anything of its request.
    """
    if "CSRF_COOKIE" not in request.META:
        request.META |= {"CSRF_COOKIE": secrets.token_hex(16), "CSRF_COOKIE_NEEDS_UPDATE": True}
    return str(request.META["CSRF_COOKIE"])
