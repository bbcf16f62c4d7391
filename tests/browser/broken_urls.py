"""The site, and addresses at which each thing that can break does."""

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError
from django.urls import include, path

from usecap_sence import urls
from usecap_sence.views import TooManyRequestsError


def raising(error: Exception):
    def view(request):
        raise error

    return view


urlpatterns = [
    path("roto/400", raising(SuspiciousOperation())),
    path("roto/403", raising(PermissionDenied())),
    path("roto/413", raising(RequestDataTooBig())),
    path("roto/429", raising(TooManyRequestsError(90))),
    path("roto/500", raising(RuntimeError())),
    path("roto/503", raising(OperationalError())),
    path("", include(urls)),
]
handler400 = urls.handler400
handler500 = urls.handler500
