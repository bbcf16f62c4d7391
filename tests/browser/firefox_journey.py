"""The guide's way in Firefox: `make firefox`. Not part of `make test`, which drives Chromium.

Playwright drives builds of Firefox of its own, or one newer than Debian's; Mozilla's driver takes
Debian's as it is.
"""

import re
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from marionette_driver import By, Wait, errors
from marionette_driver.marionette import Marionette, WebElement

from attendance.models import AttendanceSession, State
from tests.attendance_steps import opened
from tests.browser.student import CLOSE, PASSWORD, START
from tests.browser.world import ROSA, enrol

PATIENCE = 30
GONE = (errors.StaleElementException, errors.NoSuchElementException)


class Firefox:
    """One tab of Firefox, in the hands of a student."""

    def __init__(self, driver: Marionette) -> None:
        self.driver = driver

    def sees(self, selector: str, text: str = "") -> WebElement:
        """Wait for something that is there to be seen, with this text or value, and return it."""

        def found(driver: Marionette) -> WebElement | None:
            for element in driver.find_elements(By.CSS_SELECTOR, selector):
                says = element.text or element.get_property("value") or ""
                if element.is_displayed() and text in says:
                    return element
            return None

        return Wait(self.driver, timeout=PATIENCE, ignored_exceptions=GONE).until(found)

    def writes(self, selector: str, text: str) -> None:
        field = self.sees(selector)
        field.clear()
        field.send_keys(text)

    def presses(self, label: str) -> None:
        self.sees("button, input[type=submit], main a", label).click()

    def enters_rut(self, site: str, typed: str = ROSA) -> None:
        self.driver.navigate(site)
        self.writes("#id_rut", typed)
        self.presses("Continuar")

    def logs_in(self) -> None:
        self.sees("input[type=password]").send_keys(PASSWORD)
        self.writes("input[name=run]", ROSA)
        self.presses("Continuar")

    def reaches_start_button(self, site: str) -> None:
        self.enters_rut(site)
        self.sees("#id_enrolment")
        self.presses("Continuar")
        self.sees("button", START)


@pytest.fixture
def firefox(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, unused_port: int) -> Iterator[Firefox]:
    # It ends at once if it asks anybody but this machine.
    monkeypatch.setenv("MOZ_DISABLE_NONLOCAL_CONNECTIONS", "1")
    binary = shutil.which("firefox-esr") or shutil.which("firefox")
    driver = Marionette(
        bin=binary,
        headless=True,
        port=unused_port,
        startup_timeout=120,
        gecko_log=str(tmp_path / "gecko.log"),
    )
    driver.start_session()
    yield Firefox(driver)
    driver.cleanup()


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_student_opens_and_closes_a_session_as_the_guide_says(firefox, site):
    enrol()
    firefox.reaches_start_button(site)
    firefox.presses(START)
    firefox.logs_in()

    firefox.sees("h1", "Asistencia correctamente ingresada")
    first = firefox.sees("[role=timer]").text
    Wait(firefox.driver, timeout=PATIENCE).until(
        lambda driver: firefox.sees("[role=timer]").text != first
    )
    firefox.presses("Cerrar ventana")
    firefox.sees("#puede-cerrar", "Puede cerrar esta ventana: su tiempo sigue corriendo.")
    firefox.presses(CLOSE)
    firefox.logs_in()

    firefox.sees("h1", "Sesión correctamente cerrada")
    assert AttendanceSession.objects.get().state == State.CLOSED


def test_what_was_typed_wrong_is_said_beside_the_field(firefox, site):
    enrol()
    firefox.enters_rut(site, "11.111.111-2")

    firefox.sees("#id_rut_error", "Entendimos 11111111-2, pero su dígito verificador")


def test_back_from_clave_unica_the_page_says_that_no_answer_came(firefox, site):
    enrol()
    firefox.reaches_start_button(site)
    firefox.presses(START)
    firefox.sees("input[type=password]")

    firefox.driver.go_back()

    firefox.sees("main .message", "Sence todavía no nos informa de su ingreso.")
    firefox.presses(START)
    firefox.logs_in()
    firefox.sees("h1", "Asistencia correctamente ingresada")


def test_back_after_changing_the_rut_shows_no_page_of_the_person_before(firefox, site):
    opened(enrol())
    firefox.enters_rut(site)
    firefox.sees("[role=timer]")
    firefox.presses("¿No es usted? Cambiar el Rut")
    firefox.sees("#id_rut")

    firefox.driver.go_back()

    firefox.sees("[role=timer]")
    text = firefox.driver.find_element(By.CSS_SELECTOR, "main").text
    assert not re.search(r"Rut: \d", text)
