"""The pages of the design: complete with DEBUG, absent without it."""

import re

import pytest
from django.conf import settings as project
from django.urls import reverse

from backoffice.design import ERRORS, MAILS, TOKENS
from tests.attendance_steps import requested
from usecap_sence.templatetags.public import public_static

ADDRESSES = [
    reverse("design:components"),
    reverse("design:social_preview"),
    *(reverse("design:error_page", args=[status]) for status in ERRORS),
    *(reverse("design:mail", args=[name]) for name in MAILS),
]
CSS = project.BASE_DIR / "static" / "usecap"

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("address", ADDRESSES)
def test_without_debug_there_is_no_such_page(client, address):
    page = client.get(address)

    assert page.status_code == 404
    assert "No encontramos esta página." in page.content.decode()


@pytest.mark.parametrize("address", ADDRESSES)
def test_with_debug_each_page_is_drawn(client, settings, address):
    settings.DEBUG = True

    page = client.get(address)

    status = re.search(r"errores/(\d+)", address)
    assert page.status_code == (int(status[1]) if status else 200)
    assert "USECAP" in page.content.decode()


def test_the_page_shows_every_colour_that_the_style_sheet_names():
    named = re.findall(r"--usecap-([\w-]+): #", (CSS / "site.css").read_text())
    light, dark = named[: len(named) // 2], named[len(named) // 2 :]

    assert light == dark == TOKENS
    assert re.findall(r"swatch-([\w-]+) ", (CSS / "design.css").read_text()) == TOKENS


@pytest.mark.parametrize("name", MAILS)
def test_a_mail_asks_nobody_for_a_picture_or_a_style(client, settings, name):
    settings.DEBUG = True

    html = client.get(reverse("design:mail", args=[name])).content.decode()

    assert 'href="http://localhost:8000/' in html
    assert "&lt;" not in html
    assert not re.search(r"<img|<link|<script|url\(|@import|src=", html)


def test_what_is_shared_of_any_page_shows_the_sites_picture_and_no_address_of_a_session(client):
    session = requested()

    page = client.get(session.get_absolute_url()).content.decode()
    shared = dict(re.findall(r'<meta property="og:([\w:]+)" content="([^"]*)"', page))

    assert shared["url"] == "http://localhost:8000/"
    assert shared["image"] == public_static("usecap/preview.png")
    assert shared["image"].startswith("http://localhost:8000/static/")
    assert str(session.public_id) not in "".join(shared.values())
