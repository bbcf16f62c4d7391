"""A real Chromium, the site and the stand-in for SENCE, each on an origin of its own."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from tests.browser import pictures
from tests.browser.devices import PHONE
from tests.browser.student import Student
from tests.browser.watch import Watch
from tests.browser.world import ROSA, sence_registry
from tests.simulator_process import SimulatorProcess
from usecap_sence import settings as production

# The second line makes the browser unable to ask anybody but this machine.
CHROMIUM_FLAGS = [
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run", "--disable-quic",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]  # fmt: skip


# A machine that does other things meanwhile takes longer than Playwright's five seconds.
expect.set_options(timeout=20_000)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Mark these tests, and keep them together, at the end.

    Otherwise pytest draws together whatever has a parameter of pytest-playwright's, a test
    elsewhere with a `page` of its own included.
    """
    for item in filter(is_browser_test, items):
        item.add_marker(pytest.mark.browser)
        item.add_marker(pytest.mark.django_db(transaction=True))
    yield
    items.sort(key=is_browser_test)


def is_browser_test(item: pytest.Item) -> bool:
    return item.path.is_relative_to(Path(__file__).parent)


# Playwright's synchronous interface keeps an event loop running in this thread, and Django then
# refuses to use the database from it. Hence the variable, and hence a browser for each package
# instead of pytest-playwright's for the whole run: tests elsewhere see neither.


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    with pytest.MonkeyPatch.context() as environment, sync_playwright() as playwright:
        environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield playwright


@pytest.fixture(scope="package")
def browser(playwright: Playwright, browser_type_launch_args: dict[str, Any]) -> Iterator[Browser]:
    browser = playwright.chromium.launch(**browser_type_launch_args)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Debian's Chromium where there is one, Playwright's own otherwise; neither is a failure."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    # Chromium's sandbox does not work for root.
    sandbox = [] if getattr(os, "geteuid", lambda: 1)() else ["--no-sandbox"]
    return browser_type_launch_args | {
        "executable_path": found,
        "args": [*CHROMIUM_FLAGS, *sandbox],
    }


@pytest.fixture(scope="package")
def simulator_process() -> Iterator[SimulatorProcess]:
    with SimulatorProcess(sence_registry()) as process:
        yield process


@pytest.fixture
def simulator(simulator_process: SimulatorProcess) -> SimulatorProcess:
    simulator_process.reset()
    return simulator_process


@pytest.fixture(autouse=True)
def site(live_server, simulator: SimulatorProcess, settings) -> str:
    """The site's address, under the settings of production but for the addresses."""
    settings.PUBLIC_BASE_URL = live_server.url
    settings.SENCE_TEST_URL = simulator.sence_url
    settings.CONTENT_SECURITY_POLICY = policy(simulator.sence_origin, simulator.login_origin)
    return live_server.url


def policy(*form_hosts: str) -> dict[str, Any]:
    """Production's policy, with these instead of SENCE's hosts and ClaveÚnica's."""
    directives = production.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    return {"DIRECTIVES": directives | {"form-action": ["'self'", *form_hosts]}}


@pytest.fixture
def browser_context_args(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The device: a phone, unless the test says otherwise (see tests/browser/devices.py)."""
    return getattr(request, "param", PHONE)


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Every test also shows that no page logged an error and nobody else was asked."""
    watch = Watch()
    yield watch
    assert watch.errors == []
    assert watch.strangers() == []


@pytest.fixture
def new_context(
    new_context: Callable[..., BrowserContext], watch: Watch
) -> Callable[..., BrowserContext]:
    def watched(**options: Any) -> BrowserContext:
        context = new_context(**options)
        watch.follow(context)
        return context

    return watched


@pytest.fixture
def student(page: Page, site: str, browser_context_args: dict[str, Any]) -> Student:
    has_javascript = browser_context_args.get("java_script_enabled", True)
    return Student(page, site, ROSA, has_javascript=has_javascript)


@pytest.fixture
def picture(request: pytest.FixtureRequest) -> pictures.Picture:
    """Keep a picture of a page or a part of it, where `--pictures` asks for that."""
    return pictures.keep if request.config.getoption("pictures") else pictures.ignore


@pytest.fixture
def phone_picture(
    picture: pictures.Picture, browser_context_args: dict[str, Any]
) -> pictures.Picture:
    """`picture` on a phone with JavaScript alone, of the devices that a test is run on."""
    return picture if browser_context_args == PHONE else pictures.ignore
