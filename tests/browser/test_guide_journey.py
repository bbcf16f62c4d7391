"""The guide, §3.1: from the RUT to the closed session, through SENCE and ClaveÚnica twice."""

import re

import pytest
from playwright.sync_api import expect

from attendance.models import AttendanceSession, CallbackVerdict, Outcome, State
from tests.browser.devices import (
    on_every_device,
    on_phone_and_desktop,
    with_and_without_javascript,
)
from tests.browser.student import CLOSE, SESSION_PAGE, START
from tests.browser.world import EXCEL, KARY, TALK, enrol, enrol_in_talk


@pytest.mark.pictures
@on_every_device
def test_a_student_opens_and_closes_a_session_as_the_guide_says(student, simulator, phone_picture):
    enrol()
    page = student.page
    shown = page.locator("main")

    page.goto(student.site)
    expect(page.get_by_label("Rut:")).to_have_attribute("placeholder", "Ejemplo: 12345678-9")
    student.reads("USECAP", "Conocimiento a tu alcance", "Para obtener clave Única", "Ayuda")
    phone_picture("guide/rut", page)
    student.enter_rut()

    student.reads("Rut: 11111111-1", "Seleccionar Curso:", "Accesos de interés Sence (Clave Sence)")
    phone_picture("guide/cursos", shown)
    student.choose_course(EXCEL)

    expect(page).to_have_url(SESSION_PAGE)
    student.reads("Rut: 11111111-1", EXCEL)
    phone_picture("guide/inicio", shown)
    student.press(START)

    expect(page).to_have_url(re.compile(rf"^{re.escape(simulator.login_origin)}/ingreso/"))
    student.log_in()

    expect(page).to_have_url(SESSION_PAGE)
    student.reads(
        "Asistencia correctamente ingresada",
        "Recuerde que debes cerrar tu sesión antes de 3 horas continuas",
        "Tiempo Asistencia",
        "0:00:0",
        CLOSE,
        "Cerrar ventana",
    )
    opened = AttendanceSession.objects.get()
    assert opened.state == State.OPEN
    assert opened.sence_session_id.startswith("SIM-")
    phone_picture("guide/tiempo", shown)
    student.press(CLOSE)

    expect(page).to_have_url(re.compile(rf"^{re.escape(simulator.login_origin)}/ingreso/"))
    student.log_in()

    expect(page).to_have_url(SESSION_PAGE)
    student.reads("Sesión correctamente cerrada", EXCEL, "Tiempo Asistencia", "Cerrar ventana")
    phone_picture("guide/cerrada", shown)
    closed = AttendanceSession.objects.get()
    assert closed.state == State.CLOSED
    assert closed.sence_session_id == opened.sence_session_id
    assert closed.opened_sence_time == closed.closed_sence_time != ""
    verdicts = CallbackVerdict.objects.order_by("pk").values_list("outcome", "reason")
    # The manual gives no IdSesionSence in the callback of a closing.
    assert [*verdicts] == [(Outcome.OPENED, ""), (Outcome.CLOSED, "")]


@with_and_without_javascript
def test_where_the_browser_refuses_to_close_the_window_a_sentence_says_that_one_may(student):
    enrol()
    student.open_session()
    student.close_session()
    sentence = student.page.get_by_text("Ya puede cerrar esta ventana.")
    expect(sentence).to_be_hidden()

    student.follow("Cerrar ventana")

    expect(sentence).to_be_visible()


def test_a_window_that_a_script_opened_closes(student):
    enrol()
    student.open_session()
    with student.page.expect_popup() as popup:
        student.page.evaluate("window.open(location.href)")
    window = popup.value

    with window.expect_event("close"):
        window.get_by_role("link", name="Cerrar ventana").click()


def test_the_timer_moves(student):
    enrol()
    student.open_session()
    first = student.timer.inner_text()

    expect(student.timer).not_to_have_text(first)
    expect(student.timer).to_have_text(re.compile(r"^0:00:0\d$"))


@with_and_without_javascript
def test_a_student_of_several_courses_chooses_one(student):
    enrol_in_talk(enrol())

    student.enter_rut()
    student.choose_course(EXCEL)

    student.reads("Rut: 11111111-1", EXCEL)
    assert AttendanceSession.objects.get().course_name == EXCEL


@with_and_without_javascript
def test_a_course_that_asks_for_no_closing_thanks_and_shows_no_button(student):
    enrol_in_talk(enrol())
    student.enter_rut()
    student.choose_course(TALK)
    student.press(START)
    student.log_in()

    student.reads("Asistencia correctamente ingresada", TALK, "En este curso no necesita cerrar")
    expect(student.button(CLOSE)).to_have_count(0)
    assert AttendanceSession.objects.get().state == State.OPEN


@with_and_without_javascript
def test_a_rut_with_dots_and_a_capital_k_is_understood(student, simulator):
    enrol(KARY)
    student.run = KARY
    simulator.set_behaviour(KARY, swap_check_digit_case=True)

    student.enter_rut("10.000.013-K")
    student.reads("Rut: 10000013-k")
    student.choose_course()
    student.press(START)
    student.log_in("10.000.013-K")

    student.reads("Asistencia correctamente ingresada")


@on_phone_and_desktop
def test_the_guide_is_one_press_away(student):
    student.page.goto(student.site)
    student.follow("Guía Asistencia Sence")

    expect(student.title("Guía Asistencia Sence")).to_be_visible()
    student.follow("Pinche aquí")
    expect(student.page.get_by_label("Rut:")).to_be_visible()


def test_the_guide_is_printed_with_all_its_pictures(student):
    student.page.goto(f"{student.site}/guia/")
    student.page.evaluate("""() => {
      const isThere = (picture) => picture.complete && picture.naturalWidth > 0;
      window.print = () => {
        document.body.dataset.pictures = [...document.images].filter(isThere).length;
      };
    }""")

    student.press("Imprimir")

    expect(student.page.locator("body")).to_have_attribute("data-pictures", "7")


def test_the_keyboard_alone_is_enough(student):
    enrol()
    page = student.page
    page.goto(student.site)

    expect(page.get_by_label("Rut:")).to_be_focused()
    page.keyboard.type(student.run)
    page.keyboard.press("Enter")
    page.get_by_label("Seleccionar Curso:").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    student.button(START).focus()
    page.keyboard.press("Enter")
    student.log_in()

    student.reads("Asistencia correctamente ingresada")
