"""A page of its own for what a view could not do for now, instead of an error 500."""

from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse

from usecap_sence.views import TooManyRequestsError, too_many_requests, unavailable

GetResponse = Callable[[HttpRequest], HttpResponse]


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
