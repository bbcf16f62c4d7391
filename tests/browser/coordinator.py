"""A coordinator at a browser, who does what the manual says."""

from pathlib import Path

from playwright.sync_api import Download, Locator, Page, expect

PASSWORD = "una-clave-larga"


class Coordinator:
    """One tab of the browser of someone who works in the admin site."""

    def __init__(self, page: Page, site: str) -> None:
        self.page = page
        self.site = site

    def log_in(self, username: str) -> None:
        self.page.goto(f"{self.site}/admin/")
        self.fill("Nombre de usuario:", username)
        self.fill("Contraseña:", PASSWORD)
        self.press("Iniciar sesión")
        self.is_at("Escritorio")

    def log_out(self) -> None:
        self.press("Cerrar sesión")
        expect(self.page.get_by_role("link", name="Iniciar sesión de nuevo")).to_be_visible()

    def go_to_desk(self) -> None:
        self.page.get_by_role("navigation", name="Principal").get_by_text("Escritorio").click()
        self.is_at("Escritorio")

    def go_to(self, entry: str, title: str) -> None:
        """Follow an entry of the bar under the header to the page with that title."""
        bar = self.page.get_by_role("navigation", name="Principal")
        bar.get_by_role("link", name=entry, exact=True).click()
        self.is_at(title)

    def open_list(self, name: str, title: str) -> None:
        """Follow an entry of the desk's index to its list."""
        self.go_to_desk()
        entry = self.page.locator("#content").get_by_role("rowheader", name=name, exact=True)
        entry.get_by_role("link").click()
        self.is_at(title)

    def is_at(self, title: str) -> None:
        expect(self.page.get_by_role("heading", name=title, exact=True, level=1)).to_be_visible()

    def fill(self, label: str, value: str) -> None:
        self.page.get_by_label(label, exact=True).fill(value)

    def choose(self, label: str, text: str) -> None:
        """Pick from one of admin's boxes that search while one types."""
        # Until a script replaces it, the field that it hides then has the same role and name.
        box = self.page.locator("span").and_(self.page.get_by_role("combobox", name=label))
        box.click()
        self.page.get_by_role("searchbox").last.fill(text)
        found = self.page.get_by_role("option", name=text)
        found.click()
        expect(box).to_contain_text(text)

    def press(self, label: str) -> None:
        self.page.get_by_role("button", name=label, exact=True).click()

    def follow(self, label: str) -> None:
        self.page.get_by_role("link", name=label, exact=True).click()

    def is_told(self, sentence: str) -> None:
        """Assert that the page that the last press led to says so at its top."""
        expect(self.page.locator(".messagelist")).to_contain_text(sentence)

    def number(self, label: str) -> Locator:
        """The count of one of the desk's numbers."""
        number = self.page.locator(".number").filter(has_text=label)
        return number.locator(".number-count")

    def download(self, button: str, folder: Path) -> Path:
        with self.page.expect_download() as pending:
            self.press(button)
        return saved(pending.value, folder)


def saved(download: Download, folder: Path) -> Path:
    path = folder / download.suggested_filename
    download.save_as(path)
    return path
