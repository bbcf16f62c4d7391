"""Steps 3 to 5 of the guide: one page for the whole life of a session."""

import re
import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from attendance.models import AttendanceSession, StaffAlert
from courses.models import Otec
from tests.attendance_steps import answer, closing, identified, opened, page, post, requested
from tests.factories import EnrolmentFactory

pytestmark = pytest.mark.django_db

OPENING = [
    "RutOtec", "Token", "CodSence", "CodigoCurso", "LineaCapacitacion", "RunAlumno",
    "IdSesionAlumno", "UrlRetoma", "UrlError",
]  # fmt: skip


def form_for_sence(text):
    """Return where the page's form for SENCE goes, and its fields."""
    (form,) = re.findall(r'<form[^>]*class="sence-form".*?</form>', text, re.S)
    fields = re.findall(r'<input[^>]*name="([^"]*)" value="([^"]*)"', form)
    assert len(fields) == form.count("<input")
    return re.search(r'action="([^"]*)"', form).group(1), dict(fields)


def test_the_form_that_opens_has_exactly_the_manuals_fields():
    session = requested()
    url, fields = form_for_sence(page(session))
    assert url == "http://127.0.0.1:8001/rcetest/Registro/IniciarSesion"
    assert sorted(fields) == sorted(OPENING)
    base = f"http://localhost:8000/sence/{session.nonce}/inicio/"
    assert fields == {
        "RutOtec": session.otec_rut,
        "Token": session.otec.token(),
        "CodSence": session.sence_code,
        "CodigoCurso": session.action_code,
        "LineaCapacitacion": "3",
        "RunAlumno": session.run,
        "IdSesionAlumno": session.student_session_id,
        "UrlRetoma": base,
        "UrlError": f"{base}error/",
    }


def test_the_form_that_closes_has_sences_id_too():
    session = opened()
    url, fields = form_for_sence(page(session))
    assert url == "http://127.0.0.1:8001/rcetest/Registro/CerrarSesion"
    assert sorted(fields) == sorted([*OPENING, "IdSesionSence"])
    assert fields["IdSesionSence"] == "sence-1"
    assert fields["UrlRetoma"] == f"http://localhost:8000/sence/{session.nonce}/cierre/"
    assert fields["UrlError"] == f"http://localhost:8000/sence/{session.nonce}/cierre/error/"


def test_production_goes_to_production():
    session = requested(EnrolmentFactory(action__environment="production"))
    url, _ = form_for_sence(page(session))
    assert url == "http://127.0.0.1:8001/rce/Registro/IniciarSesion"


def test_no_field_of_the_form_is_longer_than_the_manual_allows():
    _, fields = form_for_sence(page(opened()))
    longest = {"RutOtec": 10, "Token": 36, "CodSence": 10, "CodigoCurso": 50, "RunAlumno": 10}
    longest |= {"IdSesionAlumno": 149, "IdSesionSence": 149, "UrlRetoma": 100, "UrlError": 100}
    for name, most in longest.items():
        assert 0 < len(fields[name]) <= most


@pytest.mark.parametrize("make", [requested, opened])
def test_the_form_is_on_a_page_that_no_cache_keeps_and_holds_no_token_of_ours(client, make):
    session = make()
    response = client.get(session.get_absolute_url())
    assert "no-store" in response["Cache-Control"]
    _, fields = form_for_sence(response.content.decode())
    assert "csrfmiddlewaretoken" not in fields
    assert response.content.decode().count(session.otec.token()) == 1


def test_the_address_never_changes_while_the_page_does():
    session = requested()
    assert "Inicia tu tiempo de asistencia Sence" in page(session)
    post(session, "open", answer(session))
    text = page(session)
    for quoted in (
        *("Asistencia correctamente ingresada", "Tiempo Asistencia", "0:00:0"),
        *("Recuerde que debes cerrar tu sesión antes de 3 horas continuas",),
        *("Cerrar Sesión Sence", "Cerrar ventana", session.course_name),
        *("Accesos de interés Sence (Clave Sence)", "Registrar CUS", "Solicitar nueva CUS"),
        *("Cambiar Cus", "Actualizar Datos", "Ayuda", "Guía Asistencia Sence"),
    ):
        assert quoted in text
    post(session, "close", closing(session))
    text = page(session)
    assert "Sesión correctamente cerrada" in text
    assert "Cerrar ventana" in text
    assert "sence-form" not in text


def test_the_hours_follow_the_setting(settings):
    settings.SENCE_SESSION_HOURS = 5
    assert "antes de 5 horas continuas" in page(opened())


def test_the_rut_is_shown_to_who_typed_it_and_to_nobody_else(client):
    session = requested()
    shown = f'<span class="run-value">{session.run}</span>'
    assert shown in page(session, identified(session.enrolment))
    assert shown not in page(session, client)
    assert shown not in page(session, identified(EnrolmentFactory()))


@pytest.mark.parametrize(
    ("minutes", "seconds", "tone"),
    [
        (0, 0, "normal"), (169, 59, "normal"), (170, 0, "near"), (180, 0, "near"),
        (180, 1, "past"), (600, 0, "past"),
    ],
)  # fmt: skip
def test_the_timer_warns_ten_minutes_before_the_limit_and_changes_its_tone_after_it(
    time_machine, client, minutes, seconds, tone
):
    time_machine.move_to("2026-11-23T12:00:00Z", tick=False)
    session = opened(EnrolmentFactory())
    elapsed = timedelta(minutes=minutes, seconds=seconds)
    time_machine.shift(elapsed)
    text = page(session)
    assert f'data-tone="{tone}"' in text
    hours, rest = divmod(int(elapsed.total_seconds()), 3600)
    assert f"{hours}:{rest // 60:02}:{rest % 60:02}" in text
    response = client.get(f"{session.get_absolute_url()}reloj/")
    assert response["Content-Type"] == "application/json"
    assert "no-store" in response["Cache-Control"]
    assert response.json() == {
        "elapsed": int(elapsed.total_seconds()), "limit": 10800, "warning": 600, "tone": tone,
        "state": "open",
    }  # fmt: skip


def test_the_clock_tells_the_other_tab_of_a_close(client):
    session = opened()
    post(session, "close", closing(session))
    assert client.get(f"{session.get_absolute_url()}reloj/").json()["state"] == "closed"


def test_past_the_limit_the_page_offers_a_new_session_and_still_the_close():
    text = page(opened(at=timezone.now() - timedelta(hours=4)))
    assert "Iniciar una nueva sesión" in text
    assert "Cerrar Sesión Sence" in text
    assert 'href="/guia/#cerrar"' in text


def test_a_course_that_needs_no_close_thanks_and_asks_for_none():
    text = page(opened(EnrolmentFactory(action__close_required=False)))
    assert "Asistencia correctamente ingresada" in text
    assert "Gracias: su asistencia ya está registrada." in text
    assert "sence-form" not in text
    assert "Cerrar Sesión Sence" not in text


def test_a_session_set_aside_while_it_waits_offers_the_way_on_and_no_form_for_sence():
    enrolment = EnrolmentFactory()
    old = requested(enrolment, at=timezone.now() - timedelta(hours=4))
    new = requested(enrolment)
    text = page(old)
    assert "Usted inició después una sesión más nueva en este curso." in text
    assert "sence-form" not in text
    assert old.otec.token() not in text
    client = identified(enrolment)
    client.get(old.get_absolute_url())
    response = client.post(f"{old.get_absolute_url()}reintentar/")
    assert response["Location"] == new.get_absolute_url()


def test_a_session_that_staff_resolved_while_it_waited_offers_no_form_for_sence(admin_user):
    session = requested()
    session.mark_resolved(admin_user, "No volvió.", timezone.now())
    text = page(session)
    assert "Nuestro equipo revisó esta sesión" in text
    assert "sence-form" not in text


def test_a_superseded_session_that_is_open_can_still_be_closed():
    enrolment = EnrolmentFactory()
    old = opened(enrolment, at=timezone.now() - timedelta(hours=4))
    requested(enrolment)
    assert form_for_sence(page(old))[1]["IdSesionSence"] == "sence-1"


@pytest.mark.parametrize("below", ["", "reloj/"])
def test_an_unknown_session_is_not_found(client, below):
    response = client.get(f"/asistencia/{uuid.uuid4()}/{below}")
    assert response.status_code == 404
    assert "No encontramos esta página" in response.content.decode()


def test_an_unknown_session_is_not_retried(client):
    assert client.post(f"/asistencia/{uuid.uuid4()}/reintentar/").status_code == 404


@pytest.mark.parametrize("path", ["/asistencia/1/", "/asistencia/", "/asistencia/x/reloj/"])
def test_what_is_no_address_is_not_found(client, path):
    assert client.get(path).status_code == 404


def test_nothing_is_posted_to_the_page(client):
    session = requested()
    assert client.post(session.get_absolute_url()).status_code == 405


@pytest.mark.parametrize("make", [requested, opened])
def test_the_page_is_one_query(client, make, django_assert_num_queries):
    session = make()
    client.get(session.get_absolute_url())
    with django_assert_num_queries(1):
        client.get(session.get_absolute_url())


def test_the_page_of_an_error_is_one_query(client, django_assert_num_queries):
    session = requested()
    post(session, "open", answer(session, GlosaError="211;204"), error=True)
    client.get(session.get_absolute_url())
    with django_assert_num_queries(1):
        client.get(session.get_absolute_url())


def test_a_refusal_of_which_no_error_is_kept_is_shown_all_the_same():
    session = requested()
    AttendanceSession.objects.filter(pk=session.pk).update(rejected_at=timezone.now())
    text = page(session)
    assert "Volver a intentar" in text
    assert "mailto:?" not in text


def test_what_sence_says_is_escaped():
    session = requested()
    post(session, "open", answer(session, IdSesionSence='"><script>alert(1)</script>'))
    assert "<script>alert" not in page(session)


def test_the_public_id_does_not_tell_the_nonce():
    session = requested()
    assert session.nonce not in session.get_absolute_url()
    assert str(session.public_id) not in session.nonce


NO_ANSWER = "Sence todavía no nos informa de su ingreso."
BEFORE = "Se dirigirá a la plataforma Sence"


def test_a_session_that_was_just_asked_for_explains_what_comes(client):
    text = page(requested(), client)
    assert BEFORE in text
    assert NO_ANSWER not in text


def test_who_sees_its_start_button_again_reads_that_no_answer_came_and_how_to_go_on(client):
    session = requested()
    page(session, client)
    text = page(session, client)
    assert NO_ANSWER in text
    assert BEFORE not in text
    assert "Sence todavía no responde · USECAP" in text
    for way_on in (
        *("Inicia tu tiempo de asistencia Sence", "Ver si Sence ya respondió"),
        *('href="/guia/#recuperar"', 'href="/guia/#clave"', "Elegir otro curso"),
    ):
        assert way_on in text


@pytest.mark.parametrize(("seconds", "says_so"), [(60, False), (61, True)])
def test_on_another_phone_a_session_asked_for_a_while_ago_says_so_too(
    client, time_machine, seconds, says_so
):
    time_machine.move_to("2026-11-23T12:00:00Z", tick=False)
    session = requested()
    time_machine.shift(timedelta(seconds=seconds))
    assert (NO_ANSWER in page(session, client)) is says_so


def test_an_answer_that_contradicts_is_not_called_missing(client):
    session = requested()
    page(session, client)
    post(session, "open", answer(session, RunAlumno="22222222-2"))
    text = page(session, client)
    assert "no corresponde a esta sesión" in text
    assert NO_ANSWER not in text


def test_what_the_browser_remembers_of_having_seen_it_names_nobody(client):
    session = requested()
    cookie = client.get(session.get_absolute_url()).cookies["visto"]
    assert cookie.value == "1"
    assert cookie["path"] == session.get_absolute_url()
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


@pytest.mark.parametrize(
    ("minutes", "title"),
    [(169, "Asistencia en curso"), (170, "Quedan menos de 10 minutos"),
     (180, "Quedan menos de 10 minutos"), (181, "Cierre su sesión ahora")],
)  # fmt: skip
def test_the_tabs_title_tells_the_time_too(time_machine, minutes, title):
    time_machine.move_to("2026-11-23T12:00:00Z", tick=False)
    session = opened()
    time_machine.shift(timedelta(minutes=minutes))
    assert f"<title>{title} · USECAP</title>" in page(session)


def test_closing_the_window_of_an_open_session_is_not_closing_the_session():
    session = opened()
    assert "Puede cerrar esta ventana: su tiempo sigue corriendo." in page(session)
    post(session, "close", closing(session))
    assert "Ya puede cerrar esta ventana." in page(session)


def test_a_session_that_sence_opened_after_staff_resolved_it_can_be_come_back_to_and_closed(
    admin_user,
):
    session = requested()
    session.mark_resolved(admin_user, "No volvió.", timezone.now())
    post(session, "open", answer(session))
    back = Client().post("/", {"rut": session.run})
    assert back["Location"] == session.get_absolute_url()
    text = page(session)
    assert "Cerrar Sesión Sence" in text
    assert "Tiempo Asistencia" in text


def test_a_page_without_a_token_that_is_looked_at_again_alerts_staff_once():
    session = opened()
    Otec.objects.update(token_ciphertext="")
    for _ in range(3):
        page(session)
    assert StaffAlert.objects.get().count == 1


@pytest.mark.parametrize(
    ("glosa", "place", "words"),
    [
        ("208", "error-208", "Error 208 en la guía"),
        ("999", "errores", "Errores de Sence en la guía"),
        ("", "errores", "Errores de Sence en la guía"),
    ],
)
def test_an_error_leads_to_its_place_in_the_guide(client, glosa, place, words):
    session = requested()
    post(session, "open", answer(session, GlosaError=glosa), error=True)
    assert f'href="/guia/#{place}">{words}</a>' in page(session)
    assert f'id="{place}"' in client.get("/guia/").content.decode()
