"""The pages for what goes wrong: their status, and that they need nothing that may be broken."""

import pytest
from django.test import Client

from attendance.models import SenceCallback
from tests.attendance_steps import callback_path, requested
from tests.database_away import database_away

MEGABYTE = 1024 * 1024
FORM = "application/x-www-form-urlencoded"

pytestmark = pytest.mark.django_db


@pytest.fixture
def broken(settings):
    """A client of a site with an address for each thing that breaks."""
    settings.ROOT_URLCONF = "tests.browser.broken_urls"
    return Client(raise_request_exception=False)


@pytest.fixture
def cache_away(settings):
    """A cache that answers every question with an error."""
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
            "LOCATION": "/dev/null",
        }
    }


@pytest.mark.parametrize("body", [b"rut=" + b"1" * 3 * MEGABYTE, b"&".join([b"a=1"] * 2000)])
def test_more_than_the_site_takes_gets_a_page_of_its_own(browser_client, body):
    # Who has no cookie of ours is refused before the body is looked at.
    browser_client.get("/")
    response = browser_client.post("/", body, content_type=FORM)

    assert response.status_code == 413
    assert "Lo que envió es demasiado grande para esta página." in response.content.decode()


def test_an_answer_of_sences_of_any_size_is_kept_all_the_same(browser_client):
    path = callback_path(requested(), "open")

    response = browser_client.post(path, b"GlosaError=" + b"1" * 3 * MEGABYTE, content_type=FORM)

    assert response.status_code == 303
    assert SenceCallback.objects.count() == 1


def test_what_else_is_no_request_is_400(broken):
    response = broken.get("/roto/400")

    assert response.status_code == 400
    assert "No pudimos leer lo que envió su navegador." in response.content.decode()


def test_who_asks_too_often_is_told_when_to_come_back(broken):
    response = broken.get("/roto/429")

    assert (response.status_code, response["Retry-After"]) == (429, "90")
    assert response["Cache-Control"] == "no-store"
    assert "Espere 2 minutos e inténtelo de nuevo." in response.content.decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (500, "No pudimos mostrar esta página."),
        (503, "El sitio no está disponible por un momento."),
    ],
)
def test_while_the_database_is_away_the_pages_that_say_so_are_whole(broken, status, sentence):
    with database_away():
        response = broken.get(f"/roto/{status}")

    page = response.content.decode()
    assert response.status_code == status
    assert response["Cache-Control"] == "no-store"
    assert sentence in page
    assert "cursos@usecap.cl" in page


@pytest.mark.parametrize("status", [500, 503])
def test_where_not_even_their_texts_can_be_had_a_page_that_needs_nothing_is_shown(
    broken, cache_away, status
):
    response = broken.get(f"/roto/{status}")

    assert response.status_code == status
    assert "El sitio no está disponible por un momento." in response.content.decode()
    assert "{%" not in response.content.decode()


@pytest.mark.parametrize("status", [400, 403, 413, 429, 500, 503])
def test_a_page_about_an_error_repeats_nothing_that_was_sent(broken, status):
    page = broken.get(f"/roto/{status}", {"rut": "11111111-1"}).content.decode()

    assert "11111111" not in page
