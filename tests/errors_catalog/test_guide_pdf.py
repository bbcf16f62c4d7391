"""The guide as a PDF, read back."""

import io
import re
from collections.abc import Iterator

import pytest
from django.conf import settings as site
from django.core.exceptions import SuspiciousFileOperation
from django.test import Client
from pypdf import PdfReader

from errors_catalog import catalogue, guide_pdf
from errors_catalog.models import ContactDetails, SenceError

pytestmark = pytest.mark.django_db
PATH = "/guia/guia-asistencia-sence.pdf"


def fetch(client: Client) -> PdfReader:
    response = client.get(PATH)
    assert response.status_code == 200
    assert response["Content-Type"] == "application/pdf"
    return PdfReader(io.BytesIO(response.content))


def words(pdf: PdfReader) -> str:
    """Its text on one line: where lines break is the layout's business.

    pypdf reads a byte of each character as one more where a font lacks some other character.
    """
    return " ".join(" ".join(page.extract_text() for page in pdf.pages).replace("\0", "").split())


def addresses(pdf: PdfReader) -> set[str]:
    notes = [note.get_object() for page in pdf.pages for note in page.get("/Annots") or []]
    actions = [note["/A"] for note in notes if "/A" in note]
    return {action["/URI"] for action in actions if "/URI" in action}


def outline(pdf: PdfReader) -> list[str]:
    def flat(entries):
        for entry in entries:
            if isinstance(entry, list):
                yield from flat(entry)
            else:
                yield entry["/Title"]

    return list(flat(pdf.outline))


def alternatives(element) -> Iterator[str]:
    """What its structure says that pictures show."""
    element = element.get_object()
    if "/Alt" in element:
        yield element["/Alt"]
    children = element.get("/K", [])
    for child in children if isinstance(children, list) else [children]:
        if isinstance(child.get_object(), dict):
            yield from alternatives(child)


def test_it_has_the_guides_sections_in_their_order(client):
    page = client.get("/guia/").content.decode()
    headings = re.findall(r"<h[123][^>]*>(.*?)</h[123]>", page)
    assert outline(fetch(client)) == headings


def test_it_says_what_the_page_says_and_what_staff_edit(client):
    ContactDetails.objects.update(email="ayuda@usecap.cl", phones="(56) 2 1111 2222")
    SenceError.objects.filter(code="311").update(description="Otra persona ingresó.")
    pdf = fetch(client)
    text = words(pdf)
    assert "Otra persona ingresó." in text
    assert "“Asistencia correctamente ingresada”" in text
    for error in catalogue.known_errors():
        assert f"Número Error: {error.code} Descripción: {error.description}" in text
    assert {"mailto:ayuda@usecap.cl", "tel:+56211112222"} <= addresses(pdf)
    assert f"{site.PUBLIC_BASE_URL}/" in addresses(pdf)


def test_it_is_made_for_a_screen_reader(client):
    pdf = fetch(client)
    assert pdf.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert pdf.trailer["/Root"]["/Lang"] == "es-CL"
    assert pdf.metadata.title == "Guía Asistencia Sence · USECAP"
    described = re.findall(r'<img[^>]* alt="([^"]+)"', client.get("/guia/").content.decode())
    root = pdf.trailer["/Root"]["/StructTreeRoot"]
    assert sorted(alternatives(root)) == sorted(described)


HOSTILE = {
    "100": "x" * 500,
    "200": "漢字 🙂 \u202e al revés",
    "201": "<script>alert(1)</script>",
    "202": '<img src="file:///etc/passwd"> <link rel=attachment href="http://127.0.0.1:1/">',
    "203": "{% now %} {{ texts }} {correo",
}


def test_no_text_of_staffs_breaks_it(client):
    for code, text in HOSTILE.items():
        SenceError.objects.filter(code=code).update(description=text)
    pdf = fetch(client)
    text = words(pdf)
    assert "<script>alert(1)</script>" in text
    assert "{% now %} {{ texts }} {correo" in text
    assert "Número Error: 204" in text
    assert not pdf.attachments


def test_it_is_made_once_for_each_content(client):
    first = client.get(PATH)
    assert client.get(PATH, headers={"if-none-match": first["ETag"]}).status_code == 304
    assert client.get(PATH).content == first.content
    SenceError.objects.filter(code="311").update(solution="Otra solución.")
    catalogue.forget()
    assert client.get(PATH, headers={"if-none-match": first["ETag"]}).status_code == 200


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "http://127.0.0.1:1/static/usecap/pages.css",
        "http://localhost:8000/guia/",
        "http://localhost:8000/static/../manage.py",
        "http://localhost:8000/static/%2e%2e/manage.py",
        "http://localhost:8000/static/nothing.png",
    ],
)
def test_it_is_made_of_static_files_of_ours_alone(url):
    with pytest.raises((ValueError, OSError, SuspiciousFileOperation)):
        guide_pdf.StaticFiles().fetch(url)


def test_it_only_answers_reads(client):
    assert client.post(PATH).status_code == 405
