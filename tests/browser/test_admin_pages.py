"""Every page of the back office that one works in: axe finds nothing, light or dark, on any screen.

The pages come from the table of all addresses, `tests/backoffice/test_every_page.py`. The desk, the
board and the log-in are looked at more closely in `test_desk_and_board.py`, uploads in
`test_uploads.py`.
"""

import pytest

from tests.backoffice.staff import browser_of, member
from tests.backoffice.test_every_page import a_world, address, expected
from tests.browser.test_desk_and_board import assert_for_everybody

ANIMATIONS_END = "Promise.allSettled(document.getAnimations().map((it) => it.finished))"
PHONE_WIDTH, DESKTOP_WIDTH = 360, 1280
# Django's own, of one text and a button; or no pages.
NOT_WORKED_IN = ("delete/", "history", "deleted/", "done/", "jsi18n/", "avance/", "rechazadas/",
                 "plantilla/", "planilla/", "logout/")  # fmt: skip


def pages() -> list[str]:
    """The patterns of pages that an administrator is shown."""
    shown = [pattern for pattern, outcome in expected("admin").items() if int(outcome) < 100]
    return [pattern for pattern in shown if not any(part in pattern for part in NOT_WORKED_IN)]


def groups_of_pages() -> dict[str, list[str]]:
    """The same by their first two parts: a world for each group, not for each page."""
    found: dict[str, list[str]] = {}
    for pattern in pages():
        found.setdefault("/".join(pattern.split("/")[:2]), []).append(pattern)
    return found


@pytest.mark.parametrize("patterns", groups_of_pages().values(), ids=list(groups_of_pages()))
def test_axe_finds_nothing_wrong_on_the_pages_of(page, site, watch, patterns):
    world = a_world()
    cookie = browser_of(member("Administrador", "ana")).cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": site}])
    page.emulate_media(reduced_motion="reduce")
    for pattern in patterns:
        page.goto(site + address(pattern, world))
        for width, scheme in ((DESKTOP_WIDTH, "light"), (PHONE_WIDTH, "dark")):
            page.set_viewport_size({"width": width, "height": 740})
            page.emulate_media(color_scheme=scheme)
            # Colours are on their way from one scheme to the other for a moment.
            page.evaluate(ANIMATIONS_END)
            assert_for_everybody(page)
    # Axe fetches and tries styles itself, which the policy refuses.
    watch.errors.clear()
