"""What SENCE never answered, answers late or says twice, and students with several tabs."""

from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import Page, expect

from attendance.models import AttendanceSession, CallbackVerdict, Outcome, State
from tests.attendance_steps import opened
from tests.browser.devices import with_and_without_javascript
from tests.browser.student import CLOSE, SESSION_PAGE, START, Student
from tests.browser.world import ROSA, enrol


def another_tab(student: Student) -> Student:
    page = student.page.context.new_page()
    return Student(page, student.site, student.run, has_javascript=student.has_javascript)


def outcomes() -> list[str]:
    return [*CallbackVerdict.objects.order_by("pk").values_list("outcome", flat=True)]


@with_and_without_javascript
def test_without_an_answer_the_same_session_and_its_start_button_are_there_again(
    student, simulator
):
    enrol()
    simulator.set_behaviour(ROSA, delivery="none")
    student.reach_start_button()
    address = student.page.url
    student.press(START)
    student.identify()
    student.reads("SENCE no responde")

    student.reach_start_button()

    assert student.page.url == address
    student.press(START)
    student.log_in()
    student.reads("Asistencia correctamente ingresada")
    assert AttendanceSession.objects.count() == 1


@with_and_without_javascript
def test_a_late_answer_opens_the_session(student, simulator):
    enrol()
    simulator.set_behaviour(ROSA, delivery="late")
    student.reach_start_button()
    student.press(START)
    student.identify()
    student.reads("La respuesta espera")

    elsewhere = another_tab(student)
    elsewhere.reach_start_button()
    student.press("Enviar la respuesta ahora")
    student.reads("Asistencia correctamente ingresada")
    elsewhere.enter_rut()

    elsewhere.reads("Asistencia correctamente ingresada", "Tiempo Asistencia")
    assert AttendanceSession.objects.get().state == State.OPEN


@with_and_without_javascript
def test_an_answer_that_comes_twice_changes_nothing_the_second_time(student, simulator):
    enrol()
    simulator.set_behaviour(ROSA, delivery="replay")
    student.reach_start_button()
    student.press(START)
    student.identify()

    for button in ("Enviar la primera vez", "Enviar la segunda vez"):
        with student.page.context.expect_page() as tab:
            student.press(button)
        expect(tab.value.get_by_text("Asistencia correctamente ingresada")).to_be_visible()

    assert outcomes() == [Outcome.OPENED, Outcome.REPLAY]
    assert AttendanceSession.objects.get().state == State.OPEN


@with_and_without_javascript
def test_a_second_success_with_another_id_is_flagged_and_the_first_one_stays(student, simulator):
    enrol()
    simulator.set_behaviour(ROSA, delivery="replay_other_id")
    student.reach_start_button()
    student.press(START)
    student.identify()
    with student.page.context.expect_page() as first:
        student.press("Enviar la primera vez")
    expect(first.value.get_by_text("Asistencia correctamente ingresada")).to_be_visible()
    with student.page.context.expect_page() as tab:
        student.press("Enviar la segunda vez")

    expect(tab.value.get_by_text("Asistencia correctamente ingresada")).to_be_visible()
    assert sorted(outcomes()) == [Outcome.ANOMALY, Outcome.OPENED]


@with_and_without_javascript
def test_reload_and_back_after_the_answer_still_show_the_timer(student):
    enrol()
    student.open_session()

    student.page.reload()
    student.reads("Asistencia correctamente ingresada")
    student.page.go_back()
    # A form that a script submits takes the place of its page in the browser's history, as a rule:
    # a browser that was slow may have kept the page, and send the form again by itself or not.
    login = student.page.get_by_label("Ingresa tu RUN")
    answer_page = student.title("Volviendo a la página de asistencia")
    there_again = student.title("Asistencia correctamente ingresada")
    expect(login.or_(answer_page).or_(there_again)).to_be_visible()
    if login.is_visible():
        student.log_in()
    elif answer_page.is_visible():
        student.button("Continuar").dispatch_event("click")

    expect(student.page).to_have_url(SESSION_PAGE)
    student.reads("Asistencia correctamente ingresada")
    session = AttendanceSession.objects.get()
    assert session.state == State.OPEN
    assert outcomes() == [Outcome.OPENED, Outcome.REPLAY]


@with_and_without_javascript
def test_two_tabs_that_press_start_get_the_same_session(student):
    enrol()
    other = another_tab(student)
    for tab in (student, other):
        tab.enter_rut()
    for tab in (student, other):
        tab.choose_course()
    for tab in (student, other):
        expect(tab.button(START)).to_be_visible()

    assert student.page.url == other.page.url
    assert sent(student.page) == sent(other.page)
    assert AttendanceSession.objects.count() == 1


@with_and_without_javascript
def test_a_second_login_from_the_other_tab_leaves_the_first_opening_as_it_was(student):
    enrol()
    other = another_tab(student)
    other.reach_start_button()
    student.open_session()
    first = AttendanceSession.objects.get().sence_session_id

    other.press(START)
    other.log_in()

    other.reads("Asistencia correctamente ingresada")
    assert AttendanceSession.objects.get().sence_session_id == first
    other.close_session()
    other.reads("Sesión correctamente cerrada")


@with_and_without_javascript
def test_who_comes_back_with_the_rut_lands_on_the_running_timer(student):
    session = opened(enrol())

    student.enter_rut()

    expect(student.page).to_have_url(f"{student.site}{session.get_absolute_url()}")
    student.reads("Asistencia correctamente ingresada", "Tiempo Asistencia", CLOSE)


def test_another_phone_can_close_what_this_one_opened(student, new_context):
    enrol()
    student.open_session()
    phone = Student(new_context().new_page(), student.site, ROSA)

    phone.enter_rut()
    phone.close_session()

    phone.reads("Sesión correctamente cerrada")


def test_a_tab_notices_when_it_is_looked_at_that_another_one_closed_the_session(student):
    enrol()
    student.open_session()
    other = another_tab(student)
    other.enter_rut()
    other.close_session()
    other.reads("Sesión correctamente cerrada")
    student.reads("Tiempo Asistencia")

    look_at(student.page)

    student.reads("Sesión correctamente cerrada")


def test_a_tab_notices_within_a_minute_that_another_one_closed_the_session(student):
    enrol()
    student.page.clock.install()
    student.open_session()
    other = another_tab(student)
    other.enter_rut()
    other.close_session()
    other.reads("Sesión correctamente cerrada")

    student.page.clock.fast_forward(61_000)

    student.reads("Sesión correctamente cerrada")


@with_and_without_javascript
def test_closing_again_from_a_tab_that_did_not_notice_stays_closed(student):
    enrol()
    student.open_session()
    other = another_tab(student)
    other.enter_rut()
    other.close_session()
    other.reads("Sesión correctamente cerrada")

    student.close_session()

    student.reads("Sesión correctamente cerrada")
    assert outcomes() == [Outcome.OPENED, Outcome.CLOSED, Outcome.LATE_ERROR]


@with_and_without_javascript
def test_a_session_that_staff_resolved_asks_for_nothing_more(student, admin_user):
    session = opened(enrol(), timezone.now() - timedelta(hours=4))
    session.mark_resolved(admin_user, "SENCE la tiene registrada.", timezone.now())

    student.page.goto(student.site + session.get_absolute_url())

    student.reads("no necesita hacer nada más con ella", "Iniciar una nueva sesión")
    expect(student.button(CLOSE)).to_have_count(0)
    expect(student.timer).to_have_count(0)


def sent(page: Page) -> dict[str, str]:
    """What the page's form would send to SENCE."""
    fields = page.locator(".sence-form input[type=hidden]").all()
    return {str(field.get_attribute("name")): field.input_value() for field in fields}


def look_at(page: Page) -> None:
    """What a browser says when its tab comes to the front; a headless one has all of them there."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
