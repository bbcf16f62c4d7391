"""Where SENCE's answer to a trial comes back to: no page of staff's, and no cookie with it."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from attendance.bodies import bounded
from backoffice import trial


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def answer(request: HttpRequest, nonce: str, *, error: bool = False) -> HttpResponse:
    """SENCE's answer to a trial, posted across sites: nothing of it is kept but what it says."""
    query = {}
    if request.method == "POST":
        query["respuesta"] = _sealed(request, nonce, error=error)
    response = HttpResponseRedirect(reverse("admin:courses_action_trial_told", query=query))
    response.status_code = 303
    return response


def _sealed(request: HttpRequest, nonce: str, *, error: bool) -> str:
    body, length = bounded(request)
    return trial.sealed(nonce, body, length, error=error)
