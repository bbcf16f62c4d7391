"""The pages of both origins: each reads, calls and answers."""

import json

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe
from django.views.static import serve
from stdnum.cl import rut

from sence_simulator import answers
from sence_simulator.behaviours import (
    DELIVERIES,
    NORMAL,
    OUTCOMES,
    Behaviour,
    BehaviourForm,
    as_initial,
)
from sence_simulator.login import LoginForm
from sence_simulator.memory import SenceRequest, simulator
from sence_simulator.protocol import ECHOED_FIELDS, ERROR_CODES

MASK = "••••••••"
SHOWN_FIELDS = (*ECHOED_FIELDS, "RutOtec", "IdSesionSence", "UrlRetoma", "UrlError")


def origins(request: HttpRequest) -> dict[str, str]:
    """Context processor: the addresses that every page may link to."""
    return {"sence_origin": simulator.sence_origin, "login_origin": simulator.login_origin}


# SENCE's origin


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect("/simulador/")


def receive(request: HttpRequest, environment: str, *, closing: bool) -> HttpResponse:
    """IniciarSesion and CerrarSesion: answer bad fields at once, send the others to log in."""
    if request.method != "POST":
        return message(
            request,
            "Esta dirección recibe un formulario",
            "SENCE espera aquí un POST de la página de asistencia. Comience en ella.",
            status=405,
        )
    received = simulator.memory.receive(
        request.POST.dict(), environment=environment, closing=closing
    )
    codes = answers.refuse_bad_fields(received)
    if codes:
        return answer_page(request, received, codes)
    received.behaviour = simulator.memory.take_behaviour(received.run)
    return HttpResponseRedirect(f"{simulator.login_origin}/ingreso/{received.id}")


@require_safe
def respond(request: HttpRequest, request_id: str) -> HttpResponse:
    """After the login: the page that carries SENCE's answer back through the browser."""
    received = simulator.memory.find(request_id)
    if received is None:
        return forgotten(request)
    if not received.answered:
        return HttpResponseRedirect(f"{simulator.login_origin}/ingreso/{received.id}")
    return answer_page(request, received)


def answer_page(
    request: HttpRequest, received: SenceRequest, codes: list[str] | None = None
) -> HttpResponse:
    if received.behaviour.delivery == "none" and not codes:
        return message(
            request,
            "SENCE no responde",
            "Así se ve cuando SENCE no devuelve al alumno: no hay respuesta, ni de éxito ni de "
            "error. Puede cerrar esta ventana o volver por su cuenta a la página de asistencia.",
        )
    context = {
        "received": received,
        "codes": [(code, ERROR_CODES.get(code, "")) for code in codes or []],
        "delivery": "auto" if codes else received.behaviour.delivery,
    }
    template = "simulator/answer.html" if received.callbacks else "simulator/refused.html"
    return render(request, template, context)


@require_safe
def panel(request: HttpRequest) -> HttpResponse:
    """What arrived and what will be answered, for the tester."""
    return panel_page(request, BehaviourForm())


def panel_page(request: HttpRequest, form: BehaviourForm, status: int = 200) -> HttpResponse:
    memory = simulator.memory
    context = {
        "form": form,
        "run": request.POST.get("run", ""),
        "behaviours": [
            (run or "Cualquier RUN", describe(behaviour)) for run, behaviour in memory.behaviours()
        ],
        "requests": [(received, masked(received)) for received in memory.latest()[:30]],
        "has_registry": simulator.registry is not None,
    }
    return render(request, "simulator/panel.html", context, status=status)


def masked(received: SenceRequest) -> list[tuple[str, str]]:
    """The fields of a request for showing; under an unknown name there may be a token too."""
    return [
        (name, value if name in SHOWN_FIELDS else MASK) for name, value in received.fields.items()
    ]


def describe(behaviour: Behaviour) -> list[str]:
    """What a behaviour does, in the words of the form's own labels."""
    labels = {name: field.label for name, field in BehaviourForm.base_fields.items()}
    lists = {
        name: ", ".join(getattr(behaviour, name))
        for name in ("missing", "stray_spaces", "contradicting")
    }
    flags = ("swap_check_digit_case", "empty_time_zone")
    return [
        f"Error {behaviour.glosa}" if behaviour.glosa else dict(OUTCOMES)[behaviour.outcome],
        f"{labels['delivery']}: {dict(DELIVERIES)[behaviour.delivery]}",
        *(f"{labels[name]}: {names}" for name, names in lists.items() if names),
        *(str(labels[name]) for name in flags if getattr(behaviour, name)),
    ]


@require_POST
def set_behaviour(request: HttpRequest) -> HttpResponse:
    """Set ahead how the next request of a RUN (or of anybody) is answered.

    Takes the panel's form, or JSON: `{"run": "...", "next": {field: value, ...}}`.
    """
    if request.content_type == "application/json":
        return set_behaviour_from_json(request)
    form = BehaviourForm(request.POST)
    if not form.is_valid():
        return panel_page(request, form, status=400)
    simulator.memory.set_behaviour(request.POST.get("run", ""), form.behaviour())
    return HttpResponseRedirect("/simulador/")


def set_behaviour_from_json(request: HttpRequest) -> HttpResponse:
    try:
        body = json.loads(request.body)
    except ValueError:
        body = None
    chosen = body.get("next") if isinstance(body, dict) else None
    if not isinstance(chosen, dict):
        return JsonResponse({"errors": 'Se espera {"run": "...", "next": {...}}.'}, status=400)
    form = BehaviourForm(chosen)
    unknown = sorted(set(chosen) - set(form.fields))
    if unknown or not form.is_valid():
        return JsonResponse({"errors": form.errors, "unknown": unknown}, status=400)
    simulator.memory.set_behaviour(str(body.get("run") or ""), form.behaviour())
    return JsonResponse({"ok": True})


@require_POST
def reset(request: HttpRequest) -> HttpResponse:
    simulator.memory.reset()
    return HttpResponseRedirect("/simulador/")


# The login's origin


def log_in(request: HttpRequest, request_id: str) -> HttpResponse:
    """The ClaveÚnica-like page. While the login fails nothing goes back to SENCE (manual §2)."""
    received = simulator.memory.find(request_id)
    if received is None:
        return forgotten(request)
    if request.method != "POST":
        login = LoginForm(initial={"run": rut.format(received.run)})
        behaviour = BehaviourForm(initial=as_initial(received.behaviour))
        return login_page(request, received, login, behaviour)
    login = LoginForm(request.POST)
    # Without the panel's fields (a test that posts the login alone) what was set ahead holds.
    chosen = request.POST if "outcome" in request.POST else as_initial(received.behaviour)
    behaviour = BehaviourForm(chosen)
    if not (login.is_valid() and behaviour.is_valid()):
        return login_page(request, received, login, behaviour)
    answers.answer(received, login.cleaned_data["run"], behaviour.behaviour())
    return HttpResponseRedirect(f"{simulator.sence_origin}{received.answer_path}")


def login_page(
    request: HttpRequest, received: SenceRequest, login: LoginForm, behaviour: BehaviourForm
) -> HttpResponse:
    context = {
        "login": login,
        "behaviour": behaviour,
        "is_prepared": received.behaviour != NORMAL,
    }
    return render(request, "simulator/login.html", context)


@require_safe
def forgotten_password(request: HttpRequest) -> HttpResponse:
    return message(
        request,
        "¿Olvidaste tu ClaveÚnica?",
        "En el simulador no hay clave que recuperar: sirve cualquiera de 7 o más caracteres. "
        "Vuelva atrás con el botón de su navegador.",
    )


# Both origins


def message(request: HttpRequest, title: str, text: str, status: int = 200) -> HttpResponse:
    context = {"title": title, "text": text}
    return render(request, "simulator/message.html", context, status=status)


def forgotten(request: HttpRequest) -> HttpResponse:
    return message(
        request,
        "Esta solicitud ya no está en memoria",
        "El simulador la olvidó: se reinició o recibió muchas otras. "
        "Vuelva a comenzar en la página de asistencia.",
        status=404,
    )


def static_file(request: HttpRequest, path: str) -> HttpResponseBase:
    return serve(request, path, document_root=str(settings.BASE_DIR / "static"))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    text = "El simulador no entendió lo que recibió. Vuelva a comenzar en la página de asistencia."
    return message(request, "Solicitud no válida", text, status=400)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    text = "Esta dirección no existe en el simulador. Vuelva a comenzar en la página de asistencia."
    return message(request, "Página no encontrada", text, status=404)


def broken(request: HttpRequest) -> HttpResponse:
    text = "El simulador falló. El detalle está en la consola donde se inició."
    return message(request, "Error del simulador", text, status=500)
