"""A student at a browser, who does what the guide says."""

import re

from playwright.sync_api import Locator, Page, expect

PASSWORD = "una-clave-larga"
START = "Inicia tu tiempo de asistencia Sence"
CLOSE = "Cerrar Sesión Sence"
SESSION_PAGE = re.compile(r"/asistencia/[0-9a-f-]{36}/$")


class Student:
    """One tab of the browser of someone who attends a course as `run`."""

    def __init__(self, page: Page, site: str, run: str, *, has_javascript: bool = True) -> None:
        self.page = page
        self.site = site
        self.run = run
        self.has_javascript = has_javascript

    def enter_rut(self, run: str | None = None) -> None:
        self.page.goto(self.site)
        self.page.get_by_label("Rut:").fill(run or self.run)
        self.press("Continuar")

    def choose_course(self, name: str = "") -> None:
        if name:
            self.page.get_by_label("Seleccionar Curso:").select_option(label=name)
        self.press("Continuar")

    def identify(self, run: str = "", password: str = PASSWORD) -> None:
        """Fill in ClaveÚnica's page; where that leads is SENCE's business."""
        self.page.get_by_label("Ingresa tu RUN").fill(run or self.run)
        self.page.get_by_label("Ingresa tu Clave").fill(password)
        self.press("Continuar")

    def log_in(self, run: str = "") -> None:
        """Prove who one is on ClaveÚnica's page, and carry SENCE's answer back."""
        self.identify(run)
        if not self.has_javascript:
            self.press("Continuar")

    def reach_start_button(self) -> None:
        self.enter_rut()
        self.choose_course()
        expect(self.button(START)).to_be_visible()

    def open_session(self) -> None:
        self.reach_start_button()
        self.press(START)
        self.log_in()
        expect(self.title("Asistencia correctamente ingresada")).to_be_visible()

    def close_session(self) -> None:
        self.press(CLOSE)
        self.log_in()

    def press(self, label: str) -> None:
        self.button(label).click()

    def follow(self, label: str) -> None:
        self.link(label).click()

    def button(self, label: str) -> Locator:
        return self.page.get_by_role("button", name=label, exact=True)

    def link(self, label: str) -> Locator:
        return self.page.get_by_role("link", name=label, exact=True)

    def title(self, text: str) -> Locator:
        return self.page.get_by_role("heading", name=text, exact=True)

    def reads(self, *sentences: str) -> None:
        """Assert that the sentences are there to be seen, in this order."""
        for sentence in sentences:
            expect(self.page.get_by_text(sentence).first).to_be_visible()
        text = re.sub(r"\s+", " ", self.page.locator("body").inner_text())
        places = [text.find(sentence) for sentence in sentences]
        assert places == sorted(places), text

    @property
    def timer(self) -> Locator:
        return self.page.get_by_role("timer")
