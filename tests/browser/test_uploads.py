"""Rosters dropped on the upload page in a real browser: large, several at once, left alone, broken.

Nothing is left to how fast the machine is: the test holds the importer at a lock of its own, and
lets it go once the page has been looked at.
"""

import io
import os
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page, expect

from backoffice import uploads
from backoffice.models import RosterUpload
from courses.models import Enrolment, RosterImport, Student
from tests.backoffice.staff import member
from tests.browser.devices import DESKTOP, on
from tests.browser.test_desk_and_board import assert_for_everybody, light_and_dark
from tests.factories import OtecFactory, make_rut
from tests.rosters.makers import csv_bytes, person, table, xlsx_bytes
from tests.site_process import free_port, running_site

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LARGE, ROWS = 20 * 2**20, 12_000


@pytest.fixture
def browser_context_args(request: pytest.FixtureRequest) -> dict[str, Any]:
    return getattr(request, "param", DESKTOP)


@pytest.fixture(autouse=True)
def otec():
    return OtecFactory(name="USECAP")


@pytest.fixture
def coordinator():
    return member("Coordinador", "ana")


@pytest.fixture
def upload_page(page: Page, site: str, coordinator) -> Page:
    """The upload page of a coordinator who is logged in."""
    log_in(page.context, site, coordinator)
    return open_upload_page(page, site)


def log_in(context: BrowserContext, site: str, user) -> None:
    client = Client()
    client.force_login(user)
    name = django_settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": site}])


def open_upload_page(page: Page, site: str) -> Page:
    page.goto(f"{site}/admin/cargar/")
    expect(page.get_by_role("heading", name="Desde un archivo")).to_be_visible()
    return page


def drop(page: Page, content: bytes | Path, name: str = "inscritos.xlsx") -> None:
    """Choose the file and press the button; the page of the upload follows."""
    file = {"name": name, "mimeType": XLSX, "buffer": content}
    page.get_by_label("Archivo con los inscritos").set_input_files(
        content if isinstance(content, Path) else file
    )
    page.get_by_role("button", name="Revisar el archivo").click()
    shown = content.name if isinstance(content, Path) else name
    expect(page.get_by_role("heading", name=shown)).to_be_visible()


def expect_step(page: Page, step: str) -> None:
    """The page shows the step by itself, however long the work before it takes."""
    expect(page.get_by_text(f"{step}.", exact=True)).to_be_visible(timeout=120_000)


def confirm(page: Page, rows: int) -> None:
    expect_step(page, "Por confirmar")
    lines = "fila" if rows == 1 else "filas"
    page.get_by_role("button", name=f"Confirmar: cargar {rows} {lines}").click()


def expect_count(page: Page, label: str, count: int) -> None:
    shown = page.locator("dl.counts div").filter(has_text=label).locator("dd")
    expect(shown).to_have_text(str(count))


@contextmanager
def importer_held() -> Iterator[None]:
    """While the block runs no roster gets further than having been read."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext('courses.rosters'))")
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtext('courses.rosters'))")


@contextmanager
def next_upload_held() -> Iterator[None]:
    """While the block runs the next upload's work doesn't begin."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(last_value, 0) + 1 FROM pg_sequences"
            " WHERE sequencename = 'backoffice_rosterupload_id_seq'"
        )
        keys = [uploads.LOCKS, cursor.fetchone()[0]]
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", keys)
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", keys)


def settled() -> RosterUpload:
    """The latest upload, once nothing works on it."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        upload = RosterUpload.objects.defer("content").first()
        if upload and not upload.is_working:
            return upload
        time.sleep(0.1)
    raise AssertionError("the upload never settled")


def large_roster(path: Path) -> Path:
    """A CSV of 20 MB, as a platform that exports everything it knows makes them."""
    columns = (*table()[0], "observaciones")
    people = (person(n, observaciones=f"Observación {n}: " + "x" * 1_650) for n in range(ROWS))
    path.write_bytes(csv_bytes(table(*people, columns=columns)))
    assert path.stat().st_size > LARGE
    return path


def test_a_file_of_20_mb_is_checked_and_loaded_while_its_bar_moves(upload_page, tmp_path):
    with importer_held():
        with next_upload_held():
            drop(upload_page, large_roster(tmp_path / "plataforma.csv"))
            bar = upload_page.get_by_role("progressbar", name="Revisando el archivo…")
            expect(bar).to_have_js_property("value", 0)
        # The page is the same: it asked, and moved its bar.
        expect(bar).not_to_have_js_property("value", 0)
    confirm(upload_page, ROWS)
    expect_step(upload_page, "Cargado")
    expect_count(upload_page, "Creadas", ROWS)
    assert Enrolment.objects.count() == ROWS


def test_two_people_who_upload_at_once_both_get_their_rows_loaded(
    upload_page, new_context, site, coordinator
):
    other = new_context()
    log_in(other, site, member("Coordinador", "berta"))
    other_page = open_upload_page(other.new_page(), site)
    with importer_held():
        drop(upload_page, xlsx_bytes(table(person(1), person(2))), "de ana.xlsx")
        drop(other_page, xlsx_bytes(table(person(2), person(3))), "de berta.xlsx")
        expect_step(upload_page, "Revisando")
        expect_step(other_page, "Revisando")
    expect_step(other_page, "Por confirmar")
    expect_step(upload_page, "Por confirmar")
    with importer_held():
        confirm(upload_page, 2)
        confirm(other_page, 2)
        expect_step(upload_page, "Cargando")
        expect_step(other_page, "Cargando")
    expect_step(upload_page, "Cargado")
    expect_step(other_page, "Cargado")
    assert Enrolment.objects.count() == 3
    # Whoever came second found one of the two there already.
    created = RosterImport.objects.values_list("rows_created", "rows_unchanged")
    assert sorted(created) == [(1, 1), (2, 0)]


def test_the_work_goes_on_when_the_browser_is_closed_and_coming_back_shows_it(
    upload_page, new_context, site, coordinator
):
    def come_back() -> Page:
        context = new_context()
        log_in(context, site, coordinator)
        page = open_upload_page(context.new_page(), site)
        page.get_by_role("link", name="inscritos.xlsx").click()
        expect(page.get_by_role("heading", name="inscritos.xlsx")).to_be_visible()
        return page

    with importer_held():
        drop(upload_page, xlsx_bytes(table(person(1))))
        expect_step(upload_page, "Revisando")
        upload_page.context.close()
    assert settled().step == "checked"

    page = come_back()
    with importer_held():
        confirm(page, 1)
        expect_step(page, "Cargando")
        page.context.close()
    assert settled().step == "loaded"

    page = come_back()
    expect_step(page, "Cargado")
    expect_count(page, "Creadas", 1)


def test_the_same_file_twice_says_that_all_of_it_is_there(upload_page, site):
    content = xlsx_bytes(table(person(1)))
    drop(upload_page, content)
    confirm(upload_page, 1)
    expect_step(upload_page, "Cargado")
    upload_page.get_by_role("link", name="Cargar otro archivo").click()
    expect(upload_page.get_by_role("heading", name="Desde un archivo")).to_be_visible()
    drop(upload_page, content)
    expect_step(upload_page, "Por confirmar")
    expect(upload_page.get_by_text("todo está registrado ya")).to_be_visible()
    expect(upload_page.get_by_role("button", name="Confirmar")).to_have_count(0)


def test_the_same_file_from_two_tabs_loads_once(upload_page, site):
    content = xlsx_bytes(table(person(1)))
    other_tab = open_upload_page(upload_page.context.new_page(), site)
    for page in (upload_page, other_tab):
        drop(page, content)
        expect_step(page, "Por confirmar")
    for page in (upload_page, other_tab):
        confirm(page, 1)
        expect_step(page, "Cargado")
    expect_count(upload_page, "Creadas", 1)
    expect_count(other_tab, "Creadas", 0)
    assert Enrolment.objects.count() == 1


def zip_bomb() -> bytes:
    """An XLSX of a quarter of a megabyte whose sheet unpacks to 200 MB of rows."""
    row = b"<row><c><v>1</v></c></row>"
    bomb = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(xlsx_bytes(table(person(1))))) as good,
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as bad,
    ):
        for name in good.namelist():
            if name != "xl/worksheets/sheet1.xml":
                bad.writestr(name, good.read(name))
        with bad.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write(good.read("xl/worksheets/sheet1.xml").partition(b"<sheetData>")[0])
            sheet.write(b"<sheetData>")
            for _ in range(200):
                sheet.write(row * (2**20 // len(row)))
            sheet.write(b"</sheetData></worksheet>")
    return bomb.getvalue()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda page: page.pdf(), "El archivo es un PDF, no una tabla."),
        (lambda page: zip_bomb(), "al descomprimirse ocuparía cientos de veces su tamaño"),
    ],
    ids=["renamed PDF", "zip bomb"],
)
def test_what_only_looks_like_a_workbook_says_so_and_saves_nothing(upload_page, make, sentence):
    drop(upload_page, make(upload_page), "nómina.xlsx")
    expect_step(upload_page, "No se pudo leer")
    expect(upload_page.get_by_text(sentence)).to_be_visible()
    upload_page.get_by_role("link", name="Cargar otro archivo").click()
    expect(upload_page.get_by_role("heading", name="Desde un archivo")).to_be_visible()
    assert not Student.objects.exists()


@on(without_javascript=DESKTOP | {"java_script_enabled": False})
def test_without_javascript_a_link_shows_how_it_goes(upload_page):
    with importer_held():
        drop(upload_page, xlsx_bytes(table(person(1), person(2, rut="11111111-2"))))
        upload_page.get_by_role("link", name="Ver cómo va").click()
        expect_step(upload_page, "Revisando")
    settled()
    upload_page.reload()
    confirm(upload_page, 1)
    expect(upload_page.get_by_role("heading", name="inscritos.xlsx")).to_be_visible()
    settled()
    upload_page.reload()
    expect_step(upload_page, "Cargado")
    expect_count(upload_page, "Rechazadas", 1)


@contextmanager
def deployed(port: int) -> Iterator[str]:
    """The site under gunicorn, on this test's database, stopped at the end as by a deploy."""
    where = connection.get_connection_params()
    environment = os.environ | {
        "DATABASE_URL": f"postgres://{where['user']}@/{where['dbname']}"
        f"?host={where['host']}&port={where['port']}",
        "DJANGO_SETTINGS_MODULE": "tests.settings",
    }
    with running_site(environment, "--graceful-timeout=1", port=port) as site:
        yield site


def test_after_a_deploy_in_the_middle_the_page_says_so_and_the_file_is_checked_again(
    page, coordinator, watch
):
    port = free_port()
    with importer_held():
        with deployed(port) as site:
            log_in(page.context, site, coordinator)
            drop(open_upload_page(page, site), xlsx_bytes(table(person(1))))
            expect_step(page, "Revisando")
        # As if it had been a while ago: a thread has some seconds to begin.
        RosterUpload.objects.update(progress_at=timezone.now() - timedelta(minutes=1))
    with deployed(port):
        # The page that was left open notices by itself.
        expect(page.get_by_text("El trabajo se detuvo antes de terminar")).to_be_visible()
        page.get_by_role("button", name="Revisar de nuevo").click()
        confirm(page, 1)
        expect_step(page, "Cargado")
        page.goto("about:blank")
    assert Enrolment.objects.get().student.run == make_rut(11_000_001)
    watch.errors = [error for error in watch.errors if "ERR_CONNECTION_REFUSED" not in error]


@light_and_dark
def test_axe_finds_nothing_wrong_at_any_step_of_an_upload(upload_page, site):
    assert_for_everybody(upload_page)
    with importer_held():
        drop(upload_page, xlsx_bytes(table(person(1), person(2, rut="11111111-2"))))
        expect_step(upload_page, "Revisando")
        assert_for_everybody(upload_page)
    expect_step(upload_page, "Por confirmar")
    assert_for_everybody(upload_page)
    confirm(upload_page, 1)
    expect_step(upload_page, "Cargado")
    assert_for_everybody(upload_page)

    upload_page.get_by_role("link", name="Cargar otro archivo").click()
    expect(upload_page.get_by_role("heading", name="Últimas cargas")).to_be_visible()
    assert_for_everybody(upload_page)
    drop(upload_page, b"%PDF-1.7", "carta.xlsx")
    expect_step(upload_page, "No se pudo leer")
    assert_for_everybody(upload_page)

    long_ago = timezone.now() - timedelta(minutes=1)
    RosterUpload.objects.update(step="checking", progress_at=long_ago)
    upload_page.reload()
    expect(upload_page.get_by_text("El trabajo se detuvo")).to_be_visible()
    assert_for_everybody(upload_page)
