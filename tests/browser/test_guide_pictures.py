"""The guide's pictures, which come when the reader does and not before."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.devices import on_every_device

PICTURES = 7
LAZY_PX = 2_500
"""From how far away Chromium fetches what is lazy, on a slow network."""
HEIGHTS = "() => [...document.querySelectorAll('.guide *')].map((it) => it.offsetTop)"
OFFSET = """it => it.getBoundingClientRect().left
  - it.closest("figure").getBoundingClientRect().left"""
DISTANCE = """it => {
  const { top, bottom } = it.getBoundingClientRect();
  return Math.max(0, top - innerHeight, -bottom);
}"""


def read(student, place: str = "") -> Page:
    student.page.goto(f"{student.site}/guia/{place}", wait_until="networkidle")
    return student.page


def pictures(page: Page) -> list[Locator]:
    return page.locator(".guide").get_by_role("img").all()


def fetched(watch) -> set[str]:
    found = (re.search(r"/guide/([\w-]+)\.", request.url) for request in watch.requests)
    return {name[1] for name in found if name}


# Without JavaScript Chromium fetches every picture: what waits would tell how far one has read.
def test_who_does_not_scroll_fetches_no_picture(student, watch):
    first, *_ = pictures(read(student))

    assert fetched(watch) == set()

    # A wheel that turns before Chromium listens to it is lost.
    student.page.evaluate("distance => scrollBy(0, distance)", first.evaluate(DISTANCE) - 150)

    expect(first).to_have_js_property("complete", True)
    expect(first).not_to_be_in_viewport()
    assert fetched(watch) == {"rut"}


@on_every_device
def test_who_scrolls_sees_every_picture_and_nothing_moves(student, watch):
    page = read(student)
    before = page.evaluate(HEIGHTS)

    for picture in pictures(page):
        picture.scroll_into_view_if_needed()
        expect(picture).to_have_js_property("complete", True)
        assert picture.evaluate("it => it.naturalWidth") > 0
        assert picture.evaluate(OFFSET) == 0

    assert len(fetched(watch)) == PICTURES
    assert page.evaluate(HEIGHTS) == before


@pytest.mark.parametrize("place", ["#error-100", "#sin-cursos", "#ayuda"])
def test_who_is_sent_to_a_place_fetches_no_picture_far_from_it(student, watch, place):
    page = read(student, place)

    expect(page.locator(place)).to_be_in_viewport()
    near = [picture for picture in pictures(page) if picture.evaluate(DISTANCE) < LAZY_PX]
    assert len(fetched(watch)) <= len(near) < PICTURES


def test_a_picture_that_is_not_fetched_is_told_all_the_same(student, watch):
    page = read(student)

    assert len(pictures(page)) == PICTURES
    expect(pictures(page)[0]).to_have_accessible_name(re.compile("^La primera página"))
    assert fetched(watch) == set()
