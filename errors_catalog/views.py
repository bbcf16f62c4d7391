from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from errors_catalog import catalogue


@require_safe
def guide(request: HttpRequest) -> HttpResponse:
    """USECAP's guide, with the catalogue's errors at `#error-311`."""
    context = {"errors": catalogue.known_errors(), "hours": settings.SENCE_SESSION_HOURS}
    return render(request, "errors_catalog/guide.html", context)
