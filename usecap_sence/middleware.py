"""A line in the log for each request, pages that are small on the wire, a page of its own for what
a view could not do for now, and what staff alone need."""

import logging
import random
import uuid
from collections.abc import Callable
from time import monotonic
from typing import Any

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.signals import request_started
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django_otp.middleware import OTPMiddleware
from simple_history.middleware import HistoryRequestMiddleware

from usecap_sence.logs import request_id, route_of
from usecap_sence.views import TooManyRequestsError, too_many_requests, unavailable

logger = logging.getLogger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponse]


class LogRequests:
    """Names each request, or takes the name that a proxy gave it, and writes its line in the log.

    The line has its route, never its address, which may name people. Who asked learns the name too:
    it is in the answer's header, and begins on the page for our own errors.
    """

    def __init__(self, get_response: GetResponse):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = monotonic()
        name = name_of(request)
        request_id.set(name)
        response = self.get_response(request)
        route = route_of(request)
        logger.info(
            "%s %s %s",
            request.method,
            route,
            response.status_code,
            extra={
                "method": request.method,
                "route": route,
                "status": response.status_code,
                "milliseconds": round((monotonic() - began) * 1000),
            },
        )
        response.headers["X-Request-ID"] = name
        return response


# What a thread's next request logs before it has a name is not the last one's.
request_started.connect(lambda **_: request_id.set(None), weak=False)


def name_of(request: HttpRequest) -> str:
    """Return the UUID that came in X-Request-ID, else a new one, as 32 hexadecimal digits."""
    try:
        return uuid.UUID(request.META["HTTP_X_REQUEST_ID"]).hex
    except (KeyError, ValueError):
        return f"{random.getrandbits(128):032x}"


class NotNow:
    """Answers 503 while the database is away, and 429 to who asks too often."""

    def __init__(self, get_response: GetResponse):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, OperationalError | InterfaceError):
            return unavailable(request)
        if isinstance(exception, TooManyRequestsError):
            return too_many_requests(request, exception)
        return None


class CompressPages(GZipMiddleware):
    """Compresses pages for phones, with Django's random padding against guessing their secrets.

    Exports are left as they are: a spreadsheet is compressed already, and a CSV is streamed.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> Any:
        if response.headers.get("Content-Type", "").startswith("text/html"):
            return super().process_response(request, response)
        return response


class BrowserPolicies(CSPMiddleware):
    """Tells browsers what a page may load (django-csp) and what of the device: nothing.

    django-csp puts its policy together anew for each answer. Here it does so once for all that
    ask for no other.
    """

    FEATURES = (
        "accelerometer", "camera", "display-capture", "geolocation", "gyroscope",
        "hid", "magnetometer", "microphone", "midi", "payment", "serial", "usb",
    )  # fmt: skip

    made_of: Any = None
    policy = ""

    def __init__(self, get_response: GetResponse):
        super().__init__(get_response)
        self.permissions = ", ".join(f"{feature}=()" for feature in self.FEATURES)

    def __call__(self, request: HttpRequest) -> Any:
        response: Any = self.get_response(request)
        response.headers["Permissions-Policy"] = self.permissions
        asks_for_another = any(name.startswith("_csp_") for name in vars(response))
        if settings.DEBUG or asks_for_another:
            return self.process_response(request, response)
        if self.made_of is not settings.CONTENT_SECURITY_POLICY:
            self.policy, self.made_of = build_policy(), settings.CONTENT_SECURITY_POLICY
        response.headers.setdefault(HEADER, self.policy)
        return response


class ForStaff(SessionMiddleware, AuthenticationMiddleware, MessageMiddleware):
    """Who logs in, what they are told and what they change: for admin's pages alone.

    A student's page has no session, no user and no messages. It is a middleware of each of the
    kinds that Django's checks look for in MIDDLEWARE, so that a page passes one and not five.
    """

    PATHS = "/admin/"
    PASSED = (
        SessionMiddleware,
        AuthenticationMiddleware,
        OTPMiddleware,
        MessageMiddleware,
        HistoryRequestMiddleware,
    )

    def __init__(self, get_response: GetResponse):
        super().__init__(get_response)
        self.of_staff = get_response
        for middleware in reversed(self.PASSED):
            self.of_staff = middleware(self.of_staff)

    def __call__(self, request: HttpRequest) -> Any:
        if request.path_info.startswith(self.PATHS):
            return self.of_staff(request)
        return self.get_response(request)
