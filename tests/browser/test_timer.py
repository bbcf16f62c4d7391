"""The timer: the server's clock, whatever happens to the phone and to its own."""

import re
from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from attendance.models import AttendanceSession
from tests.attendance_steps import opened
from tests.browser.devices import with_and_without_javascript
from tests.browser.student import CLOSE, START
from tests.browser.world import enrol

NEAR = "Quedan menos de 10 minutos para completar 3 horas continuas. Cierre su sesión ahora."
PAST = "Su sesión lleva más de 3 horas. Ciérrela ahora."
WARNING = timedelta(hours=2, minutes=50)
LIMIT = timedelta(hours=3)
NEW = "Iniciar una nueva sesión"
HOW_TO_CLOSE = "Ver en la guía cómo cerrar"
SECOND = timedelta(seconds=1)


def opened_ago(elapsed: timedelta) -> AttendanceSession:
    return opened(enrol(), timezone.now() - elapsed)


def time_passes(session: AttendanceSession, how_long: timedelta) -> None:
    """Let the server alone live through it; the phone's clock is the page's."""
    AttendanceSession.objects.filter(pk=session.pk).update(opened_at=session.opened_at - how_long)


def card(page: Page):
    return page.locator("[data-timer]")


def shows(student, elapsed: str) -> None:
    """`elapsed` is a time to the minute, such as `1:07`."""
    expect(student.timer).to_have_text(re.compile(rf"^{elapsed}:\d\d$"))


@with_and_without_javascript
def test_a_reload_shows_the_time_since_the_opening(student):
    session = opened_ago(timedelta(hours=1, minutes=7))

    student.page.goto(student.site + session.get_absolute_url())
    shows(student, "1:07")
    time_passes(session, timedelta(minutes=5))
    student.page.reload()

    shows(student, "1:12")


@with_and_without_javascript
@pytest.mark.parametrize(
    ("elapsed", "tone", "notice"),
    [
        (timedelta(hours=2, minutes=49), "normal", ""),
        (timedelta(hours=2, minutes=51), "near", NEAR),
        (timedelta(hours=3, minutes=1), "past", PAST),
    ],
)
def test_the_page_warns_before_the_limit_and_changes_its_tone_after_it(
    student, elapsed, tone, notice
):
    student.page.goto(student.site + opened_ago(elapsed).get_absolute_url())

    expect(card(student.page)).to_have_attribute("data-tone", tone)
    for sentence in (NEAR, PAST):
        shown = student.page.get_by_text(sentence)
        expect(shown).to_be_visible() if sentence == notice else expect(shown).to_be_hidden()
    expect(student.button(CLOSE)).to_be_visible()


def test_the_warning_and_the_change_of_tone_come_by_themselves(student):
    student.page.clock.install()
    session = opened_ago(WARNING - 30 * SECOND)
    student.page.goto(student.site + session.get_absolute_url())
    expect(card(student.page)).to_have_attribute("data-tone", "normal")

    student.page.clock.run_for(31_000)
    expect(card(student.page)).to_have_attribute("data-tone", "near")
    expect(student.page.get_by_text(NEAR)).to_be_visible()
    expect(student.page).to_have_title("Quedan menos de 10 minutos · USECAP")
    expect(student.page.get_by_text(NEW)).to_be_hidden()
    expect(student.link(HOW_TO_CLOSE)).to_be_hidden()

    time_passes(session, timedelta(minutes=11))
    student.page.clock.fast_forward("11:00")
    expect(card(student.page)).to_have_attribute("data-tone", "past")
    expect(student.page.get_by_text(PAST)).to_be_visible()
    expect(student.page.get_by_text(NEAR)).to_be_hidden()
    expect(student.page).to_have_title("Cierre su sesión ahora · USECAP")
    expect(student.page.get_by_text(NEW)).to_be_visible()
    expect(student.link(HOW_TO_CLOSE)).to_be_visible()


NOTIFY = "Avisarme cuando queden 10 minutos"
WILL_NOTIFY = "Le avisaremos en este equipo cuando queden 10 minutos"
# What the page asked of the browser's own notifications, which go on as they are.
LISTEN = """
    window.asked = 0;
    window.shown = [];
    const Real = window.Notification;
    const ask = Real.requestPermission.bind(Real);
    window.Notification = new Proxy(Real, {
        construct(real, [title, options]) {
            window.shown.push([title, options.body]);
            return new real(title, options);
        },
        get(real, name) {
            if (name === "requestPermission") {
                return () => { window.asked += 1; return ask(); };
            }
            return Reflect.get(real, name);
        },
    });
"""
ANDROID = """
    window.Notification = new Proxy(window.Notification, {
        construct() { throw new TypeError("Illegal constructor"); },
    });
"""


NOTICES = """async () => {
    const [registered] = await navigator.serviceWorker.getRegistrations();
    const notices = registered ? await registered.getNotifications() : [];
    return notices.map((notice) => notice.title);
}"""


def listened_to(student, script=LISTEN):
    student.page.add_init_script(script)
    student.page.clock.install()
    session = opened_ago(WARNING - 30 * SECOND)
    student.page.goto(student.site + session.get_absolute_url())
    expect(student.button(CLOSE)).to_be_visible()


def test_who_asked_for_it_gets_a_notice_ten_minutes_before_the_limit(student):
    listened_to(student)
    assert student.page.evaluate("asked") == 0
    student.page.context.grant_permissions(["notifications"])

    student.press(NOTIFY)
    expect(student.page.get_by_text(WILL_NOTIFY)).to_be_visible()
    expect(student.button(NOTIFY)).to_be_hidden()
    assert student.page.evaluate("[asked, shown.length]") == [1, 0]
    student.page.clock.run_for(31_000)

    expect(card(student.page)).to_have_attribute("data-tone", "near")
    assert student.page.evaluate("shown") == [["Quedan menos de 10 minutos", NEAR]]


def test_where_only_a_service_worker_may_notify_it_does(student):
    listened_to(student, ANDROID)
    student.page.context.grant_permissions(["notifications"])
    student.press(NOTIFY)
    expect(student.page.get_by_text(WILL_NOTIFY)).to_be_visible()

    student.page.clock.run_for(31_000)

    for _ in range(200):
        if "Quedan menos de 10 minutos" in student.page.evaluate(NOTICES):
            return
        student.page.wait_for_timeout(100)
    pytest.fail("No notice was shown.")


def test_nobody_is_asked_or_notified_who_did_not_press_the_button(student):
    listened_to(student)
    expect(student.button(NOTIFY)).to_be_visible()

    student.page.clock.run_for(31_000)

    expect(card(student.page)).to_have_attribute("data-tone", "near")
    assert student.page.evaluate("[asked, shown.length]") == [0, 0]
    expect(student.button(NOTIFY)).to_be_hidden()


def test_where_the_browser_has_no_notifications_nothing_is_offered(student):
    listened_to(student, "delete window.Notification;")

    expect(student.button(NOTIFY)).to_be_hidden()
    student.page.clock.run_for(31_000)
    expect(card(student.page)).to_have_attribute("data-tone", "near")


@pytest.mark.parametrize("wrong_by", [timedelta(hours=5), timedelta(hours=-5), timedelta(days=400)])
def test_a_wrong_clock_on_the_phone_changes_nothing(student, wrong_by):
    student.page.clock.install(time=datetime.now().astimezone() + wrong_by)
    session = opened_ago(timedelta(hours=1, minutes=7))

    student.page.goto(student.site + session.get_absolute_url())

    shows(student, "1:07")
    first = student.timer.inner_text()
    student.page.clock.run_for(2_000)
    expect(student.timer).not_to_have_text(first)
    shows(student, "1:07")


def test_a_phone_that_slept_shows_the_time_that_passed_meanwhile(student):
    student.page.clock.install()
    session = opened_ago(timedelta(minutes=10))
    student.page.goto(student.site + session.get_absolute_url())
    shows(student, "0:10")

    time_passes(session, timedelta(minutes=50))
    student.page.clock.fast_forward("50:00")

    shows(student, "1:00")


def test_a_phone_whose_clock_stood_still_is_put_right_when_it_is_looked_at(student):
    student.page.clock.install()
    session = opened_ago(timedelta(minutes=10))
    student.page.goto(student.site + session.get_absolute_url())
    shows(student, "0:10")

    time_passes(session, timedelta(hours=2, minutes=45))
    student.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    shows(student, "2:55")
    expect(student.page.get_by_text(NEAR)).to_be_visible()


def test_a_clock_that_is_set_while_the_page_is_open_is_put_right_within_a_minute(student):
    student.page.clock.install()
    session = opened_ago(timedelta(minutes=10))
    student.page.goto(student.site + session.get_absolute_url())

    student.page.clock.fast_forward("05:00:00")

    shows(student, "0:10")
    expect(card(student.page)).to_have_attribute("data-tone", "normal")


def test_without_a_connection_the_timer_goes_on(student, watch):
    student.page.clock.install()
    session = opened_ago(timedelta(minutes=10))
    student.page.goto(student.site + session.get_absolute_url())
    student.page.context.set_offline(True)

    student.page.clock.run_for(5 * 60_000)

    shows(student, "0:15")
    watch.expect_error("net::ERR_INTERNET_DISCONNECTED")


@with_and_without_javascript
def test_past_the_limit_a_new_session_can_be_started(student):
    opened_ago(LIMIT + timedelta(minutes=1))
    student.enter_rut()
    student.reads(PAST, CLOSE)

    student.page.get_by_text(NEW).click()
    student.press("Sí, iniciar una nueva")
    student.press(START)
    student.log_in()

    student.reads("Asistencia correctamente ingresada", "0:00:")
    old, new = AttendanceSession.objects.order_by("requested_at")
    assert old.superseded_at
    assert new.is_live
