"""The guide, §3.2: what goes wrong, what the student reads, and the way on."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from attendance.models import AttendanceSession, SenceCallback, State
from tests.browser.devices import with_and_without_javascript
from tests.browser.student import CLOSE, START
from tests.browser.world import NOBODY, PEDRO, ROSA, enrol

OPEN_ERROR = "Error en el inicio de asistencia Sence."
GUIDES_EXAMPLE = [
    OPEN_ERROR,
    "Número Error: 100",
    "Descripción: Contraseña incorrecta.",
    "Solución: Debe solicitar una nueva Cus, en la opción inferior",
]


@pytest.mark.pictures
@with_and_without_javascript
def test_who_has_no_courses_is_told_so_and_may_try_another_rut(student, phone_picture):
    enrol()
    student.enter_rut(NOBODY)

    student.reads(
        "El usuario no tiene cursos Sence registrados en Usecap.",
        "cursos@usecap.cl",
        f"Rut: {NOBODY}",
        "Volver a intentar",
        "Para obtener clave Única",
        "Obtener Clave Única",
        "Recuperar Clave Única",
        "Ayuda",
        "Guía Asistencia Sence",
    )
    assert NOBODY[:8] not in student.page.url
    phone_picture("guide/sin-cursos", student.page.locator("main"))

    student.follow("Volver a intentar")
    expect(student.page.get_by_label("Rut:")).to_be_empty()
    student.enter_rut()
    student.reads("Seleccionar Curso:")


@pytest.mark.parametrize("typed", ["11111111-2", "", "no es un rut"])
def test_a_wrong_rut_is_said_at_once_beside_its_field(student, typed):
    student.page.goto(student.site)
    student.page.get_by_label("Rut:").fill(typed)
    student.press("Continuar")

    field = student.page.get_by_label("Rut:")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_value(typed)
    assert urlsplit(student.page.url).path == "/"
    sentence = student.page.locator(f"#{field.get_attribute('aria-describedby')}")
    expect(sentence).to_be_visible()
    expect(sentence).not_to_be_empty()


@with_and_without_javascript
def test_with_a_wrong_clave_unica_nothing_comes_back_and_the_next_try_works(student):
    enrol()
    student.reach_start_button()
    student.press(START)
    student.identify(password="corta")

    student.reads("Datos de acceso no válidos")
    assert not SenceCallback.objects.exists()
    assert AttendanceSession.objects.get().state == State.REQUESTED

    student.log_in()
    student.reads("Asistencia correctamente ingresada")


@pytest.mark.pictures
@with_and_without_javascript
def test_an_error_of_sence_is_shown_as_in_the_guide_and_may_be_tried_again(
    student, simulator, phone_picture
):
    enrol()
    simulator.set_behaviour(ROSA, codes=["100"])
    student.reach_start_button()
    student.press(START)
    student.log_in()

    student.reads(*GUIDES_EXAMPLE, "Volver a intentar", "Accesos de interés Sence (Clave Sence)")
    for label in ("Registrar CUS", "Solicitar nueva CUS", "Cambiar Cus", "Actualizar Datos"):
        expect(student.link(label)).to_be_visible()
    phone_picture("guide/error", student.page.locator("main"))

    student.press("Volver a intentar")
    student.press(START)
    student.log_in()
    student.reads("Asistencia correctamente ingresada")
    states = [session.state for session in AttendanceSession.objects.order_by("requested_at")]
    assert states == [State.REJECTED, State.OPEN]


@with_and_without_javascript
def test_of_several_codes_the_one_that_the_student_can_act_on_comes_first(student, simulator):
    enrol()
    simulator.set_behaviour(ROSA, codes=["300", "311"])
    student.reach_start_button()
    student.press(START)
    student.log_in()

    student.reads(
        OPEN_ERROR,
        "Número Error: 311",
        "Sence informó también: error 300. Sence tuvo un error interno.",
    )
    assert AttendanceSession.objects.get().error_glosa == "300;311"


@pytest.mark.parametrize("code", ["999", "abc"])
def test_an_unknown_code_is_shown_with_a_general_text(student, simulator, code):
    enrol()
    simulator.set_behaviour(ROSA, other_codes=code)
    student.reach_start_button()
    student.press(START)
    student.log_in()

    student.reads(
        OPEN_ERROR,
        f"Número Error: {code}",
        f"Descripción: Sence respondió con el error {code}, que aún no conocemos.",
        "cursos@usecap.cl",
    )


@pytest.mark.parametrize("outcome", ["no_code", "empty_code"])
def test_an_error_without_a_code_is_an_error_and_never_an_opening(student, simulator, outcome):
    enrol()
    simulator.set_behaviour(ROSA, outcome=outcome)
    student.reach_start_button()
    student.press(START)
    student.log_in()

    student.reads(OPEN_ERROR, "Descripción: Sence respondió con un error, sin número.")
    expect(student.page.get_by_text("Número Error:")).to_have_count(0)
    assert AttendanceSession.objects.get().state == State.REJECTED


@with_and_without_javascript
def test_who_logs_in_as_someone_else_reads_error_311(student):
    enrol()
    student.reach_start_button()
    student.press(START)
    student.log_in(PEDRO)

    student.reads(OPEN_ERROR, "Número Error: 311", "con su propio Rut y su propia Clave Única")
    assert AttendanceSession.objects.get().state == State.REJECTED


@with_and_without_javascript
def test_an_error_of_the_close_keeps_the_timer_and_may_be_tried_again(student, simulator):
    enrol()
    student.open_session()
    simulator.set_behaviour(ROSA, codes=["301"])
    student.close_session()

    student.reads(
        "Error en el cierre de asistencia Sence.",
        "Número Error: 301",
        "Su sesión sigue abierta",
        "Tiempo Asistencia",
        "0:00:",
        CLOSE,
    )
    assert AttendanceSession.objects.get().state == State.OPEN

    student.close_session()
    student.reads("Sesión correctamente cerrada")
    expect(student.page.get_by_text("Número Error:")).to_have_count(0)
    assert AttendanceSession.objects.get().state == State.CLOSED


@with_and_without_javascript
def test_an_answer_that_contradicts_what_was_sent_opens_nothing_and_says_so(student, simulator):
    enrol()
    simulator.set_behaviour(ROSA, contradicting=["RunAlumno"])
    student.reach_start_button()
    student.press(START)
    student.log_in()

    student.reads("La respuesta que llegó de Sence no corresponde a esta sesión", START)
    assert AttendanceSession.objects.get().state == State.REQUESTED


@with_and_without_javascript
def test_a_scholarship_student_reads_that_nothing_needs_registering(student):
    enrol(is_exempt=True)
    student.enter_rut()
    student.choose_course()

    student.reads("Usted participa como becario", "Volver a mis cursos")
    assert not AttendanceSession.objects.exists()
