"""6 · What a phone pays: bytes and requests of each page, and the time until it can be used."""

from collections.abc import Iterator
from html import escape
from statistics import median

from playwright.sync_api import Browser, Page, sync_playwright

from bench import world
from bench.figures import Figure
from bench.pages import HTTPS, pages

SECTION = "6 phone"
SLOW_3G = {
    "offline": False,
    "latency": 400,
    "downloadThroughput": 50_000,
    "uploadThroughput": 50_000,
}
"""Milliseconds and bytes a second: Chromium's own "slow 3G"."""
SLOWER_PROCESSOR = 4
ROUNDS = 3
KILOBYTE = 1000


class Wire:
    """Counts what comes over the network for a page, headers and all."""

    def __init__(self, page: Page) -> None:
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.loadingFinished", self._finished)
        self.reset()

    def reset(self) -> None:
        self.bytes = self.requests = 0

    def _finished(self, event: dict) -> None:
        self.bytes += event["encodedDataLength"]
        # What the browser had already comes with none.
        self.requests += event["encodedDataLength"] > 0


def run(name: str) -> Iterator[Figure]:
    """Measure on the database of that name, in a phone's Chromium."""
    with (
        world.connect(name) as connection,
        world.gunicorn("usecap_sence.wsgi", world.environment(name)) as site,
        world.gunicorn("bench.bare:application", world.bare_environment(name)) as bare,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        yield from _bytes(browser, site, pages(connection, site))
        yield from _times(browser, site, bare)
        browser.close()


def _bytes(
    browser: Browser, site: str, later: Iterator[tuple[str, str, dict[str, str]]]
) -> Iterator[Figure]:
    page = _page(browser)
    wire = Wire(page)
    page.goto(site, wait_until="networkidle")
    yield Figure(SECTION, "first visit", wire.bytes / KILOBYTE, unit="KB", at_most=40)
    yield Figure(SECTION, "first visit", wire.requests, unit="requests", at_most=4)
    for what, path, headers in later:
        page.context.set_extra_http_headers(headers)
        wire.reset()
        page.goto(site + path, wait_until="networkidle")
        yield Figure(SECTION, f"{what}, later", wire.bytes / KILOBYTE, unit="KB", at_most=8)
        yield Figure(SECTION, f"{what}, later", wire.requests, unit="requests", at_most=1)
    page.context.close()


def _times(browser: Browser, site: str, bare: str) -> Iterator[Figure]:
    text = _page(browser)
    text.goto(site)
    words = escape(text.inner_text("body"))
    text.context.close()
    world.WORDS.write_text(f"<!doctype html><meta charset=utf-8><title>x</title><pre>{words}</pre>")
    rounds = [
        (_usable_after(browser, site), _usable_after(browser, f"{bare}/words"))
        for _ in range(ROUNDS)
    ]
    ours, reference = (median(times) for times in zip(*rounds, strict=True))
    yield Figure(SECTION, "usable on slow 3G, beside its words alone", ours, reference, "ms")


def _usable_after(browser: Browser, url: str) -> float:
    """Return the milliseconds until the page is drawn and its scripts have run."""
    page = _page(browser)
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", SLOW_3G)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER_PROCESSOR})
    page.goto(f"{url}/")
    usable = page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
    page.context.close()
    return usable


def _page(browser: Browser) -> Page:
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, is_mobile=True, extra_http_headers=HTTPS
    )
    return context.new_page()
