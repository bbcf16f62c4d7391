"""Whole pages drawn once for everybody: what must be each browser's own, and what must change."""

import re

import pytest
from django.core.cache import cache
from django.test import Client, override_settings
from django.urls import reverse

from attendance import sence_state
from errors_catalog import catalogue
from errors_catalog.models import ContactDetails

pytestmark = pytest.mark.django_db
RUT = reverse("attendance:rut")
PAGES = [RUT, reverse("errors_catalog:guide")]
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w{64})"')


def shown(path: str = RUT, browser: Client | None = None) -> str:
    return (browser or Client()).get(path).content.decode()


def test_each_browser_has_a_token_of_its_own_which_it_alone_can_use():
    one, other = (Client(enforce_csrf_checks=True) for _ in range(2))
    (first,), (second,) = (TOKEN.findall(shown(browser=browser)) for browser in (one, other))
    assert first != second
    typed = {"rut": "5126663-3", "csrfmiddlewaretoken": first}
    assert other.post(RUT, typed).status_code == 403
    assert one.post(RUT, typed).status_code == 303


def test_a_browser_that_comes_again_has_its_token_masked_anew():
    browser = Client()
    assert TOKEN.findall(shown(browser=browser)) != TOKEN.findall(shown(browser=browser))


def test_what_somebody_typed_wrong_is_shown_to_nobody_else():
    assert "1-2" in Client().post(RUT, {"rut": "1-2"}).content.decode()
    assert "1-2" not in TOKEN.sub("", shown())
    assert "is-invalid" not in shown()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_drawn_once(path):
    before = TOKEN.sub("", shown(path))
    with override_settings(TEMPLATES=[]):
        assert TOKEN.sub("", shown(path)) == before


@pytest.mark.parametrize("path", PAGES)
def test_what_staff_write_is_on_the_next_page(path):
    assert "nuevo@usecap.cl" not in shown(path)
    contact, _ = ContactDetails.objects.get_or_create()
    contact.email = "nuevo@usecap.cl"
    contact.save()
    assert "nuevo@usecap.cl" in shown(path)


def test_sences_trouble_comes_and_goes():
    trouble = catalogue.text("sence_failing")
    seen = []
    for failing in ((), ("production",), ()):
        cache.set(sence_state.KEY, frozenset(failing), sence_state.CACHE_SECONDS)
        seen.append(trouble in shown())
    assert seen == [False, True, False]
