"""The stand-in for SENCE, driven over HTTP as a browser would, with redirects followed by hand."""

import copy
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests

from tests.simulator_process import ROOT, TIMEOUT, SimulatorProcess

TOKEN = "0f0e0d0c-0b0a-0908-0706-050403020100"
OTHER_TOKEN = "1f0e0d0c-0b0a-0908-0706-050403020100"
REVOKED_TOKEN = "2f0e0d0c-0b0a-0908-0706-050403020100"
UNKNOWN_TOKEN = "3f0e0d0c-0b0a-0908-0706-050403020100"
OTEC = "76123456-0"
OTHER_OTEC = "77123464-k"
RUN = "11111111-1"
RUN_WITH_K = "20347878-k"
SUCCESS_URL = "http://localhost:8000/sence/n/inicio/"
ERROR_URL = "http://localhost:8000/sence/n/inicio/error/"
GOOD = {
    "RutOtec": OTEC,
    "Token": TOKEN,
    "CodSence": "1237987654",
    "CodigoCurso": "5123456",
    "LineaCapacitacion": "3",
    "RunAlumno": RUN,
    "IdSesionAlumno": "attempt-1",
    "UrlRetoma": SUCCESS_URL,
    "UrlError": ERROR_URL,
}
OPEN_FIELDS = [
    "CodSence",
    "CodigoCurso",
    "IdSesionAlumno",
    "IdSesionSence",
    "RunAlumno",
    "FechaHora",
    "ZonaHoraria",
    "LineaCapacitacion",
]
CLOSE_FIELDS = [name for name in OPEN_FIELDS if name != "IdSesionSence"]
PASSWORD = "1234567"
CHILE = ZoneInfo("America/Santiago")


@dataclass
class PageForm:
    attributes: dict[str, str | None]
    fields: dict[str, str] = field(default_factory=dict)
    buttons: int = 0

    @property
    def action(self) -> str | None:
        return self.attributes.get("action")


class Forms(HTMLParser):
    """The forms of a page, with their hidden fields in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[PageForm] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "form":
            self.found.append(PageForm(attributes))
        elif tag == "input" and attributes.get("type") == "hidden":
            self.found[-1].fields[attributes["name"] or ""] = attributes["value"] or ""
        elif tag == "button":
            self.found[-1].buttons += 1


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorProcess]:
    with SimulatorProcess() as process:
        yield process


@pytest.fixture(autouse=True)
def forgetful(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "simulator" in request.fixturenames:
        request.getfixturevalue("simulator").reset()


def post(
    simulator: SimulatorProcess,
    *,
    page: str = "IniciarSesion",
    environment: str = "rcetest",
    **changes: Any,
) -> requests.Response:
    """Post a form to SENCE, with some fields changed or, where None, left out."""
    sent = GOOD | changes
    return requests.post(
        f"{simulator.sence_origin}/{environment}/Registro/{page}",
        data={name: value for name, value in sent.items() if value is not None},
        allow_redirects=False,
        timeout=TIMEOUT,
    )


def log_in(
    received: requests.Response,
    run: str = RUN,
    password: str = PASSWORD,
    **panel: Any,
) -> requests.Response:
    """Log in on the second origin; returns the page, or SENCE's answer if the login was good."""
    assert received.status_code == 302
    return requests.post(
        received.headers["Location"],
        data={"run": run, "password": password, **panel},
        timeout=TIMEOUT,
    )


def forms(page: requests.Response) -> list[PageForm]:
    return Forms(page.text).found


def callback(page: requests.Response) -> PageForm:
    """The one callback form of a page of answer."""
    assert page.status_code == 200
    (form,) = forms(page)
    return form


def refusal(page: requests.Response) -> str:
    """The codes that SENCE gives at once, checking that they go to UrlError by themselves."""
    form = callback(page)
    assert form.action == ERROR_URL
    assert "data-auto-submit" in form.attributes
    assert form.buttons == 1
    return form.fields["GlosaError"]


def opened(simulator: SimulatorProcess, **changes: Any) -> str:
    """Open a session and return its IdSesionSence."""
    received = post(simulator, **changes)
    return callback(log_in(received, changes.get("RunAlumno") or RUN)).fields["IdSesionSence"]


# The checks of the fields


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        *[({name: None}, "200") for name in GOOD if not name.startswith("Url")],
        *[({name: "  "}, "200") for name in GOOD if not name.startswith("Url")],
        ({"Token": None, "token": TOKEN}, "200"),
        ({"RunAlumno": None, "RunAlumno ": RUN}, "200"),
        ({"LineaCapacitacion": "1", "CodSence": None, "CodigoCurso": "RLAB-19-02-08"}, "200"),
        ({"IdSesionAlumno": "x" * 150}, "200"),
        ({"UrlRetoma": None}, "201"),
        ({"UrlRetoma": " "}, "201"),
        ({"UrlRetoma": None, "UrlRetorma": SUCCESS_URL}, "201"),
        ({"UrlRetoma": "/sence/n/inicio/"}, "202"),
        ({"UrlRetoma": "ftp://localhost/x"}, "202"),
        ({"UrlRetoma": SUCCESS_URL.ljust(101, "x")}, "202"),
        ({"CodSence": "123798765"}, "204"),
        ({"CodSence": "12379876543"}, "204"),
        ({"CodSence": "123798765?"}, "204"),
        ({"LineaCapacitacion": "1"}, "204"),
        ({"LineaCapacitacion": "1", "CodSence": "-1", "CodigoCurso": "-1"}, "204"),
        ({"CodigoCurso": "512345"}, "205"),
        ({"CodigoCurso": "5" * 51}, "205"),
        ({"LineaCapacitacion": "2"}, "206"),
        ({"LineaCapacitacion": "tres"}, "206"),
        ({"RunAlumno": "11111111-2"}, "207"),
        ({"RunAlumno": "11.111.111-1"}, "207"),
        ({"RunAlumno": "111111111"}, "207"),
        ({"RutOtec": "76123456-1"}, "209"),
        ({"RutOtec": "76.123.456-0"}, "209"),
        ({"Token": TOKEN.replace("-", "")}, "303"),
        ({"Token": TOKEN[:-1] + "g"}, "303"),
        ({"RunAlumno": "1-1", "Token": "x"}, "207;303"),
    ],
)
def test_a_field_that_sence_would_refuse_is_answered_at_once(
    simulator: SimulatorProcess, changes: dict[str, Any], code: str
) -> None:
    assert refusal(post(simulator, **changes)) == code


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"RunAlumno": RUN_WITH_K},
        {"RunAlumno": RUN_WITH_K.upper()},
        {"CodSence": "-1", "CodigoCurso": "-1"},
        {"LineaCapacitacion": "1", "CodSence": "", "CodigoCurso": "RLAB-19-02-08-0071-1"},
        {"LineaCapacitacion": "1", "CodSence": "", "CodigoCurso": "-1"},
        {"LineaCapacitacion": "6", "CodigoCurso": "51"},
        {"IdSesionAlumno": "x" * 149},
        {"UrlRetoma": SUCCESS_URL.ljust(100, "x")},
        {"UrlError": "https://cursos.example.cl/sence/n/inicio/error/"},
    ],
)
def test_well_formed_fields_lead_to_the_login_on_the_other_origin(
    simulator: SimulatorProcess, changes: dict[str, Any]
) -> None:
    answer = post(simulator, **changes)

    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(f"{simulator.login_origin}/ingreso/")
    assert simulator.login_origin.startswith("http://localhost:")
    assert simulator.sence_origin.startswith("http://127.0.0.1:")


def test_the_unverified_codes_are_refused_in_production(simulator: SimulatorProcess) -> None:
    refused = post(simulator, environment="rce", CodSence="-1", CodigoCurso="-1")
    on_line_6 = post(simulator, environment="rce", LineaCapacitacion="6", CodigoCurso="-1")

    assert refusal(refused) == "204;205"
    assert refusal(on_line_6) == "205"
    assert post(simulator, environment="rce").status_code == 302


@pytest.mark.parametrize(
    ("url", "code"),
    [(None, "201"), ("nada", "203"), ("javascript:alert(1)", "203"), ("http://x/" * 20, "203")],
)
def test_an_error_url_that_cannot_be_used_gets_a_page_instead(
    simulator: SimulatorProcess, url: str | None, code: str
) -> None:
    page = post(simulator, UrlError=url, RunAlumno="1-1")

    assert page.status_code == 200
    assert forms(page) == []
    assert f"<strong>{code}</strong>" in page.text
    assert "<strong>207</strong>" in page.text


def test_a_refusal_echoes_what_came_with_no_session_id(simulator: SimulatorProcess) -> None:
    form = callback(post(simulator, Token="x"))

    assert list(form.fields) == [*OPEN_FIELDS, "GlosaError"]
    assert form.fields["IdSesionSence"] == ""
    assert form.fields["IdSesionAlumno"] == "attempt-1"


def test_what_is_echoed_is_escaped(simulator: SimulatorProcess) -> None:
    page = post(simulator, IdSesionAlumno='"><script>x</script>', Token="x")

    assert "<script>x" not in page.text
    assert callback(page).fields["IdSesionAlumno"] == '"><script>x</script>'


def test_reading_an_address_that_takes_a_form_explains_itself(simulator: SimulatorProcess) -> None:
    page = requests.get(f"{simulator.sence_url}IniciarSesion", timeout=TIMEOUT)

    assert page.status_code == 405
    assert "recibe un formulario" in page.text


def test_a_form_too_large_for_sence_is_refused(simulator: SimulatorProcess) -> None:
    page = post(simulator, extra="x" * 100_000)

    assert page.status_code == 400
    assert "Solicitud no válida" in page.text


# Opening and closing


def test_a_login_opens_the_session_through_the_browser(simulator: SimulatorProcess) -> None:
    page = log_in(post(simulator))
    form = callback(page)

    assert page.url.startswith(simulator.sence_url)
    assert form.action == SUCCESS_URL
    assert form.attributes["method"] == "post"
    assert "data-auto-submit" in form.attributes
    assert form.buttons == 1, "without JavaScript the button does it"
    assert list(form.fields) == OPEN_FIELDS
    assert {name: form.fields[name] for name in GOOD if name in form.fields} == {
        name: GOOD[name] for name in GOOD if name in form.fields
    }
    assert form.fields["IdSesionSence"]
    assert form.fields["ZonaHoraria"]
    at = datetime.strptime(form.fields["FechaHora"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHILE)
    assert abs(datetime.now(CHILE) - at) < timedelta(minutes=5)


def test_each_opening_has_its_own_session_id(simulator: SimulatorProcess) -> None:
    assert opened(simulator) != opened(simulator)


def test_a_double_click_on_the_login_gives_one_session_id(simulator: SimulatorProcess) -> None:
    received = post(simulator)

    assert callback(log_in(received)).fields == callback(log_in(received)).fields


def test_a_session_is_closed_with_its_id_once(simulator: SimulatorProcess) -> None:
    session_id = opened(simulator)
    received = post(simulator, page="CerrarSesion", IdSesionSence=session_id)
    form = callback(log_in(received))
    repeated = callback(log_in(received))
    again = callback(log_in(post(simulator, page="CerrarSesion", IdSesionSence=session_id)))

    assert form.action == SUCCESS_URL
    assert list(form.fields) == CLOSE_FIELDS
    assert repeated.fields == form.fields
    assert again.action == ERROR_URL
    assert list(again.fields) == [*CLOSE_FIELDS, "GlosaError"]
    assert again.fields["GlosaError"] == "301"


def test_a_close_that_failed_can_be_tried_again(simulator: SimulatorProcess) -> None:
    session_id = opened(simulator)
    simulator.set_behaviour(RUN, codes=["305"])
    failed = log_in(post(simulator, page="CerrarSesion", IdSesionSence=session_id))
    closed = log_in(post(simulator, page="CerrarSesion", IdSesionSence=session_id))

    assert callback(failed).fields["GlosaError"] == "305"
    assert callback(closed).action == SUCCESS_URL


@pytest.mark.parametrize("session_id", [None, "  ", "x" * 150])
def test_a_close_needs_a_session_id(simulator: SimulatorProcess, session_id: str | None) -> None:
    answer = post(simulator, page="CerrarSesion", IdSesionSence=session_id)

    assert refusal(answer) == "200"


def test_a_close_with_an_unknown_id_is_301(simulator: SimulatorProcess) -> None:
    form = callback(log_in(post(simulator, page="CerrarSesion", IdSesionSence="nunca-emitido")))

    assert form.fields["GlosaError"] == "301"


def test_a_close_with_the_id_of_another_student_is_301(simulator: SimulatorProcess) -> None:
    session_id = opened(simulator, RunAlumno=RUN_WITH_K)
    form = callback(log_in(post(simulator, page="CerrarSesion", IdSesionSence=session_id)))

    assert form.fields["GlosaError"] == "301"


def test_a_session_outlives_a_restart_of_the_simulator(simulator: SimulatorProcess) -> None:
    with SimulatorProcess() as earlier:
        session_id = opened(earlier)
    page = log_in(post(simulator, page="CerrarSesion", IdSesionSence=session_id))

    assert callback(page).action == SUCCESS_URL
    assert "de un arranque anterior" in page.text


# The login


def test_the_login_looks_like_the_one_in_the_guide(simulator: SimulatorProcess) -> None:
    page = requests.get(post(simulator).headers["Location"], timeout=TIMEOUT).text

    for text in (
        "ClaveÚnica",
        "Portal de Aplicaciones Sence",
        "Requiere autenticación",
        "Ingresa tu RUN",
        "Ingresa tu Clave",
        "¿Olvidaste tu ClaveÚnica?",
        "Continuar",
        "cualquier clave de 7 o más caracteres",
        'value="11.111.111-1"',
        "Comportamiento del simulador",
    ):
        assert text in page


@pytest.mark.parametrize("run", ["11.111.111-1", "11111111-1", " 11.111.111-1 "])
def test_the_run_is_accepted_with_and_without_dots(simulator: SimulatorProcess, run: str) -> None:
    assert callback(log_in(post(simulator), run)).action == SUCCESS_URL


@pytest.mark.parametrize("run", ["112.312-3", "", "111111111", "11111111-2", "11.1111.11-1"])
def test_a_malformed_run_stays_on_the_login(simulator: SimulatorProcess, run: str) -> None:
    received = post(simulator)
    page = log_in(received, run)

    assert page.url == received.headers["Location"]
    assert "Datos de acceso no válidos" in page.text
    assert "El RUN debe estar en el formato 12.312.312-3" in page.text
    assert "La contraseña debe tener" not in page.text
    assert SUCCESS_URL not in page.text
    assert ERROR_URL not in page.text


@pytest.mark.parametrize("password", ["", "123456"])
def test_a_short_password_stays_on_the_login(simulator: SimulatorProcess, password: str) -> None:
    received = post(simulator)
    page = log_in(received, password=password)

    assert page.url == received.headers["Location"]
    assert "Datos de acceso no válidos" in page.text
    assert "La contraseña debe tener al menos 7 dígitos" in page.text
    assert "debe estar en el formato" not in page.text
    assert ERROR_URL not in page.text


def test_after_failed_logins_a_good_one_still_opens(simulator: SimulatorProcess) -> None:
    received = post(simulator)
    log_in(received, password="1")

    assert callback(log_in(received)).action == SUCCESS_URL


def test_another_person_who_logs_in_is_311(simulator: SimulatorProcess) -> None:
    form = callback(log_in(post(simulator), "20.347.878-K"))

    assert form.action == ERROR_URL
    assert form.fields["GlosaError"] == "311"
    assert form.fields["RunAlumno"] == RUN
    assert form.fields["IdSesionSence"] == ""


def test_the_case_of_the_check_digit_does_not_matter_at_the_login(
    simulator: SimulatorProcess,
) -> None:
    assert callback(log_in(post(simulator, RunAlumno=RUN_WITH_K), "20.347.878-K")).action == (
        SUCCESS_URL
    )


def test_nobody_gets_an_answer_before_logging_in(simulator: SimulatorProcess) -> None:
    login = post(simulator).headers["Location"]
    answer = f"{simulator.sence_url}Respuesta/{login.rpartition('/')[2]}"
    page = requests.get(answer, timeout=TIMEOUT)

    assert page.url == login


def test_a_request_that_was_forgotten_says_so(simulator: SimulatorProcess) -> None:
    received = post(simulator)
    simulator.reset()
    page = log_in(received)

    assert page.status_code == 404
    assert "ya no está en memoria" in page.text


# The behaviours


def answer_to(simulator: SimulatorProcess, by_hand: bool, **behaviour: Any) -> requests.Response:
    """The page of answer to one opening, with a behaviour chosen in the browser or set ahead."""
    run = behaviour.pop("run", RUN)
    if by_hand:
        chosen = {"outcome": "normal", "delivery": "auto"} | behaviour
        return log_in(post(simulator, RunAlumno=run), run, **chosen)
    simulator.set_behaviour(run, **behaviour)
    return log_in(post(simulator, RunAlumno=run), run)


both_ways = pytest.mark.parametrize("by_hand", [True, False], ids=["by hand", "set ahead"])


@both_ways
@pytest.mark.parametrize(
    ("behaviour", "glosa"),
    [
        ({"codes": ["100"]}, "100"),
        ({"codes": ["211", "204"]}, "211;204"),
        ({"codes": ["312"], "outcome": "error"}, "312"),
        ({"other_codes": "999"}, "999"),
        ({"other_codes": "abc"}, "abc"),
        ({"other_codes": "300;311"}, "300;311"),
        ({"codes": ["313"], "other_codes": "999"}, "313;999"),
        ({"outcome": "empty_code"}, ""),
    ],
)
def test_any_error_can_be_chosen(
    simulator: SimulatorProcess, by_hand: bool, behaviour: dict[str, Any], glosa: str
) -> None:
    form = callback(answer_to(simulator, by_hand, **behaviour))

    assert form.action == ERROR_URL
    assert list(form.fields) == [*OPEN_FIELDS, "GlosaError"]
    assert form.fields["GlosaError"] == glosa
    assert form.fields["IdSesionSence"] == ""


@both_ways
def test_the_error_url_can_come_without_a_code(simulator: SimulatorProcess, by_hand: bool) -> None:
    form = callback(answer_to(simulator, by_hand, outcome="no_code"))

    assert form.action == ERROR_URL
    assert list(form.fields) == OPEN_FIELDS


@both_ways
def test_sence_can_stay_silent(simulator: SimulatorProcess, by_hand: bool) -> None:
    page = answer_to(simulator, by_hand, delivery="none")

    assert "SENCE no responde" in page.text
    assert forms(page) == []
    assert SUCCESS_URL not in page.text


@both_ways
def test_an_answer_can_wait_for_a_button(simulator: SimulatorProcess, by_hand: bool) -> None:
    page = answer_to(simulator, by_hand, delivery="late")

    assert "data-auto-submit" not in page.text
    assert "Enviar la respuesta ahora" in page.text
    assert callback(page).action == SUCCESS_URL
    later = requests.get(page.url, timeout=TIMEOUT)
    assert callback(later).fields == callback(page).fields


@both_ways
def test_an_answer_can_be_sent_twice(simulator: SimulatorProcess, by_hand: bool) -> None:
    page = answer_to(simulator, by_hand, delivery="replay")
    first, second = forms(page)

    assert "data-auto-submit" not in page.text
    assert first.action == second.action == SUCCESS_URL
    assert first.fields == second.fields
    assert first.attributes["target"] == "_blank", "this page must stay for the second time"


@both_ways
def test_the_second_answer_can_bring_another_session_id(
    simulator: SimulatorProcess, by_hand: bool
) -> None:
    first, second = forms(answer_to(simulator, by_hand, delivery="replay_other_id"))

    assert first.fields["IdSesionSence"] != second.fields["IdSesionSence"]
    for form in (first, second):
        session_id = form.fields["IdSesionSence"]
        received = post(simulator, page="CerrarSesion", IdSesionSence=session_id)
        assert callback(log_in(received)).action == SUCCESS_URL


@both_ways
def test_fields_can_be_missing(simulator: SimulatorProcess, by_hand: bool) -> None:
    page = answer_to(simulator, by_hand, missing=["ZonaHoraria", "FechaHora"])

    assert list(callback(page).fields) == [
        name for name in OPEN_FIELDS if name not in ("ZonaHoraria", "FechaHora")
    ]


@both_ways
def test_names_can_have_stray_spaces(simulator: SimulatorProcess, by_hand: bool) -> None:
    page = answer_to(
        simulator, by_hand, codes=["300"], stray_spaces=["LineaCapacitacion", "GlosaError"]
    )
    fields = callback(page).fields

    assert fields["LineaCapacitacion "] == "3"
    assert fields["GlosaError "] == "300"
    assert "LineaCapacitacion" not in fields


@both_ways
@pytest.mark.parametrize("run", [RUN_WITH_K, RUN_WITH_K.upper()])
def test_the_check_digit_can_change_its_case(
    simulator: SimulatorProcess, by_hand: bool, run: str
) -> None:
    page = answer_to(simulator, by_hand, run=run, swap_check_digit_case=True)

    assert callback(page).fields["RunAlumno"] == run.swapcase()


@both_ways
def test_the_time_zone_can_be_empty(simulator: SimulatorProcess, by_hand: bool) -> None:
    page = answer_to(simulator, by_hand, empty_time_zone=True)

    assert callback(page).fields["ZonaHoraria"] == ""


@both_ways
@pytest.mark.parametrize(
    "name", ["CodSence", "CodigoCurso", "IdSesionAlumno", "RunAlumno", "LineaCapacitacion"]
)
def test_a_field_can_contradict_what_was_sent(
    simulator: SimulatorProcess, by_hand: bool, name: str
) -> None:
    fields = callback(answer_to(simulator, by_hand, contradicting=[name])).fields

    assert fields[name] != GOOD[name]
    assert all(fields[other] == GOOD[other] for other in fields if other in GOOD and other != name)


def test_a_behaviour_holds_for_one_request(simulator: SimulatorProcess) -> None:
    simulator.set_behaviour(RUN, codes=["300"])
    first, second = (callback(log_in(post(simulator))) for _ in range(2))

    assert first.action == ERROR_URL
    assert second.action == SUCCESS_URL


def test_a_behaviour_waits_for_its_student(simulator: SimulatorProcess) -> None:
    simulator.set_behaviour(RUN_WITH_K.upper(), codes=["300"])
    somebody = callback(log_in(post(simulator)))
    student = callback(log_in(post(simulator, RunAlumno=RUN_WITH_K), RUN_WITH_K))

    assert somebody.action == SUCCESS_URL
    assert student.fields["GlosaError"] == "300"


def test_a_behaviour_without_a_run_is_for_anybody(simulator: SimulatorProcess) -> None:
    simulator.set_behaviour(codes=["300"])

    assert callback(log_in(post(simulator))).fields["GlosaError"] == "300"


def test_a_behaviour_waits_for_a_request_with_good_fields(simulator: SimulatorProcess) -> None:
    simulator.set_behaviour(RUN, codes=["300"])

    assert refusal(post(simulator, Token="x")) == "303"
    assert callback(log_in(post(simulator))).fields["GlosaError"] == "300"


def test_what_was_set_ahead_shows_in_the_login_and_can_be_changed_there(
    simulator: SimulatorProcess,
) -> None:
    simulator.set_behaviour(RUN, codes=["300"], other_codes="abc", delivery="late")
    received = post(simulator)
    page = requests.get(received.headers["Location"], timeout=TIMEOUT).text

    assert re.search(r'value="300"[^>]*checked', page)
    assert re.search(r'name="other_codes" value="abc"', page)
    assert re.search(r'value="late"[^>]*checked', page)
    assert callback(log_in(received, outcome="normal")).action == SUCCESS_URL


def test_an_error_without_codes_is_asked_again(simulator: SimulatorProcess) -> None:
    received = post(simulator)
    page = log_in(received, outcome="error")

    assert page.url == received.headers["Location"]
    assert "Marque o escriba al menos un código" in page.text
    assert "Datos de acceso no válidos" not in page.text


@pytest.mark.parametrize(
    "body",
    [
        {"next": {"outcome": "nothing"}},
        {"next": {"codes": ["999"]}},
        {"next": {"misspelt": True}},
        {"next": []},
        {"next": {"outcome": "error"}},
        {"next": None},
        {"run": RUN},
        [],
        "nada",
    ],
)
def test_a_misspelt_behaviour_is_refused(simulator: SimulatorProcess, body: Any) -> None:
    address = f"{simulator.sence_origin}/simulador/comportamiento"
    answer = requests.post(address, json=body, timeout=TIMEOUT)

    assert answer.status_code == 400


# The panel


def test_the_panel_shows_what_arrived_without_its_token(simulator: SimulatorProcess) -> None:
    misspelt = post(simulator, Token=None, Tokem=TOKEN)
    post(simulator)
    page = requests.get(f"{simulator.sence_origin}/simulador/", timeout=TIMEOUT).text

    assert refusal(misspelt) == "200"
    assert "attempt-1" in page
    assert "Rechazada al recibirla: 200" in page
    assert "Espera el ingreso" in page
    assert TOKEN not in page


def test_the_panel_sets_a_behaviour_with_a_form(simulator: SimulatorProcess) -> None:
    page = requests.post(
        f"{simulator.sence_origin}/simulador/comportamiento",
        data={"run": RUN, "outcome": "error", "codes": ["211"], "delivery": "late"},
        timeout=TIMEOUT,
    )

    assert page.status_code == 200
    assert "<li>Error 211</li>" in page.text
    assert "Tarde: cuando usted lo pida" in page.text
    assert callback(log_in(post(simulator))).fields["GlosaError"] == "211"


def test_the_panel_refuses_a_form_that_makes_no_sense(simulator: SimulatorProcess) -> None:
    page = requests.post(
        f"{simulator.sence_origin}/simulador/comportamiento",
        data={"outcome": "error"},
        timeout=TIMEOUT,
    )

    assert page.status_code == 400
    assert "Marque o escriba al menos un código" in page.text


def test_resetting_keeps_open_sessions_closable(simulator: SimulatorProcess) -> None:
    session_id = opened(simulator)
    simulator.set_behaviour(RUN, codes=["300"])
    simulator.reset()
    page = requests.get(f"{simulator.sence_origin}/simulador/", timeout=TIMEOUT).text
    received = post(simulator, page="CerrarSesion", IdSesionSence=session_id)

    assert "No hay ninguno" in page
    assert "attempt-1" not in page
    assert callback(log_in(received)).action == SUCCESS_URL


def test_every_page_says_that_it_is_a_simulator(simulator: SimulatorProcess) -> None:
    received = post(simulator)
    silent = answer_to(simulator, by_hand=False, delivery="none")
    pages = [
        requests.get(received.headers["Location"], timeout=TIMEOUT),
        requests.get(f"{simulator.login_origin}/clave", timeout=TIMEOUT),
        requests.get(f"{simulator.login_origin}/nada", timeout=TIMEOUT),
        requests.get(f"{simulator.sence_origin}/", timeout=TIMEOUT),
        requests.get(f"{simulator.sence_origin}/nada", timeout=TIMEOUT),
        requests.get(f"{simulator.sence_url}CerrarSesion", timeout=TIMEOUT),
        log_in(received),
        silent,
        post(simulator, UrlError=None),
        post(simulator, Token="x"),
    ]

    for page in pages:
        assert "nada de lo que haga aquí queda registrado en SENCE" in page.text
        assert "style=" not in page.text
        assert page.headers["Cache-Control"] == "no-store"
        assert "script-src 'self'" in page.headers["Content-Security-Policy"]


def test_neither_origin_serves_the_pages_of_the_other(simulator: SimulatorProcess) -> None:
    received = post(simulator)
    request_id = received.headers["Location"].rpartition("/")[2]
    on_login = f"{simulator.login_origin}/rcetest/Registro/IniciarSesion"
    on_sence = f"{simulator.sence_origin}/ingreso/{request_id}"

    assert requests.post(on_login, data=GOOD, timeout=TIMEOUT).status_code == 404
    assert requests.get(on_sence, timeout=TIMEOUT).status_code == 404


def test_its_style_and_script_are_its_own(simulator: SimulatorProcess) -> None:
    for origin in (simulator.sence_origin, simulator.login_origin):
        for name in ("simulator.css", "simulator.js"):
            answer = requests.get(f"{origin}/estatico/{name}", timeout=TIMEOUT)
            assert answer.status_code == 200
            assert "http" not in answer.text


# With what SENCE knows


def action(code: str, **changes: Any) -> dict[str, Any]:
    return {
        "code": code,
        "sence_code": "1237987654",
        "line": 3,
        "otec": OTEC,
        "starts_on": "2020-01-01",
        "ends_on": "2099-12-31",
        "modality": "e-learning",
        "state": "active",
        "runs": [RUN, RUN_WITH_K.upper()],
    } | changes


REGISTRY: dict[str, Any] = {
    "otecs": [
        {"rut": OTEC, "tokens": [TOKEN], "revoked_tokens": [REVOKED_TOKEN]},
        {"rut": OTHER_OTEC, "tokens": [OTHER_TOKEN]},
    ],
    "actions": [
        action("5123456"),
        action("PRESENCIAL", modality="presencial"),
        action("DE-OTRO-OTEC", otec=OTHER_OTEC),
        action("PASADA-1", ends_on="2020-12-31"),
        action("FUTURA-1", starts_on="2099-12-31"),
        action("TERMINADA", state="finished"),
        action("ANULADA-1", state="annulled"),
        action("RLAB-19-02-08-0071-1", line=1, sence_code=""),
    ],
}


@pytest.fixture(scope="module")
def informed() -> Iterator[SimulatorProcess]:
    with SimulatorProcess(REGISTRY) as process:
        yield process


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"CodigoCurso": "9999999"}, "205"),
        ({"RunAlumno": "22222222-2"}, "208"),
        ({"Token": OTHER_TOKEN}, "211"),
        ({"Token": REVOKED_TOKEN}, "212"),
        ({"CodigoCurso": "RLAB-19-02-08-0071-1"}, "301;306"),
        ({"LineaCapacitacion": "6"}, "301"),
        ({"Token": UNKNOWN_TOKEN}, "303"),
        ({"CodSence": "1230000000"}, "306"),
        ({"CodigoCurso": "PRESENCIAL"}, "307"),
        ({"CodigoCurso": "DE-OTRO-OTEC"}, "308"),
        ({"CodigoCurso": "PASADA-1"}, "309"),
        ({"CodigoCurso": "FUTURA-1"}, "309"),
        ({"CodigoCurso": "TERMINADA"}, "310"),
        ({"CodigoCurso": "ANULADA-1"}, "310"),
        ({"RutOtec": OTHER_OTEC}, "211;308"),
        ({"Token": "x"}, "303"),
        ({"CodSence": "1"}, "204;306"),
    ],
)
def test_with_a_registry_it_refuses_what_sence_knows_to_be_wrong(
    informed: SimulatorProcess, changes: dict[str, Any], codes: str
) -> None:
    assert refusal(post(informed, **changes)) == codes
    closing = post(informed, page="CerrarSesion", IdSesionSence="x", **changes)
    assert refusal(closing) == codes


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"Token": TOKEN.upper()},
        {"RunAlumno": RUN_WITH_K},
        {"LineaCapacitacion": "1", "CodSence": "", "CodigoCurso": "RLAB-19-02-08-0071-1"},
        {"CodSence": "-1", "CodigoCurso": "-1", "RunAlumno": "22222222-2"},
        {"RutOtec": OTHER_OTEC, "Token": OTHER_TOKEN, "CodigoCurso": "DE-OTRO-OTEC"},
    ],
)
def test_with_a_registry_it_accepts_what_sence_knows_to_be_right(
    informed: SimulatorProcess, changes: dict[str, Any]
) -> None:
    assert post(informed, **changes).status_code == 302


# Starting and stopping


def run_simulator(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name != "DEBUG"}
    return subprocess.run(
        [sys.executable, "-m", "sence_simulator", *arguments],
        cwd=ROOT,
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


@pytest.mark.parametrize("environment", [{}, {"DEBUG": ""}, {"DEBUG": "false"}, {"DEBUG": "0"}])
def test_it_refuses_to_start_outside_debug(environment: dict[str, str]) -> None:
    ended = run_simulator("--port", "0", **environment)

    assert ended.returncode == 2
    assert "no se inicia fuera de desarrollo" in ended.stderr
    assert ended.stdout == ""


def test_it_refuses_a_port_that_is_taken(simulator: SimulatorProcess) -> None:
    port = simulator.sence_origin.rpartition(":")[2]
    ended = run_simulator("--port", port, DEBUG="true")

    assert ended.returncode == 2
    assert f"No se puede escuchar en el puerto {port}" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "No se puede leer el registro"),
        ("{", "no tiene la forma"),
        ("[]", "no tiene la forma"),
        ('{"otecs": []}', "le falta el dato 'actions'"),
        ('{"otecs": [], "actions": [{"code": 1}]}', "le falta el dato 'sence_code'"),
    ],
)
def test_it_refuses_a_registry_that_it_cannot_read(
    tmp_path: Any, content: str | None, sentence: str
) -> None:
    path = tmp_path / "registry.json"
    if content is not None:
        path.write_text(content)
    ended = run_simulator("--port", "0", "--registry", str(path), DEBUG="true")

    assert ended.returncode == 2
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_registry_with_an_impossible_date_is_refused() -> None:
    registry = copy.deepcopy(REGISTRY)
    registry["actions"][0]["ends_on"] = "2026-02-30"

    with pytest.raises(RuntimeError, match="no tiene la forma"):
        SimulatorProcess(registry).start()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly_and_says_nothing_of_what_it_saw(number: signal.Signals) -> None:
    simulator = SimulatorProcess().start()
    opened(simulator)
    post(simulator, Token="x")
    requests.get(f"{simulator.sence_origin}/nada", timeout=TIMEOUT)
    simulator.process.send_signal(number)

    assert simulator.process.wait(TIMEOUT) == 0
    assert simulator.errors() == ""
    assert simulator.stop() == 0


def test_it_listens_on_loopback_only(simulator: SimulatorProcess) -> None:
    """127.0.0.2 is loopback too: a socket bound to every address would answer there."""
    for origin in (simulator.sence_origin, simulator.login_origin):
        port = int(origin.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT):
            pass
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.2", port), timeout=TIMEOUT)


def test_it_imports_nothing_of_the_rest_of_the_project() -> None:
    sources = (ROOT / "sence_simulator").glob("*.py")
    imports = re.compile(
        r"^\s*(?:from|import)\s+(courses|attendance|errors_catalog|usecap_sence)\b", re.MULTILINE
    )

    assert not [path.name for path in sources if imports.search(path.read_text("utf-8"))]
