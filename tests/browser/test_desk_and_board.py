"""The desk, the board and the way into them, as everybody can use them: axe finds nothing."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.attendance_steps import answer, opened, post, requested
from tests.backoffice.staff import member
from tests.browser.devices import DESKTOP, PHONE, on
from tests.factories import ActionFactory, EnrolmentFactory

PASSWORD = "una-clave-larga"

light_and_dark = on(
    **{
        f"{device}-{scheme}": options | {"color_scheme": scheme}
        for device, options in (("phone", PHONE), ("desktop", DESKTOP))
        for scheme in ("light", "dark")
    }
)


@pytest.fixture
def action():
    """A running action with somebody in each of the board's columns, and an error of SENCE's."""
    action = ActionFactory(course__name="ALFABETIZACION DIGITAL")
    EnrolmentFactory.create_batch(2, action=action)
    EnrolmentFactory(action=action, is_exempt=True)
    opened(EnrolmentFactory(action=action))
    session = requested(EnrolmentFactory(action=action))
    post(session, "open", answer(session, GlosaError="204"), error=True)
    nobody_starts()
    return action


def nobody_starts() -> None:
    """The first students of another action all met the same error, and it is a tenth of all."""
    other = ActionFactory(course__name="OPERACIÓN DE GRÚA HORQUILLA Y SEGURIDAD EN BODEGAS")
    for _ in range(20):
        session = requested(EnrolmentFactory(action=other))
        post(session, "open", answer(session, GlosaError="309"), error=True)


@pytest.fixture
def desk(page: Page, site: str, action: Any) -> Page:
    """A coordinator who has just logged in by hand."""
    user = member("Coordinador", "ana")
    user.set_password(PASSWORD)
    user.save()
    page.goto(f"{site}/admin/")
    page.get_by_label("Nombre de usuario:").fill("ana")
    page.get_by_label("Contraseña:").fill(PASSWORD)
    page.get_by_role("button", name="Iniciar sesión").click()
    expect(page.get_by_role("heading", name="Escritorio")).to_be_visible()
    return page


def assert_for_everybody(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    assert [(rule["id"], rule["nodes"][0]["target"]) for rule in found] == []
    wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wider) == 0


@light_and_dark
def test_axe_finds_nothing_wrong_on_the_log_in_page(page, site):
    page.goto(f"{site}/admin/login/")
    expect(page.get_by_role("heading", name="Ingreso de coordinación")).to_be_visible()
    assert_for_everybody(page)


@light_and_dark
def test_axe_finds_nothing_wrong_on_the_desk(desk):
    for label in ("Ver las cifras por día", "Ver las cifras por hora"):
        desk.get_by_text(label).click()
    expect(desk.get_by_role("link", name="Alumnos sin ninguna sesión")).to_be_visible()
    expect(desk.get_by_role("heading", name="Nadie ha podido iniciar en la acción")).to_be_visible()
    expect(desk.get_by_role("heading", name="Muchos inicios terminan en error")).to_be_visible()
    assert_for_everybody(desk)


@light_and_dark
def test_axe_finds_nothing_wrong_from_the_board_to_the_letter(desk):
    desk.get_by_role("link", name="Sin conexión").click()
    expect(desk.get_by_role("heading", name="Alumnos sin ninguna sesión")).to_be_visible()
    assert_for_everybody(desk)

    desk.get_by_role("link", name="ALFABETIZACION DIGITAL").click()
    expect(desk.get_by_role("heading", name="Sin ninguna sesión")).to_be_visible()
    assert_for_everybody(desk)

    desk.get_by_role("link", name="Escribirles un correo").click()
    expect(desk.get_by_label("Texto")).to_be_visible()
    assert_for_everybody(desk)

    desk.get_by_role("button", name="Ver cómo queda").click()
    expect(desk.get_by_role("heading", name="Así lo leerá")).to_be_visible()
    assert_for_everybody(desk)

    desk.get_by_role("button", name="Enviar a 3 alumnos").click()
    expect(desk.get_by_text("Correos preparados para salir: 3.")).to_be_visible()


@on(desktop=DESKTOP)
def test_the_choices_of_the_export_stay_on_the_page_however_long_a_course_is_called(desk, site):
    ActionFactory(course__name=("TÉCNICAS PARA LA ATENCIÓN DE CLIENTES " * 8)[:300])
    desk.goto(f"{site}/admin/attendance/attendancesession/exportar/")
    label, choices = desk.get_by_text("Curso:").bounding_box(), desk.get_by_label("Curso:")
    box = choices.bounding_box()
    assert box["x"] + box["width"] <= DESKTOP["viewport"]["width"]
    assert box["x"] >= label["x"] + label["width"]


MOST_TABS = 50


def test_the_keyboard_reaches_the_board_and_shows_where_it_is(desk):
    link = desk.get_by_role("link", name="Sin conexión")
    for _ in range(MOST_TABS):
        desk.keyboard.press("Tab")
        if link.evaluate("element => element === document.activeElement"):
            break
    expect(link).to_be_focused()
    assert link.evaluate("element => getComputedStyle(element).outlineStyle") == "solid"
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("heading", name="Alumnos sin ninguna sesión")).to_be_visible()


@on(without_javascript=DESKTOP | {"java_script_enabled": False})
def test_without_javascript_the_desk_has_its_numbers_charts_and_tables(desk):
    desk.get_by_role("link", name="30 días").click()
    expect(desk.locator("svg.bars")).to_have_count(2)
    desk.get_by_text("Ver las cifras por día").click()
    expect(desk.get_by_role("table", name="Sesiones abiertas y cerradas por día")).to_be_visible()
