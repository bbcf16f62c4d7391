"""The page of the design, the mails as they look, and the pictures that stand for the site."""

import io

import pytest
from PIL import Image

from backoffice.design import MAILS
from tests.browser.devices import DESKTOP, on
from tests.browser.pictures import ROOT
from tests.browser.test_pages import assert_axe_finds_nothing, assert_fits, assert_readable

# Of the structure of a site; a mail program shows a mail within its own.
NOT_OF_MAILS = "region, page-has-heading-one, landmark-one-main"
FILES = ROOT / "static" / "usecap"


def test_every_component_can_be_read_by_everyone(student, settings):
    settings.DEBUG = True

    student.page.goto(f"{student.site}/diseno/")

    assert_readable(student.page)


@pytest.mark.parametrize("name", MAILS)
def test_a_mail_can_be_read_by_everyone(student, settings, name):
    settings.DEBUG = True

    student.page.goto(f"{student.site}/diseno/correos/{name}/")

    for width in (640, 360, 320):
        student.page.set_viewport_size({"width": width, "height": 740})
        assert_fits(student.page, width)
    for scheme in ("light", "dark"):
        student.page.emulate_media(color_scheme=scheme)
        assert_axe_finds_nothing(student.page, but=NOT_OF_MAILS)


def drawn(page, address, width, height) -> Image.Image:
    page.set_viewport_size({"width": width, "height": height})
    page.goto(address)
    return Image.open(io.BytesIO(page.screenshot(omit_background=True)))


@pytest.mark.pictures
@on(desktop=DESKTOP)
def test_the_sites_pictures_are_drawn_from_its_own_sources(student, settings, request):
    """With `--pictures` they are written: the social preview and the icons."""
    settings.DEBUG = True
    icon = f"{student.site}/static/usecap/icon.svg"
    pictures = {
        "preview.png": drawn(student.page, f"{student.site}/diseno/vista-previa/", 1200, 630),
        "icon-32.png": drawn(student.page, icon, 32, 32),
        "apple-touch-icon.png": drawn(student.page, icon, 180, 180),
        "root/favicon.ico": drawn(student.page, icon, 48, 48),
    }

    for name, picture in pictures.items():
        if request.config.getoption("pictures"):
            colours = picture.quantize(64) if name == "preview.png" else picture
            colours.save(FILES / name, optimize=True)
        kept = Image.open(FILES / name)
        assert kept.size == picture.size
