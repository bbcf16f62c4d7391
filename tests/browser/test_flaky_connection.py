"""A connection that comes and goes, and fingers that press twice: nothing is done twice, and there
is always a way on."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, Route, expect

from attendance.models import AttendanceSession, CallbackVerdict, Outcome, SenceCallback, State
from tests.attendance_steps import opened
from tests.browser.devices import with_and_without_javascript
from tests.browser.student import CLOSE, SESSION_PAGE, START
from tests.browser.world import enrol

OFFLINE = "No hay conexión a internet en este equipo."


@contextmanager
def answers_lost(page: Page, address: str) -> Iterator[None]:
    """What is sent there arrives and is dealt with; what comes back never does."""

    def lose(route: Route) -> None:
        if route.request.method == "POST":
            route.fetch(max_redirects=0)
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route(address, lose)
    with page.expect_event("requestfailed"):
        yield
    page.unroute(address)


@with_and_without_javascript
def test_a_start_whose_answer_was_lost_is_the_same_session_when_asked_for_again(student):
    enrol()
    student.enter_rut()
    expect(student.page.get_by_label("Seleccionar Curso:")).to_be_visible()

    with answers_lost(student.page, "**/cursos/"):
        student.press("Continuar")
    assert AttendanceSession.objects.count() == 1
    student.reach_start_button()

    expect(student.page).to_have_url(SESSION_PAGE)
    assert AttendanceSession.objects.count() == 1


@with_and_without_javascript
def test_after_an_answer_of_sences_whose_redirect_was_lost_the_timer_is_there(student, simulator):
    enrol()
    simulator.set_behaviour(student.run, delivery="late")
    student.reach_start_button()
    student.press(START)
    student.identify()
    expect(student.button("Enviar la respuesta ahora")).to_be_visible()

    with answers_lost(student.page, "**/sence/*/inicio/"):
        student.press("Enviar la respuesta ahora")
    student.enter_rut()

    student.reads("Asistencia correctamente ingresada", "Tiempo Asistencia")
    assert AttendanceSession.objects.get().state == State.OPEN


@with_and_without_javascript
def test_an_answer_of_sences_that_is_sent_again_after_that_changes_nothing(student, simulator):
    enrol()
    simulator.set_behaviour(student.run, delivery="late")
    student.reach_start_button()
    student.press(START)
    student.identify()
    expect(student.button("Enviar la respuesta ahora")).to_be_visible()

    with answers_lost(student.page, "**/sence/*/inicio/"):
        student.press("Enviar la respuesta ahora")
    student.page.reload()

    expect(student.title("Asistencia correctamente ingresada")).to_be_visible()
    assert [*CallbackVerdict.objects.order_by("pk").values_list("outcome", flat=True)] == [
        *(Outcome.OPENED, Outcome.REPLAY),
    ]


@with_and_without_javascript
def test_two_taps_on_the_course_are_one_session(student):
    enrol()
    student.enter_rut()

    student.button("Continuar").dblclick()

    expect(student.button(START)).to_be_visible()
    assert AttendanceSession.objects.count() == 1


def test_two_taps_on_the_start_button_go_to_sence_once(student, simulator, watch):
    enrol()
    student.reach_start_button()

    student.button(START).dblclick()
    expect(student.page.get_by_label("Ingresa tu RUN")).to_be_visible()

    assert len(watch.to("/Registro/IniciarSesion")) == 1


def test_without_a_connection_the_button_stays_where_it_is_and_says_why(student):
    enrol()
    student.reach_start_button()
    expect(student.page.get_by_text(OFFLINE)).to_be_hidden()

    student.page.context.set_offline(True)
    expect(student.page.get_by_text(OFFLINE)).to_be_visible()
    student.press(START)
    expect(student.button(START)).to_be_visible()
    student.page.context.set_offline(False)

    expect(student.page.get_by_text(OFFLINE)).to_be_hidden()
    assert not SenceCallback.objects.exists()


def test_whose_browser_wrongly_says_that_there_is_none_gets_through_by_pressing_again(student):
    enrol()
    student.page.add_init_script(
        "Object.defineProperty(navigator, 'onLine', { get: () => false });"
    )
    student.page.clock.install()
    student.page.goto(student.site)
    student.page.get_by_label("Rut:").fill(student.run)
    student.press("Continuar")
    expect(student.page.get_by_text(OFFLINE)).to_be_visible()

    student.page.clock.run_for(4_000)
    student.press("Continuar")

    expect(student.page.get_by_label("Seleccionar Curso:")).to_be_visible()


@with_and_without_javascript
def test_reloading_each_page_of_the_way_does_nothing_twice(student):
    enrol()
    student.enter_rut()
    expect(student.page.get_by_label("Seleccionar Curso:")).to_be_visible()
    student.page.reload()
    student.choose_course()
    expect(student.button(START)).to_be_visible()
    student.page.reload()
    student.press(START)
    student.log_in()
    expect(student.title("Asistencia correctamente ingresada")).to_be_visible()
    student.page.reload()

    expect(student.button(CLOSE)).to_be_visible()
    assert AttendanceSession.objects.count() == 1
    assert CallbackVerdict.objects.count() == 1


@with_and_without_javascript
def test_going_back_from_the_timer_to_the_courses_leads_to_the_timer_again(student):
    session = opened(enrol())
    student.page.goto(f"{student.site}/cursos/")
    student.enter_rut()
    expect(student.title("Asistencia correctamente ingresada")).to_be_visible()

    student.page.goto(f"{student.site}/cursos/")
    student.choose_course()

    expect(student.title("Asistencia correctamente ingresada")).to_be_visible()
    expect(student.page).to_have_url(f"{student.site}{session.get_absolute_url()}")
    assert AttendanceSession.objects.count() == 1
