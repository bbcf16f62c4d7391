"""USECAP's guide on the site."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings as site
from django.test import Client
from django.urls import reverse
from PIL import Image

from errors_catalog import catalogue
from errors_catalog.models import ContactDetails, HelpText, SenceError

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client: Client) -> str:
    response = client.get("/guia/")
    assert response.status_code == 200
    return response.content.decode()


def test_the_guide_is_where_the_help_button_leads():
    assert reverse("errors_catalog:guide") == "/guia/"


def test_the_rut_of_the_example_stays_on_one_line(page):
    """A browser may break a line after its hyphen."""
    assert '<span class="text-nowrap">12345678-9</span>' in page


def test_the_whole_guide_is_there_in_its_order(page):
    headings = re.findall(r"<h[123][^>]*>(.*?)</h[123]>", page)
    assert headings == [
        "Guía Asistencia Sence",
        "Contenidos",
        "1. Introducción",
        "2. Primer acceso",
        "2.1. Obtener Clave Única",
        "2.2. Recuperar Clave Única",
        "3.1. Iniciar el tiempo de asistencia",
        "3.2. Posibles errores",
        *(f"Número Error: {error.code}" for error in catalogue.known_errors()),
        "3.3. Asistencia con Sence",
    ]


def test_every_link_inside_the_guide_leads_somewhere(page):
    ids = re.findall(r'id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    targets = set(re.findall(r'href="#([^"]+)"', page))
    assert targets <= set(ids)
    assert {"introduccion", "errores", "error-100", "error-313"} <= targets


def test_the_places_that_other_pages_lead_to_are_there(page):
    templates = (site.BASE_DIR / "templates").rglob("*.html")
    text = "".join(template.read_text(encoding="utf-8") for template in templates)
    places = set(re.findall(r"errors_catalog:guide' %}#([\w-]+)\"", text))
    assert {"sin-cursos", "nada-que-registrar", "clave", "recuperar", "cerrar"} <= places
    for place in places:
        assert f'id="{place}"' in page


def test_every_picture_is_shown_in_its_own_size_and_told_in_words(page):
    kept = (site.BASE_DIR / "static" / "usecap" / "guide").iterdir()
    pictures = Pictures()
    pictures.feed(page)
    shown = {Path(picture["src"]).name.split(".")[0]: picture for picture in pictures.found}
    assert len(shown) == len(pictures.found)
    assert {path.stem: Image.open(path).size for path in kept} == {
        name: (int(picture["width"]), int(picture["height"])) for name, picture in shown.items()
    }
    for picture in shown.values():
        assert len(picture["alt"].split()) > 5


def test_the_picture_that_comes_first_is_light():
    assert (site.BASE_DIR / "static" / "usecap" / "guide" / "rut.webp").stat().st_size < 8_000


class Pictures(HTMLParser):
    """The attributes of a page's pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.found.append(dict(attrs))


def test_every_error_of_the_catalogue_is_explained(page):
    for code in SenceError.objects.values_list("code", flat=True):
        assert f'id="error-{code}"' in page
    assert "Debe solicitar una nueva Cus, en la opción inferior" in page
    assert "{correo}" not in page


@pytest.mark.parametrize(
    "words",
    [
        *("“Continuar”", "“Inicia tu tiempo de asistencia Sence”", "“Cerrar Sesión Sence”"),
        *("“Cerrar ventana”", "“Tiempo Asistencia”", "“Seleccionar Curso:”", "12345678-9"),
        "“Asistencia correctamente ingresada”",
        "“Sesión correctamente cerrada”",
        "“El usuario no tiene cursos Sence registrados en Usecap.”",
        "las 3 horas continuas",
    ],
)
def test_the_screens_are_quoted_word_for_word(page, words):
    assert words in page


def test_the_guide_speaks_of_one_hour_in_the_singular(client, settings):
    settings.SENCE_SESSION_HOURS = 1
    assert "no sobrepase una hora continua." in client.get("/guia/").content.decode()


def test_the_guide_follows_what_staff_edit(client, settings):
    settings.SENCE_SESSION_HOURS = 4
    ContactDetails.objects.update(email="ayuda@usecap.cl")
    HelpText.objects.filter(key="opened").update(text="Asistencia lista")
    page = client.get("/guia/").content.decode()
    assert "las 4 horas continuas" in page
    assert "“Asistencia lista”" in page
    assert "cursos@usecap.cl" not in page
    assert 'href="mailto:ayuda@usecap.cl"' in page


def test_a_warm_guide_asks_the_database_nothing(client, page, django_assert_num_queries):
    with django_assert_num_queries(0):
        client.get("/guia/")


def test_the_guide_only_answers_reads(client):
    assert client.head("/guia/").status_code == 200
    assert client.post("/guia/").status_code == 405
