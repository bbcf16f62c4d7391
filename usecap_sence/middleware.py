"""A line in the log for each request, pages that are small on the wire, a page of its own for what
a view could not do for now, and what staff alone need."""

import logging
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
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django_otp.middleware import OTPMiddleware
from simple_history.middleware import HistoryRequestMiddleware

from usecap_sence.logs import route_of
from usecap_sence.views import TooManyRequestsError, too_many_requests, unavailable

logger = logging.getLogger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponse]


class LogRequests:
    """Writes each request in the log: its route, never its address, which may name people."""

    def __init__(self, get_response: GetResponse):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = monotonic()
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
        return response


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


class ContentSecurityPolicy(CSPMiddleware):
    """django-csp's, which puts the policy together anew for each page: here once for a setting."""

    made_of: Any = None
    policy = ""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> Any:
        has_its_own = any(name.startswith("_csp_") for name in vars(response))
        if settings.DEBUG or has_its_own or HEADER in response:
            return super().process_response(request, response)
        if self.made_of is not settings.CONTENT_SECURITY_POLICY:
            self.policy, self.made_of = build_policy(), settings.CONTENT_SECURITY_POLICY
        response.headers[HEADER] = self.policy
        return response


class PermissionsPolicy:
    """Tells browsers that no page of ours, nor what it might be made to load, needs the device."""

    FEATURES = (
        "accelerometer", "camera", "display-capture", "geolocation", "gyroscope",
        "hid", "magnetometer", "microphone", "midi", "payment", "serial", "usb",
    )  # fmt: skip

    def __init__(self, get_response: GetResponse):
        self.get_response = get_response
        self.policy = ", ".join(f"{feature}=()" for feature in self.FEATURES)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", self.policy)
        return response


class ForStaff:
    """Goes before a middleware that nobody but staff needs: who logs in, and what they change.

    A student's page has no session, no user and no messages.
    """

    PATHS = "/admin/"
    get_response: Any

    def __call__(self, request: HttpRequest) -> Any:
        if request.path_info.startswith(self.PATHS):
            return super().__call__(request)  # type: ignore[misc]
        return self.get_response(request)


class StaffSession(ForStaff, SessionMiddleware):
    pass


class StaffUser(ForStaff, AuthenticationMiddleware):
    pass


class StaffSecondFactor(ForStaff, OTPMiddleware):
    pass


class StaffMessages(ForStaff, MessageMiddleware):
    pass


class StaffHistory:
    """`ForStaff` before simple_history's, which is no class."""

    def __init__(self, get_response: GetResponse):
        self.get_response = get_response
        self.remember_who = HistoryRequestMiddleware(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(ForStaff.PATHS):
            return self.remember_who(request)
        return self.get_response(request)
