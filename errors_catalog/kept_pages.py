"""Pages that show the catalogue and nothing of who asks, drawn once for each state of it."""

import secrets
from collections.abc import Hashable

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.template.loader import render_to_string

from errors_catalog import catalogue

TOKEN_HERE = secrets.token_hex(16)


def render_kept(request: HttpRequest, template: str, **values: Hashable) -> HttpResponse:
    """Return the page that the template draws of the catalogue and `values`, for whoever asks.

    What it draws must depend on nothing else but the settings and static files: it is shown to
    everybody until the catalogue changes or is read again. `{% csrf_token %}` alone is each
    browser's own. A value may be what the template calls for it.
    """
    drawn = catalogue.current().drawn
    key = (template, *values.items())
    if key not in drawn:
        drawn[key] = render_to_string(template, values | {"csrf_token": TOKEN_HERE}, request)
    page = drawn[key]
    if TOKEN_HERE in page:
        page = page.replace(TOKEN_HERE, get_token(request))
    return HttpResponse(page)
