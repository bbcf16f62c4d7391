"""Every page of the back office that one works in: axe finds nothing, light or dark, on any screen.

The pages come from the table of all addresses, `tests/backoffice/test_every_page.py`. The desk, the
board and the log-in are looked at more closely in `test_desk_and_board.py`, uploads in
`test_uploads.py`.
"""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.attendance_steps import closing, opened, post
from tests.backoffice.staff import browser_of, member
from tests.backoffice.test_every_page import a_world, address, expected
from tests.browser.test_desk_and_board import assert_for_everybody
from tests.factories import EnrolmentFactory

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


def long_sessions() -> None:
    """One that is past the limit, set aside and refused a close; and one that was closed."""
    now = timezone.now()
    people = {
        "student__given_names": "MARIA FERNANDA DEL CARMEN",
        "student__surnames": "HUENCHUMILLA VALDEBENITO",
        "action__code": "RLAB-19-02-08-0071-1",
        "action__course__name": "OPERACIÓN DE GRÚA HORQUILLA Y SEGURIDAD EN BODEGAS, INTERMEDIO",
        "action__course__training_line": 1,
        "action__course__sence_code": "",
    }
    late = opened(EnrolmentFactory(**people), at=now - timedelta(hours=40))
    post(late, "close", closing(late, GlosaError="204;205;301;306"), error=True)
    late.superseded_at = now
    late.save(update_fields=["superseded_at"])
    done = opened(EnrolmentFactory(student__given_names="Li", student__surnames="Wu"))
    post(done, "close", closing(done))


def test_every_column_of_the_list_of_sessions_is_on_a_coordinators_screen(page, site):
    long_sessions()
    cookie = browser_of(member("Administrador", "ana")).cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": site}])
    page.set_viewport_size({"width": DESKTOP_WIDTH, "height": 740})
    page.goto(site + reverse("admin:attendance_attendancesession_changelist"))
    widths = "(list) => [list.scrollWidth, list.clientWidth]"
    needed, offered = page.locator("#changelist .results").evaluate(widths)
    assert needed <= offered
