"""Pages of the design: every component in every state, our error pages and mails, invented data.

They exist with DEBUG alone, and are drawn from the same templates as what students and staff see.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from types import SimpleNamespace

from csp.decorators import csp_update
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from attendance.forms import RutForm
from attendance.models import SentMail
from backoffice.mails.alerts import REMEDIES
from backoffice.mails.compose import as_html, body, site_address
from errors_catalog import catalogue
from errors_catalog.models import Responsible
from usecap_sence import views

TOKENS = [
    "page", "surface", "text", "muted", "line", "edge", "focus", "blue", "blue-strong",
    "blue-light", "button", "button-strong", "green", "green-light", "red", "red-light", "amber",
    "amber-light",
]  # fmt: skip
"""The colours that site.css names, without `--usecap-`."""

ERRORS = [400, 403, 404, 413, 429, 500, 503]
COURSE = "APLICACION DE EXCEL PARA PLANILLAS DE CALCULO, INTERMEDIO"
OTEC = SimpleNamespace(name="USECAP")


def only_with_debug(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Let the view exist with DEBUG alone."""

    @wraps(view)
    def debugged(*args, **kwargs):
        if not settings.DEBUG:
            raise Http404
        return view(*args, **kwargs)

    return require_safe(debugged)


@only_with_debug
def components(request: HttpRequest) -> HttpResponse:
    """Every token and component, in every state."""
    wrong = RutForm({"con_error-rut": "11111111-2"}, prefix="con_error")
    return render(
        request,
        "design/components.html",
        {
            "tokens": TOKENS,
            "forms": [RutForm(prefix="vacio"), wrong],
            "explanations": catalogue.explain(["100", "311"]),
            "tones": ["normal", "near", "past"],
            "limit_near": catalogue.text("limit_near", minutos=10),
            "limit_passed": catalogue.text("limit_passed"),
            "course": COURSE,
            "now": timezone.now(),
            "errors": ERRORS,
            "mails": MAILS,
        },
    )


@only_with_debug
def social_preview(request: HttpRequest) -> HttpResponse:
    """What preview.png is a picture of (`make pictures`)."""
    return render(request, "design/social_preview.html")


@only_with_debug
def error_page(request: HttpRequest, status: int) -> HttpResponse:
    if status not in ERRORS:
        raise Http404
    return views.page(request, status, minutes=2)


@only_with_debug
@csp_update({"style-src": "'unsafe-inline'"})  # type: ignore[arg-type]
def mail(request: HttpRequest, name: str) -> HttpResponse:
    """One of MAILS as HTML. Mails carry their styles with them, which pages may not."""
    if name not in MAILS:
        raise Http404
    subject, write = MAILS[name]
    return HttpResponse(as_html(SentMail(subject=subject, body=write())))


def _close_session(*, is_past: bool) -> str:
    opened_at = timezone.localtime() - timedelta(hours=2, minutes=51)
    context = {
        "student": SimpleNamespace(full_name="Rosa Fuentes Soto"),
        "session": SimpleNamespace(course_name=COURSE),
        "opened_at": opened_at,
        "close_before": opened_at + timedelta(hours=3),
        "is_past": is_past,
    }
    return body("close_session", context)


def _letter() -> str:
    return (
        "Estimada Rosa Fuentes Soto:\n\n"
        f"Todavía no registra su asistencia Sence en el curso {COURSE}. Sence pide al menos una "
        "conexión.\n\n"
        f"Ir a la página de asistencia <{site_address()}>\n\n"
        "Si necesita ayuda, responda este correo.\n\nUSECAP"
    )


def _alert() -> str:
    now = timezone.localtime()
    context = {
        "alert": SimpleNamespace(otec=OTEC, action_code="6512345", reason="Token vencido", count=3),
        "action": SimpleNamespace(course=SimpleNamespace(name=COURSE)),
        "label": "error 211",
        "since": now - timedelta(minutes=12),
        "until": now,
        "responsible": Responsible.OTEC.label,
        "remedy": REMEDIES[Responsible.OTEC],
        "links": [(label, site_address()) for label in ("Datos del OTEC", "Aviso")],
    }
    return body("alert", context)


def _digest() -> str:
    now = timezone.localtime()

    def lines(*texts: str) -> list[str]:
        return [f"{text} <{site_address()}>" for text in texts]

    context = {
        "otec": OTEC,
        "day": now.date() - timedelta(days=1),
        "now": now,
        "numbers": lines("Abiertas: 41", "Cerradas: 38"),
        "now_numbers": lines("Abiertas: 3"),
        "errors": lines("100, Contraseña incorrecta: 2 sesiones"),
        "alerts": lines("Acción 6512345, error 211: 3 veces"),
        "missing": lines(f"6512345 · {COURSE}: 4 de 20 sin ninguna sesión, quedan 5 días"),
    }
    return body("digest", context)


MAILS: dict[str, tuple[str, Callable[[], str]]] = {
    "cerca-del-limite": (
        f"Cierre su sesión Sence: {COURSE}",
        lambda: _close_session(is_past=False),
    ),
    "pasado-el-limite": (
        f"Su sesión Sence sigue abierta: {COURSE}",
        lambda: _close_session(is_past=True),
    ),
    "sin-sesion": (f"Registre su asistencia: {COURSE}", _letter),
    "aviso": ("Asistencia Sence: error 211, acción 6512345", _alert),
    "resumen": ("Asistencia Sence, resumen de ayer: USECAP", _digest),
}
"""The mails that the system sends, by name: subject and what writes the text."""
