"""One Django application answers on two origins: which one is said by the listening socket."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

View = Callable[[HttpRequest], HttpResponse]

URLCONF = "sence_simulator.urlconf"

# No form-action: the callback goes to whatever site is being tested.
POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; base-uri 'none'; " + (
    "frame-ancestors 'none'"
)


def choose_origin(get_response: View) -> View:
    """Route by the socket that took the request: neither origin serves the other's pages."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request.urlconf = request.META[URLCONF]  # type: ignore[attr-defined]
        return get_response(request)

    return middleware


def security_headers(get_response: View) -> View:
    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response["Content-Security-Policy"] = POLICY
        response["Cache-Control"] = "no-store"
        response["X-Content-Type-Options"] = "nosniff"
        return response

    return middleware
