"""What a phone has to fetch before it shows a page."""

import gzip

import pytest
from django.test import Client

from tests.attendance_steps import opened
from tests.backoffice.staff import browser_of, member
from usecap_sence import trimmed_bootstrap

pytestmark = pytest.mark.django_db
COMPRESSED = {"accept-encoding": "gzip"}


def test_the_style_sheet_has_what_the_pages_use():
    message = "The pages name other classes now: run `make styles`."
    assert trimmed_bootstrap.WRITTEN.read_text(encoding="utf-8") == trimmed_bootstrap.trimmed(), (
        message
    )


def test_the_trimmed_sheet_keeps_what_is_used_and_drops_the_rest():
    sheet = trimmed_bootstrap.trimmed()
    assert ".btn-primary{" in sheet
    assert ".form-control.is-invalid" in sheet
    assert ".carousel" not in sheet
    assert "--bs-orange" not in sheet
    assert sheet.count("{") == sheet.count("}")


def test_pages_are_compressed(client: Client):
    page = client.get("/", headers=COMPRESSED)
    assert page["Content-Encoding"] == "gzip"
    assert "Ingrese su Rut" in gzip.decompress(page.content).decode()
    assert "Content-Encoding" not in client.get("/")


def test_an_export_is_left_as_it_is():
    opened()
    exported = browser_of(member("Coordinador")).post(
        "/admin/attendance/attendancesession/exportar/", {"format": "csv"}, headers=COMPRESSED
    )
    assert exported["Content-Type"].startswith("text/csv")
    assert "Content-Encoding" not in exported
