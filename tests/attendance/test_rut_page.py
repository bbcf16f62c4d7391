"""Step 1 of the guide: the RUT."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests.attendance_steps import answer, closing, opened, page, post, requested
from tests.factories import EnrolmentFactory, StudentFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def warm(client):
    """The catalogue is in the cache, as it is all day."""
    client.get("/")


def test_it_stands_as_the_guide_shows_it(client):
    text = client.get("/").content.decode()
    for quoted in (
        *("Rut:", "Ejemplo: 12345678-9", "Continuar", "Para obtener clave Única"),
        *("Obtener Clave Única", "Recuperar Clave Única", "Ayuda", "Guía Asistencia Sence"),
    ):
        assert quoted in text
    assert "Accesos de interés Sence" not in text
    assert 'href="/guia/"' in text
    assert "cursos@usecap.cl" in text


def test_drawing_it_asks_the_database_nothing(client, warm, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    "typed",
    ["10000013-k", "10000013-K", "10.000.013-k", "10.000.013-K", "10000013k", "10000013K",
     " 10000013-k ", "10000013 - K", "010000013-k"],
)  # fmt: skip
def test_a_rut_is_taken_however_it_is_typed(client, typed):
    enrolment = EnrolmentFactory(student=StudentFactory(run="10000013-k"))
    response = client.post("/", {"rut": typed})
    assert response.status_code == 303
    assert response["Location"] == "/cursos/"
    assert enrolment.action.course.name in client.get("/cursos/").content.decode()


def test_a_wrong_check_digit_is_said_at_once_without_looking_anything_up(
    client, warm, django_assert_num_queries
):
    with django_assert_num_queries(0):
        response = client.post("/", {"rut": "11111111-2"})
    assert response.status_code == 200
    assert "su dígito verificador no corresponde: revise el Rut." in response.content.decode()
    assert "rut" not in response.cookies


@pytest.mark.parametrize(
    "typed", ["", " ", "hola", "1", "1-9", "12345678-", "-", "11111111_1", "11111111-1\x00",
              "9" * 5000, "<script>", "11111111-1 or 1=1"],
)  # fmt: skip
def test_what_is_no_rut_is_said_without_looking_anything_up(
    client, warm, django_assert_num_queries, typed
):
    with django_assert_num_queries(0):
        response = client.post("/", {"rut": typed})
    assert response.status_code == 200
    text = response.content.decode()
    assert "invalid-feedback" in text
    assert "<script>" not in text.replace("<script src", "")
    assert "rut" not in response.cookies


def test_the_rut_travels_in_a_signed_cookie_and_in_no_url(client):
    enrolment = EnrolmentFactory()
    response = client.post("/", {"rut": enrolment.student.run})
    cookie = response.cookies["rut"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert not cookie["max-age"]
    assert cookie.value.count(":") == 2
    run = enrolment.student.run
    chosen = client.post("/cursos/", {"enrolment": enrolment.pk})
    for location in (response["Location"], chosen["Location"]):
        assert run.split("-")[0] not in location
    for path in ("/cursos/", chosen["Location"]):
        assert f"={run}" not in client.get(path).content.decode().replace('value="', "")


def test_the_cookie_is_secure_where_the_site_is(client, settings):
    settings.SESSION_COOKIE_SECURE = True
    assert client.post("/", {"rut": "11111111-1"}).cookies["rut"]["secure"]


@pytest.mark.parametrize("value", ["11111111-1", "11111111-1:1abc:xyz", "", "x" * 3000, "::"])
def test_a_cookie_of_ones_own_making_leads_back(client, value):
    client.cookies["rut"] = value
    response = client.get("/cursos/")
    assert response.status_code == 302
    assert response["Location"] == "/"


def test_a_signed_cookie_whose_rut_was_changed_leads_back(client):
    client.post("/", {"rut": "11111111-1"})
    client.cookies["rut"] = client.cookies["rut"].value.replace("11111111-1", "22222222-2")
    assert client.get("/cursos/")["Location"] == "/"


@pytest.mark.parametrize(("hours", "leads_back"), [(12, False), (13, True)])
def test_the_cookie_is_believed_for_twelve_hours(client, time_machine, hours, leads_back):
    time_machine.move_to("2026-11-23T12:00:00Z", tick=False)
    enrolment = EnrolmentFactory()
    client.post("/", {"rut": enrolment.student.run})
    time_machine.shift(timedelta(hours=hours))
    assert client.get("/cursos/").status_code == (302 if leads_back else 200)


def test_without_a_csrf_token_nothing_is_taken(browser_client):
    response = browser_client.post("/", {"rut": "11111111-1"})
    assert response.status_code == 403
    assert "permita las cookies" in response.content.decode()
    assert "rut" not in response.cookies


def come_back(session):
    return Client().post("/", {"rut": session.run})["Location"]


def test_who_has_a_session_open_lands_on_its_timer_and_can_close_it():
    session = opened()
    assert come_back(session) == session.get_absolute_url()
    assert "Cerrar Sesión Sence" in page(session)


def test_who_has_an_overlong_session_lands_on_it_until_it_is_set_aside(admin_user):
    session = opened(at=timezone.now() - timedelta(hours=4))
    assert come_back(session) == session.get_absolute_url()
    new = requested(session.enrolment)
    assert come_back(session) == "/cursos/"
    post(new, "open", answer(new))
    assert come_back(session) == new.get_absolute_url()
    new.refresh_from_db()
    new.mark_resolved(admin_user, "Revisada.", timezone.now())
    assert come_back(session) == "/cursos/"


def test_who_has_nothing_open_chooses_a_course():
    session = requested()
    assert come_back(session) == "/cursos/"
    post(session, "open", answer(session))
    post(session, "close", closing(session))
    assert come_back(session) == "/cursos/"


def test_an_open_session_that_needs_no_close_is_come_back_to_within_the_limit():
    enrolment = EnrolmentFactory(action__close_required=False)
    session = opened(enrolment, at=timezone.now() - timedelta(hours=2))
    assert come_back(session) == session.get_absolute_url()
    late = opened(EnrolmentFactory(action__close_required=False),
                  at=timezone.now() - timedelta(hours=4))  # fmt: skip
    assert come_back(late) == "/cursos/"
