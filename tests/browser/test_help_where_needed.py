"""Help where it is needed: a mistyped RUT, another person's phone, SENCE that doesn't answer."""

from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import expect

from tests.attendance_steps import closing, opened, post, requested
from tests.browser.devices import on_phone_and_desktop, with_and_without_javascript
from tests.browser.student import START
from tests.browser.world import EXCEL, PEDRO, enrol
from tests.factories import EnrolmentFactory, StudentFactory

NO_ANSWER = "Sence todavía no nos informa de su ingreso."


@with_and_without_javascript
def test_a_mistyped_rut_is_mended_where_it_stands(student):
    enrol()
    student.enter_rut("11.111.111-2")
    field = student.page.get_by_label("Rut:")
    expect(field).to_have_accessible_description(
        "Entendimos 11111111-2, pero su dígito verificador no corresponde: revise el Rut."
    )
    expect(field).to_be_focused()

    field.fill("11.111.111-1")
    student.press("Continuar")

    expect(student.page.get_by_label("Seleccionar Curso:")).to_be_visible()


@with_and_without_javascript
def test_another_person_on_the_same_phone_changes_the_rut_and_cannot_go_back_to_the_first(student):
    EnrolmentFactory(student=StudentFactory(run=PEDRO), action=enrol().action)
    student.enter_rut()
    student.reads("Rut: 11111111-1")

    student.press("¿No es usted? Cambiar el Rut")
    expect(student.page.get_by_label("Rut:")).to_have_value("")
    student.page.go_back()
    expect(student.page.get_by_label("Rut:")).to_be_visible()
    student.enter_rut(PEDRO)

    student.reads("Rut: 22222222-2")


@with_and_without_javascript
def test_a_sessions_page_forgets_the_rut_too_and_stays_open(student):
    session = opened(enrol())
    student.enter_rut()
    student.reads("Tiempo Asistencia", "Rut: 11111111-1")

    student.press("¿No es usted? Cambiar el Rut")
    expect(student.page.get_by_label("Rut:")).to_be_visible()
    student.page.goto(student.site + session.get_absolute_url())

    student.reads("Tiempo Asistencia")
    expect(student.page.get_by_text("Rut: 11111111-1")).to_have_count(0)


@with_and_without_javascript
def test_back_from_clave_unica_the_page_says_that_no_answer_came_and_offers_the_way_on(
    student, simulator
):
    enrol()
    student.reach_start_button()
    expect(student.page.get_by_text(NO_ANSWER)).to_have_count(0)
    student.press(START)
    expect(student.page.get_by_label("Ingresa tu RUN")).to_be_visible()

    student.page.go_back()

    expect(student.page).to_have_title("Sence todavía no responde · USECAP")
    student.reads(EXCEL, NO_ANSWER, START, "No recuerdo mi Clave")
    expect(student.link("Ver si Sence ya respondió")).to_be_visible()
    student.press(START)
    student.log_in()
    expect(student.title("Asistencia correctamente ingresada")).to_be_visible()


def test_a_page_that_waits_turns_to_the_timer_when_the_answer_came_elsewhere(student):
    session = requested(enrol())
    student.page.clock.install()
    student.page.goto(student.site + session.get_absolute_url())
    expect(student.button(START)).to_be_visible()

    session.mark_opened("sence-1", timezone.now(), time="", zone="")
    student.page.clock.run_for(61_000)

    expect(student.title("Asistencia correctamente ingresada")).to_be_visible()


@on_phone_and_desktop
def test_a_student_looks_at_the_own_sessions_of_a_course_and_prints_them(student):
    enrolment = enrol()
    before = opened(enrolment, timezone.now() - timedelta(hours=2))
    post(before, "close", closing(before))
    student.open_session()
    expect(student.title("Asistencia correctamente ingresada")).to_be_visible()

    student.follow("Mis sesiones en este curso")

    expect(student.title("Mis sesiones")).to_be_visible()
    student.reads(EXCEL, "11111111-1", "En curso", "Tiempo de las sesiones cerradas")
    assert student.run.split("-")[0] not in student.page.url
    student.page.evaluate("window.print = () => document.body.dataset.printed = 'yes'")
    student.press("Imprimir")
    expect(student.page.locator("body")).to_have_attribute("data-printed", "yes")

    student.page.emulate_media(media="print")
    expect(student.page.get_by_text("En curso")).to_be_visible()
    expect(student.button("Imprimir")).to_be_hidden()
    expect(student.link("Volver a la sesión")).to_be_hidden()
    expect(student.page.get_by_role("heading", name="Ayuda")).to_be_hidden()
