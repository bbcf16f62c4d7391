"""The RUT that a student typed travels in a signed cookie, never in a URL."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

NAME = "rut"
SALT = "attendance.rut"
HOURS = 12


def read(request: HttpRequest) -> str | None:
    """Return the canonical RUN, or None where it wasn't typed, is too old, or was tampered with."""
    return request.get_signed_cookie(NAME, default=None, salt=SALT, max_age=HOURS * 3600)


def write(response: HttpResponse, run: str) -> None:
    """Remember the RUN in this browser alone; it goes with the browser's session."""
    response.set_signed_cookie(
        NAME,
        run,
        salt=SALT,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
