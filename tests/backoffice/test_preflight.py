"""Would SENCE accept an action: the page, the trial in its test environment, and check_sence."""

import re
from datetime import timedelta
from html import unescape
from urllib.parse import urlencode

import pytest
import requests
from django.contrib.admin.models import LogEntry
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from attendance.checks import check_public_base_url
from attendance.models import AttendanceSession, SenceCallback, StaffAlert
from attendance.sence.callback_urls import MAX_BASE_URL, MAX_URL
from attendance.sence.outgoing import form_url
from attendance.starting import preflight_action
from courses.models import Enrolment, Student
from sence_simulator.checks import field_codes
from tests.backoffice.staff import GROUPS, browser_of, member
from tests.factories import ActionFactory, EnrolmentFactory, OtecFactory
from tests.simulator_process import SimulatorProcess
from tests.test_simulator import Forms
from usecap_sence.logs import MaskingFormatter

pytestmark = pytest.mark.django_db
RUN = "12345678-5"
TOKEN = "11111111-2222-3333-4444-555555555555"


@pytest.fixture(autouse=True)
def _as_in_development(settings):
    """The settings' own checks, which the page asks too, allow the tests' addresses there alone."""
    settings.DEBUG = True


def page_of(action) -> str:
    return reverse("admin:courses_action_preflight", args=[action.pk])


def shown(client, action) -> dict:
    """The lines of the page by their label."""
    response = client.get(page_of(action))
    assert response.status_code == 200
    return {line.label: line for line in response.context["lines"]}


def wrong(client, action) -> set[str]:
    return {label for label, line in shown(client, action).items() if not line.ok}


def allow_a_wrong_run() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE courses_student DROP CONSTRAINT student_run_valid")


# The page


def test_an_action_in_order_has_nothing_to_correct(admin_client):
    action = EnrolmentFactory().action
    page = admin_client.get(page_of(action))
    assert not page.context["wrong"]
    text = page.content.decode()
    assert "Desde aquí no se ve nada que SENCE fuera a rechazar." in text
    assert text.count("Bien") == len(page.context["lines"]) == 10
    assert "Corregir" not in text
    assert TOKEN not in text


def test_the_action_and_its_list_lead_to_the_page(admin_client):
    action = ActionFactory()
    for page in (
        reverse("admin:courses_action_change", args=[action.pk]),
        reverse("admin:courses_action_changelist"),
    ):
        assert f'href="{page_of(action)}"' in admin_client.get(page).content.decode()


@pytest.mark.parametrize(
    ("change", "label"),
    [
        ({"ended": True}, "Fechas"),
        ({"token": ""}, "Token del OTEC"),
        ({"keys": []}, "Token del OTEC"),
        ({"base": "http://localhost:8000/" + "x" * 40}, "URL de vuelta"),
        ({"base": "http://" + "x" * MAX_BASE_URL + ".cl"}, "URL de vuelta"),
        ({"sence": "http://127.0.0.1:8001/rce"}, "Dirección de SENCE"),
        ({"hosts": ["http://localhost:8002"]}, "Dirección de SENCE"),
        ({"run": "1-1"}, "RUN de los alumnos"),
    ],
)
def test_what_is_wrong_says_so_in_words_with_its_remedy(admin_client, settings, change, label):
    enrolment = EnrolmentFactory()
    action = enrolment.action
    if "ended" in change:
        action.ends_on = timezone.localdate() - timedelta(days=1)
        action.save()
    if "token" in change:
        action.course.otec.token_ciphertext = ""
        action.course.otec.save()
    if "run" in change:
        allow_a_wrong_run()
        Student.objects.update(run=change["run"])
    settings.TOKEN_ENCRYPTION_KEYS = change.get("keys", settings.TOKEN_ENCRYPTION_KEYS)
    settings.PUBLIC_BASE_URL = change.get("base", settings.PUBLIC_BASE_URL)
    settings.SENCE_PRODUCTION_URL = change.get("sence", settings.SENCE_PRODUCTION_URL)
    settings.SENCE_FORM_HOSTS = change.get("hosts", settings.SENCE_FORM_HOSTS)
    lines = shown(admin_client, action)
    assert {name for name, line in lines.items() if not line.ok} == {label}
    assert lines[label].remedy
    page = unescape(admin_client.get(page_of(action)).content.decode())
    assert "hay 1 cosa que corregir" in page
    assert lines[label].remedy in page
    assert re.search(r"✗</span>\s+Corregir", page)


def test_codes_that_only_the_database_would_have_stopped_are_seen(admin_client):
    action = ActionFactory(course__training_line=3)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE courses_course DISABLE TRIGGER USER")
        cursor.execute("ALTER TABLE courses_action DISABLE TRIGGER USER")
        cursor.execute("ALTER TABLE courses_course DROP CONSTRAINT course_sence_code_fits_line")
        cursor.execute("ALTER TABLE courses_course DROP CONSTRAINT course_line_known")
        cursor.execute("UPDATE courses_course SET sence_code = '12', training_line = 5")
        cursor.execute("UPDATE courses_action SET code = '123'")
    assert wrong(admin_client, action) == {
        "Código de acción",
        "Código SENCE del curso",
        "Línea de capacitación",
    }


def test_a_missing_token_hides_nothing_else_that_is_wrong(settings):
    action = ActionFactory(course__otec__token="")
    action.course.otec.token_ciphertext = ""
    settings.PUBLIC_BASE_URL = "http://" + "x" * MAX_BASE_URL
    assert {refusal.field for refusal in preflight_action(action)} == {
        "Token",
        "UrlRetoma",
        "UrlError",
    }


def test_a_future_action_and_an_empty_one_are_in_order(admin_client):
    today = timezone.localdate()
    action = ActionFactory(starts_on=today + timedelta(days=1))
    lines = shown(admin_client, action)
    assert all(line.ok for line in lines.values())
    assert "todavía no se puede iniciar" in lines["Fechas"].found
    assert lines["RUN de los alumnos"].found == "Todavía no hay nadie inscrito"


def test_withdrawn_students_and_those_of_other_actions_are_not_counted(admin_client):
    action = ActionFactory()
    allow_a_wrong_run()
    EnrolmentFactory(action=action)
    EnrolmentFactory(action=action, is_exempt=True)
    EnrolmentFactory(action=action, withdrawn_at=timezone.now(), student__run="1-1")
    EnrolmentFactory(student__run="2-2")
    found = shown(admin_client, action)["RUN de los alumnos"]
    assert found.ok
    assert found.found == "Inscripciones activas: 2, de ellas becarios: 1"


def test_what_the_test_environment_means_is_said(admin_client):
    lines = shown(admin_client, ActionFactory(code="-1", course__sence_code="-1"))
    assert "nada de lo que se registre cuenta" in lines["Ambiente"].found
    assert lines["Código de acción"].found == "-1: SENCE no lo verifica"
    assert lines["Código SENCE del curso"].ok


@pytest.mark.parametrize("group", GROUPS)
def test_each_group_looks_at_actions_of_its_otecs_alone(group):
    mine, other = ActionFactory(), ActionFactory()
    client = browser_of(member(group, otecs=[mine.course.otec]))
    assert client.get(page_of(mine)).status_code == 200
    assert client.get(page_of(other)).status_code == 404
    assert client.post(page_of(other), {"run": RUN}).status_code in {403, 404}


def test_who_may_not_see_actions_sees_no_page():
    client = browser_of(member(None))
    assert client.get(page_of(ActionFactory())).status_code == 403
    assert Client().get(page_of(ActionFactory())).status_code == 302


def test_the_page_asks_the_database_the_same_for_1_student_and_for_30(admin_client):
    action, counts = ActionFactory(), []
    for students in (1, 29):
        EnrolmentFactory.create_batch(students, action=action)
        with CaptureQueriesContext(connection) as queries:
            admin_client.get(page_of(action))
        counts.append(len(queries))
    assert counts == [5, 5]


# The trial


def prepared(client, action) -> dict[str, str]:
    """The fields of the form that goes to SENCE, once the RUN was typed."""
    response = client.post(page_of(action), {"run": "12.345.678-5"})
    assert response.status_code == 200
    return response.context["fields"]


def answered(fields, *, error=False, **changes):
    """Post SENCE's answer as the browser does: cross-site, no cookie."""
    data = {
        "IdSesionAlumno": fields["IdSesionAlumno"],
        "IdSesionSence": "9",
        "RunAlumno": RUN,
    } | changes
    url = fields["UrlError" if error else "UrlRetoma"].removeprefix("http://localhost:8000")
    client = Client(enforce_csrf_checks=True)
    response = client.post(url, urlencode(data), content_type="application/x-www-form-urlencoded")
    assert response.status_code == 303
    assert not client.cookies
    return response.url


def messages_of(client, url: str) -> list[str]:
    response = client.get(url, follow=True)
    return [str(message) for message in response.context["messages"]]


@pytest.mark.parametrize("line", [1, 3, 6])
@pytest.mark.parametrize("environment", ["production", "test"])
def test_a_trial_goes_to_the_test_environment_with_codes_that_are_not_verified(
    settings, line, environment
):
    code = {"course__sence_code": ""} if line == 1 else {}
    action = ActionFactory(course__training_line=line, environment=environment, **code)
    client = browser_of(member("Administrador"))
    fields = prepared(client, action)
    page = client.post(page_of(action), {"run": RUN})
    assert f'action="{settings.SENCE_TEST_URL}IniciarSesion"' in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    assert settings.SENCE_PRODUCTION_URL not in page.content.decode()
    assert fields["CodigoCurso"] == "-1"
    assert fields["CodSence"] == ("" if line == 1 else "-1")
    assert fields["RunAlumno"] == RUN
    assert field_codes(fields, closing=False, test_environment=True) == []


def test_a_trial_that_sence_accepts_is_told_and_leaves_no_attendance():
    client, action = browser_of(member("Administrador")), ActionFactory()
    url = answered(prepared(client, action))
    assert RUN not in url
    assert "SENCE lo aceptó" in messages_of(client, url)[0]
    for model in (AttendanceSession, SenceCallback, StaffAlert, Enrolment, Student):
        assert not model.objects.exists()
    entry = LogEntry.objects.get()
    assert entry.object_id == str(action.pk)
    assert "SENCE lo aceptó" in entry.change_message


def test_a_trial_that_sence_refuses_says_its_codes_in_words():
    client, action = browser_of(member("Administrador")), ActionFactory()
    url = answered(prepared(client, action), error=True, GlosaError="212;204", IdSesionSence="")
    said = messages_of(client, url)[0]
    assert "SENCE respondió" in said
    assert "212: " in said
    assert "204: " in said


@pytest.mark.parametrize(
    ("error", "changes"),
    [
        (True, {}),
        (True, {"GlosaError": ""}),
        (False, {"IdSesionSence": ""}),
        (False, {"IdSesionAlumno": "otra"}),
    ],
)
def test_what_is_no_opening_is_not_told_as_one(error, changes):
    client, action = browser_of(member("Administrador")), ActionFactory()
    said = messages_of(client, answered(prepared(client, action), error=error, **changes))[0]
    assert "sin aceptarlo" in said


def test_an_answer_is_told_once_and_to_who_asked():
    action = ActionFactory()
    client, other = browser_of(member("Administrador")), browser_of(member("Administrador", "otra"))
    url = answered(prepared(client, action))
    assert "no es la de un inicio de prueba" in messages_of(other, url)[0]
    assert "SENCE lo aceptó" in messages_of(client, url)[0]
    assert "no es la de un inicio de prueba" in messages_of(client, url)[0]
    assert LogEntry.objects.count() == 1


@pytest.mark.parametrize("query", ["", "?respuesta=", "?respuesta=x", "?respuesta=%00"])
def test_an_answer_that_was_not_sealed_here_is_nobodys(query):
    client, action = browser_of(member("Administrador")), ActionFactory()
    prepared(client, action)
    url = reverse("admin:courses_action_trial_told") + query
    assert "no es la de un inicio de prueba" in messages_of(client, url)[0]


@pytest.mark.parametrize("body", [b"", b"\x00\xff", b"a=1&" * 3000, b"GlosaError=" + b"9;" * 60000])
def test_whatever_comes_back_breaks_nothing(body):
    client, action = browser_of(member("Administrador")), ActionFactory()
    url = prepared(client, action)["UrlRetoma"].removeprefix("http://localhost:8000")
    response = Client().post(url, body, content_type="application/x-www-form-urlencoded")
    assert response.status_code == 303
    assert len(response.url) < 1000
    assert messages_of(client, response.url)


class CutOff:
    """An upload whose browser went away."""

    def read(self, *_):
        raise OSError

    readline = read


def test_an_answer_that_was_cut_off_on_its_way_breaks_nothing():
    client, action = browser_of(member("Administrador")), ActionFactory()
    url = prepared(client, action)["UrlRetoma"].removeprefix("http://localhost:8000")
    response = Client().post(url, {"a": "b"}, **{"wsgi.input": CutOff()})
    assert response.status_code == 303
    assert "sin aceptarlo" in messages_of(client, response.url)[0]


def test_the_addresses_fit_whatever_base_the_checks_accept(settings):
    settings.PUBLIC_BASE_URL = f"https://{'a' * (MAX_BASE_URL - 11)}.cl"
    assert "attendance.E002" not in {error.id for error in check_public_base_url()}
    fields = prepared(browser_of(member("Administrador")), ActionFactory())
    assert len(fields["UrlError"]) <= MAX_URL
    assert field_codes(fields, closing=False, test_environment=True) == []


def test_the_nonce_of_a_trial_is_in_no_log(caplog):
    # Quieter in production.
    caplog.set_level("WARNING", logger="django.request")
    client, action = browser_of(member("Administrador")), ActionFactory()
    fields = prepared(client, action)
    path = fields["UrlError"].removeprefix("http://localhost:8000")
    nonce = path.split("/")[-3]
    Client().put(path)
    Client().post(path + "otra/")
    formatter = MaskingFormatter("{message}", style="{")
    logged = [formatter.format(record) for record in caplog.records]
    assert nonce in caplog.text
    assert not any(nonce in line for line in logged)


def test_looking_at_the_address_that_sence_comes_back_to_says_nothing():
    client, action = browser_of(member("Administrador")), ActionFactory()
    url = prepared(client, action)["UrlRetoma"].removeprefix("http://localhost:8000")
    assert Client().get(url).status_code == 303
    assert "no es la de un inicio de prueba" in messages_of(client, url)[0]


@pytest.mark.parametrize("group", ["Coordinador", "Auditor"])
def test_who_handles_no_tokens_tries_nothing(group):
    client, action = browser_of(member(group)), ActionFactory()
    assert "Inicio de prueba" not in client.get(page_of(action)).content.decode()
    response = client.post(page_of(action), {"run": RUN})
    assert response.status_code == 403
    assert TOKEN not in response.content.decode()


@pytest.mark.parametrize("typed", ["", "1-1", "12345678-4", "x" * 50])
def test_a_run_that_is_none_sends_nothing(typed):
    client, action = browser_of(member("Administrador")), ActionFactory()
    page = client.post(page_of(action), {"run": typed}).content.decode()
    assert "errorlist" in page
    assert TOKEN not in page


def test_a_trial_without_a_token_says_what_to_do():
    action = ActionFactory()
    action.course.otec.token_ciphertext = ""
    action.course.otec.save()
    client = browser_of(member("Administrador"))
    page = client.post(page_of(action), {"run": RUN}).content.decode()
    assert page.count("El OTEC no tiene token. Ingréselo en la ficha del OTEC.") == 2


def test_a_trial_whose_addresses_are_too_long_is_not_sent(settings):
    settings.PUBLIC_BASE_URL = "http://" + "x" * MAX_URL
    client, action = browser_of(member("Administrador")), ActionFactory()
    page = client.post(page_of(action), {"run": RUN}).content.decode()
    assert "supera 100 caracteres" in page
    assert TOKEN not in page


# The command


def checked(capsys, *arguments: str) -> tuple[int, str]:
    status = 0
    try:
        call_command("check_sence", *arguments)
    except SystemExit as end:
        status = int(end.code or 0)
    return status, capsys.readouterr().out


def test_the_command_checks_what_runs_or_will_run(capsys):
    today, day = timezone.localdate(), timedelta(days=1)
    ActionFactory(code="6111111", starts_on=today, ends_on=today)
    ActionFactory(code="6222222", starts_on=today + day)
    ActionFactory(code="6333333", starts_on=today - 9 * day, ends_on=today - day)
    status, said = checked(capsys, "--offline")
    assert status == 0
    assert "✓ Bien: 6111111" in said
    assert "✓ Bien: 6222222" in said
    assert "6333333" not in said
    assert "Acciones revisadas: 2. Por corregir: 0." in said


def test_the_command_ends_with_1_and_says_what_to_correct(capsys):
    action = ActionFactory(course__otec=OtecFactory(name="Sin token"))
    action.course.otec.token_ciphertext = ""
    action.course.otec.save()
    ActionFactory()
    status, said = checked(capsys, "--offline")
    assert status == 1
    assert f"✗ Corregir: {action.code}" in said
    assert "Token del OTEC: Falta. El OTEC no tiene token." in said
    assert "Por corregir: 1." in said
    assert TOKEN not in said


def test_the_command_tells_no_token(capsys):
    ActionFactory(course__otec__token="un-token-mal-escrito")
    status, said = checked(capsys, "--offline")
    assert status == 1
    assert "no tiene la forma de un GUID" in said
    assert "un-token-mal-escrito" not in said


def test_the_command_asks_the_database_the_same_for_1_action_and_for_10(capsys):
    counts = []
    for actions in (1, 9):
        for _ in range(actions):
            EnrolmentFactory()
        with CaptureQueriesContext(connection) as queries:
            checked(capsys, "--offline")
        counts.append(len(queries))
    assert counts == [2, 2]


def test_the_command_asks_whether_sence_answers(capsys, settings):
    with SimulatorProcess() as simulator:
        settings.SENCE_TEST_URL = simulator.sence_url
        settings.SENCE_PRODUCTION_URL = f"{simulator.sence_origin}/rce/Registro/"
        settings.SENCE_FORM_HOSTS = [simulator.sence_origin]
        status, said = checked(capsys)
    assert (status, said.count("responde\n")) == (0, 1)
    assert f"✓ Bien: {simulator.sence_origin}/ responde" in said
    status, said = checked(capsys)
    assert status == 1
    assert f"✗ Corregir: {simulator.sence_origin}/ no responde." in said


def test_offline_the_command_asks_nobody(capsys, settings):
    settings.SENCE_TEST_URL = settings.SENCE_PRODUCTION_URL = "http://127.0.0.1:9/rce/Registro/"
    status, said = checked(capsys, "--offline")
    assert status == 0
    assert "127.0.0.1" not in said


def test_a_trial_goes_through_the_simulator_and_comes_back(settings):
    action = ActionFactory()
    registry = {
        "otecs": [{"rut": action.course.otec.rut, "tokens": [TOKEN], "revoked_tokens": []}],
        "actions": [],
    }
    with SimulatorProcess(registry) as simulator:
        settings.SENCE_TEST_URL = simulator.sence_url
        client = browser_of(member("Administrador"))
        fields = prepared(client, action)
        login = post(form_url(simulator.sence_url, "open"), fields)
        sence = post(login.url, {"run": RUN, "password": "secreta"})
    (answer,) = Forms(sence.text).found
    assert answer.action == fields["UrlRetoma"]
    response = Client().post(
        answer.action.removeprefix("http://localhost:8000"),
        urlencode(answer.fields),
        content_type="application/x-www-form-urlencoded",
    )
    assert "SENCE lo aceptó" in messages_of(client, response.url)[0]


def post(url: str, data: dict) -> requests.Response:
    return requests.post(url, data, timeout=20)
