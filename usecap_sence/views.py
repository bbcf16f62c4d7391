"""The page for our own errors."""

from django.http import HttpRequest, HttpResponseServerError
from django.template.loader import render_to_string

from errors_catalog.context_processors import site_texts


def server_error(request: HttpRequest) -> HttpResponseServerError:
    """Draw 500.html without the request: whatever failed may fail again in a context processor."""
    return HttpResponseServerError(render_to_string("500.html", site_texts(request)))
