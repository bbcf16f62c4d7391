"""“¿No es usted?”: another person takes the phone."""

import pytest

from tests.attendance_steps import identified, opened, page, requested

pytestmark = pytest.mark.django_db

WAY = "¿No es usted? Cambiar el Rut"


def test_the_course_page_offers_to_change_the_rut():
    client = identified(requested().enrolment)
    assert WAY in client.get("/cursos/").content.decode()


@pytest.mark.parametrize("make", [requested, opened])
def test_a_sessions_page_offers_it_to_who_typed_the_rut_and_to_nobody_else(client, make):
    session = make()
    assert WAY in page(session, identified(session.enrolment))
    assert WAY not in page(session, client)


def test_pressing_it_forgets_the_rut_and_leads_to_the_first_page():
    client = identified(requested().enrolment)
    response = client.post("/otro-rut/")
    assert response.status_code == 303
    assert response["Location"] == "/"
    assert "no-store" in response["Cache-Control"]
    assert client.get("/cursos/")["Location"] == "/"


def test_pressing_it_twice_is_as_good_as_once(client):
    for _ in range(2):
        assert client.post("/otro-rut/")["Location"] == "/"


def test_no_link_of_another_site_can_make_one_be_forgotten(browser_client):
    session = requested()
    browser_client.cookies = identified(session.enrolment).cookies
    assert browser_client.post("/otro-rut/").status_code == 403
    assert browser_client.get("/otro-rut/").status_code == 405
    assert browser_client.get("/cursos/").status_code == 200


def test_the_session_that_was_open_stays_open():
    session = opened()
    client = identified(session.enrolment)
    client.post("/otro-rut/")
    assert client.post("/", {"rut": session.run})["Location"] == session.get_absolute_url()
