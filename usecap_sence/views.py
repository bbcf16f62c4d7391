"""The pages for what goes wrong outside of any view of ours.

They are drawn without the request: whatever failed may fail again in a context processor. Where
even that fails (no static files, no cache), a page that needs nothing takes their place.
"""

import logging
import re
from base64 import b64encode
from hashlib import sha256
from math import ceil

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from errors_catalog.context_processors import site_texts
from usecap_sence.logs import request_id

logger = logging.getLogger(__name__)

LAST_RESORT = (settings.BASE_DIR / "static" / "usecap" / "fuera-de-servicio.html").read_text(
    encoding="utf-8"
)
"""Its style stands in it, which the policy allows of this one alone."""
ITS_STYLE = "".join(re.findall("(?s)<style>(.*?)</style>", LAST_RESORT))
ITS_HASH = b64encode(sha256(ITS_STYLE.encode()).digest()).decode()
TOO_LARGE = (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent)


class TooManyRequestsError(Exception):
    """Raise it in a view to refuse a request for now: 429, with when to come back."""

    def __init__(self, retry_after: int):
        """`retry_after` is in seconds, at least 1."""
        super().__init__(retry_after)
        self.retry_after = retry_after


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """413 where more was sent than DATA_UPLOAD_MAX_* allow, 400 otherwise."""
    return page(request, 413 if isinstance(exception, TOO_LARGE) else 400)


def too_many_requests(request: HttpRequest, exception: TooManyRequestsError) -> HttpResponse:
    """429, with the header Retry-After and the same in words."""
    seconds = exception.retry_after
    response = page(request, 429, minutes=ceil(seconds / 60))
    response["Retry-After"] = str(seconds)
    return response


def locked_out(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
    """429: too many wrong passwords (django-axes calls this)."""
    seconds = int(settings.AXES_COOLOFF_TIME.total_seconds())
    return too_many_requests(request, TooManyRequestsError(seconds))


def server_error(request: HttpRequest) -> HttpResponse:
    """500: our own error, with the beginning of the request's name in the log."""
    return page(request, 500, code=(request_id.get() or "")[:8].upper())


def unavailable(request: HttpRequest) -> HttpResponse:
    """503: the database is away, for a moment as a rule."""
    response = page(request, 503)
    response["Retry-After"] = "10"
    return response


def page(request: HttpRequest, status: int, **context: object) -> HttpResponse:
    """Return the page of `templates/<status>.html`, whatever else is out of order."""
    try:
        text: str = render_to_string(
            f"{status}.html", site_texts(request) | {"request": request} | context
        )
    except Exception:
        logger.exception("The page for an error %s could not be drawn", status)
        response = HttpResponse(LAST_RESORT, status=status)
        # As csp.decorators.csp_update does, which is for views.
        vars(response)["_csp_update"] = {"style-src": f"'sha256-{ITS_HASH}'"}
    else:
        response = HttpResponse(text, status=status)
    response["Cache-Control"] = "no-store"
    return response
