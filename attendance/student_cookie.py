"""What a student's browser remembers: the RUT that was typed, never in a URL, and what it saw."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

NAME = "rut"
SEEN = "visto"
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


def forget(response: HttpResponse) -> None:
    """Have this browser remember no RUN: the next person types their own."""
    response.delete_cookie(NAME, samesite="Lax")


def has_seen(request: HttpRequest) -> bool:
    """Whether this browser was shown this very page before, with its start button."""
    return SEEN in request.COOKIES


def mark_seen(response: HttpResponse, path: str) -> None:
    """Remember that the page at this path was shown. It says nothing of who saw it, or what for."""
    response.set_cookie(
        SEEN,
        "1",
        max_age=HOURS * 3600,
        path=path,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
