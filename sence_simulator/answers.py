"""What SENCE decides about a request, and the callback that says it."""

from sence_simulator.behaviours import Behaviour
from sence_simulator.checks import field_codes, is_callback_url
from sence_simulator.memory import Callback, SenceRequest, simulator
from sence_simulator.protocol import (
    CALLBACK_FIELDS,
    ECHOED_FIELDS,
    TIME_ZONE_TEXT,
    chile_now,
    same_run,
)

# Two values a field, so that one of them always differs from what was sent.
CONTRADICTIONS = {
    "CodSence": ("1239999999", "1238888888"),
    "CodigoCurso": ("CONTRADICE-1", "CONTRADICE-2"),
    "IdSesionAlumno": ("contradice-1", "contradice-2"),
    "RunAlumno": ("22222222-2", "33333333-3"),
    "LineaCapacitacion": ("6", "3"),
}


def refuse_bad_fields(request: SenceRequest) -> list[str]:
    """The codes that SENCE answers at once, before any login; what it says stays in the request."""
    codes = field_codes(
        request.fields,
        closing=request.closing,
        test_environment=request.environment == "rcetest",
    )
    if simulator.registry is not None:
        codes += simulator.registry.codes(request.fields, chile_now().date())
    if not codes:
        return []
    glosa = ";".join(dict.fromkeys(codes))
    request.answered = True
    request.result = f"Rechazada al recibirla: {glosa}"
    if is_callback_url(request.fields.get("UrlError", "")):
        request.callbacks = [Callback(request.fields["UrlError"], callback_fields(request, glosa))]
    return glosa.split(";")


def answer(request: SenceRequest, run: str, behaviour: Behaviour) -> None:
    """Decide what to answer to the person who logged in as `run`, and keep it in the request.

    Logging in again (a double click, the back button) answers anew with the same IdSesionSence.
    """
    request.behaviour, request.answered, request.note = behaviour, True, ""
    if behaviour.delivery == "none":
        request.result, request.callbacks = "SENCE no responde", []
        return
    glosa = _glosa(request, run, behaviour)
    request.result = "Éxito" if glosa is None else f"Error {glosa or 'sin código'}"
    request.callbacks = _callbacks(request, glosa, behaviour)


def _glosa(request: SenceRequest, run: str, behaviour: Behaviour) -> str | None:
    """What GlosaError says, or None when opening or closing is recorded."""
    if behaviour.outcome != "normal":
        return behaviour.glosa if behaviour.outcome == "error" else ""
    if same_run(run) != same_run(request.run):
        return "311"
    if request.closing and not simulator.memory.close_session(request):
        return "301"
    return None


def _callbacks(request: SenceRequest, glosa: str | None, behaviour: Behaviour) -> list[Callback]:
    url = request.fields["UrlRetoma" if glosa is None else "UrlError"]
    opens = glosa is None and not request.closing
    session_id = simulator.memory.open_session(request) if opens else ""
    fields = callback_fields(request, glosa, session_id)
    answers = [fields]
    if behaviour.delivery == "replay":
        answers.append(fields)
    if behaviour.delivery == "replay_other_id":
        other_id = simulator.memory.open_session(request, another=True) if opens else ""
        answers.append(callback_fields(request, glosa, other_id))
    return [Callback(url, distort(fields, behaviour)) for fields in answers]


def callback_fields(
    request: SenceRequest, glosa: str | None, session_id: str = ""
) -> dict[str, str]:
    """The fields that the manual gives for this answer, in its order."""
    recorded_at = request.recorded_at if glosa is None else None
    values = {name: request.fields.get(name, "") for name in ECHOED_FIELDS} | {
        "IdSesionSence": session_id,
        "FechaHora": f"{recorded_at or chile_now():%Y-%m-%d %H:%M:%S}",
        "ZonaHoraria": TIME_ZONE_TEXT,
    }
    names = [name for name in CALLBACK_FIELDS if not (request.closing and name == "IdSesionSence")]
    fields = {name: values[name] for name in names}
    if glosa is not None:
        fields["GlosaError"] = glosa
    return fields


def distort(fields: dict[str, str], behaviour: Behaviour) -> dict[str, str]:
    """The same fields with the flaws that the tester chose."""
    fields = {**fields}
    for name in behaviour.contradicting:
        fields[name] = next(value for value in CONTRADICTIONS[name] if value != fields[name])
    if behaviour.swap_check_digit_case:
        fields["RunAlumno"] = fields["RunAlumno"].swapcase()
    if behaviour.empty_time_zone:
        fields["ZonaHoraria"] = ""
    dropped = {*behaviour.missing, *(["GlosaError"] if behaviour.outcome == "no_code" else [])}
    return {
        f"{name} " if name in behaviour.stray_spaces else name: value
        for name, value in fields.items()
        if name not in dropped
    }
