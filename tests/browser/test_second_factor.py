"""The second factor in a browser: set up by the QR code's key, given at the next log-in."""

import re
from base64 import b32decode

import pytest
from django_otp.oath import totp
from playwright.sync_api import expect

from tests.backoffice.staff import member
from tests.browser.coordinator import PASSWORD, Coordinator
from tests.browser.devices import PHONE
from tests.browser.test_desk_and_board import assert_for_everybody

SCREENS = [PHONE | {"color_scheme": "dark"}, {"viewport": {"width": 1280, "height": 800}}]


@pytest.mark.parametrize("browser_context_args", SCREENS, indirect=True, ids=["phone", "desktop"])
def test_an_administrator_sets_a_second_factor_up_and_gives_it(page, site, watch, settings):
    settings.SECOND_FACTOR_REQUIRED = True
    administrator = member("Administrador", "jefa")
    administrator.set_password(PASSWORD)
    administrator.save()
    jefa = Coordinator(page, site)
    page.goto(f"{site}/admin/courses/otec/")
    jefa.fill("Nombre de usuario:", "jefa")
    jefa.fill("Contraseña:", PASSWORD)
    jefa.press("Iniciar sesión")
    jefa.is_at("Activar el segundo factor")
    expect(page.get_by_role("img", name="Código QR")).to_be_visible()
    assert_for_everybody(page)
    typed = page.locator(".typed-key").inner_text().replace(" ", "")
    assert re.fullmatch("[A-Z2-7]{32}", typed)
    jefa.fill("Código:", "000 000")
    jefa.press("Activar")
    expect(page.locator(".errorlist")).to_contain_text("Ese código no es")
    assert page.locator(".typed-key").inner_text().replace(" ", "") == typed
    jefa.fill("Código:", shown_by_the_phone(typed))
    jefa.press("Activar")
    expect(page.locator(".recovery-codes li")).to_have_count(10)
    assert_for_everybody(page)
    recovery = page.locator(".recovery-codes li").first.inner_text()
    jefa.follow("Ya los guardé: ir al escritorio")
    jefa.log_out()

    page.goto(f"{site}/admin/courses/otec/")
    jefa.fill("Nombre de usuario:", "jefa")
    jefa.fill("Contraseña:", PASSWORD)
    jefa.press("Iniciar sesión")
    jefa.is_at("Segundo factor")
    assert_for_everybody(page)
    jefa.fill("Código:", recovery)
    jefa.press("Entrar")
    expect(page).to_have_url(f"{site}/admin/courses/otec/")
    watch.errors.clear()


def shown_by_the_phone(typed: str) -> str:
    """What an app shows for the key that was typed into it."""
    return f"{totp(b32decode(typed)):06}"
