"""Every page in every state: for who can't see it or has a small screen.

`--screenshot on --full-page-screenshot --output FOLDER` keeps a picture of each of them.
"""

import re
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth import get_user_model
from django.utils import timezone
from playwright.sync_api import Page, expect

from attendance.models import AttendanceSession
from courses.models import Otec
from tests.attendance_steps import answer, opened, post, requested
from tests.browser.pictures import ROOT
from tests.browser.student import Student
from tests.browser.world import EXCEL, NOBODY, ROSA, enrol, enrol_in_talk
from tests.factories import ActionFactory, EnrolmentFactory

AXE = Axe()
DESKTOP_WIDTH, PHONE_WIDTH, SMALLEST_PHONE = 1280, 360, 320
# Named, since axe leaves out the size of targets (2.2) otherwise.
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
AXE_OPTIONS = {"runOnly": {"type": "tag", "values": STANDARDS}}
ACCESSIBILITY = ROOT / "docs" / "accessibility.md"
# What one presses, but for links in running text, and is smaller than a thumb: 44 px.
TOO_SMALL = """() => {
  const isInText = (link) => {
    const block = link.closest("p, li, dd, dt, td, figcaption")?.cloneNode(true);
    block?.querySelectorAll("a, ul, ol, button").forEach((inner) => inner.remove());
    return /[\\p{L}\\p{N}]/u.test(block?.textContent ?? "");
  };
  const pressed = "a[href], button, summary, select, input:not([type=hidden])";
  return [...document.querySelectorAll(pressed)].flatMap((it) => {
    const { width, height } = it.getBoundingClientRect();
    const isShown = it.checkVisibility() && width > 1;
    const isLarge = width >= 43.9 && height >= 43.9;
    if (!isShown || isLarge || (it.matches("a") && isInText(it))) return [];
    return [`${it.textContent.trim() || it.name}: ${width} x ${height}`];
  });
}"""
TOO_WIDE = """() => [...document.querySelectorAll("body *")]
  .filter((it) => it.getBoundingClientRect().right > document.documentElement.clientWidth)
  .map((it) => `${it.tagName} ${it.className}: ${it.textContent.trim().slice(0, 40)}`)"""
LONG_NAME = "PREVENCION DE RIESGOS ELECTROMECANICOS E HIDROELECTRICOS, NIVEL SUPERIOR " * 3


def go_to(student: Student, session: AttendanceSession) -> None:
    student.page.goto(student.site + session.get_absolute_url())


def rut(student):
    student.page.goto(student.site)


def rut_wrong(student):
    student.enter_rut("11111111-2")


def rut_empty(student):
    student.enter_rut(" ")


def no_courses(student):
    student.enter_rut(NOBODY)


def one_course(student):
    enrol()
    student.enter_rut()


def several_courses(student):
    enrolment = enrol()
    opened(enrol_in_talk(enrolment))
    today = timezone.localdate()
    for name, first_day in ((LONG_NAME, 5), (EXCEL, -60)):
        action = ActionFactory(
            course__name=name,
            starts_on=today + timedelta(first_day),
            ends_on=today + timedelta(first_day + 40),
        )
        EnrolmentFactory(student=enrolment.student, action=action)
    student.enter_rut()
    # Past the session in course, on which the student lands.
    student.page.goto(f"{student.site}/cursos/")


def course_forgotten(student):
    """The courses of a RUT, chosen from after they changed."""
    enrolment = enrol()
    student.enter_rut()
    enrol_in_talk(enrolment)
    enrolment.delete()
    student.choose_course()
    expect(student.page.get_by_label("Seleccionar Curso:")).to_have_attribute(
        "aria-invalid", "true"
    )


def about_to_start(student):
    enrol()
    student.reach_start_button()


def about_to_start_elsewhere(student):
    """The page of a session in a browser that doesn't know the RUT."""
    go_to(student, requested(enrol()))


def back_without_an_answer(student):
    enrol()
    student.reach_start_button()
    student.page.reload()


def sence_fails_everyone(student):
    """The courses, while nobody gets in."""
    failing(enrol())
    student.enter_rut()
    expect(student.page.get_by_label("Seleccionar Curso:")).to_be_visible()


def about_to_start_while_sence_fails_everyone(student):
    failing(enrol())
    student.reach_start_button()


def failing(enrolment):
    for _ in range(3):
        session = requested(EnrolmentFactory(action=enrolment.action))
        post(session, "open", answer(session, IdSesionSence="", GlosaError="300"), error=True)


def long_name(student):
    go_to(student, opened(EnrolmentFactory(action__course__name=LONG_NAME)))


def not_started(student, days=5):
    action = enrol().action
    action.starts_on = action.ends_on = timezone.localdate() + timedelta(days)
    action.save()
    student.enter_rut()
    student.choose_course()


def ended(student):
    not_started(student, days=-5)


def not_ready(student):
    enrol()
    Otec.objects.update(token_ciphertext="")
    student.enter_rut()
    student.choose_course()


def exempt(student):
    enrol(is_exempt=True)
    student.enter_rut()
    student.choose_course()


def lost_token(student):
    """A start button without the token that it would send."""
    session = requested(enrol())
    Otec.objects.update(token_ciphertext="")
    go_to(student, session)


def lost_token_while_open(student):
    session = opened(enrol())
    Otec.objects.update(token_ciphertext="")
    go_to(student, session)


def running(student):
    go_to(student, opened(enrol()))


def near_the_limit(student):
    go_to(student, opened(enrol(), timezone.now() - timedelta(hours=2, minutes=51)))


def past_the_limit(student):
    go_to(student, opened(enrol(), timezone.now() - timedelta(hours=3, minutes=1)))


def close_failed(student):
    session = opened(enrol())
    post(session, "close", answer(session, GlosaError="301"), error=True)
    go_to(student, session)


def close_failed_before(student):
    """The same, looked at again an hour later."""
    at = timezone.now() - timedelta(hours=1)
    session = opened(enrol(), at)
    session.mark_close_failed("301", at)
    go_to(student, session)


def close_flagged(student):
    """A close that SENCE confirmed, of somebody else."""
    session = opened(enrol())
    post(session, "close", answer(session, IdSesionSence=None, RunAlumno="22222222-2"))
    go_to(student, session)


def new_session_asked_for(student):
    past_the_limit(student)
    student.page.get_by_text("Iniciar una nueva sesión").click()
    expect(student.button("Sí, iniciar una nueva")).to_be_visible()


def superseded(student):
    """In the browser that knows the RUT, with the way to the newer one."""
    session = opened(enrol(), timezone.now() - timedelta(hours=4))
    student.enter_rut()
    requested(session.enrolment)
    go_to(student, session)


def resolved(student):
    session = opened(enrol(), timezone.now() - timedelta(hours=4))
    user = get_user_model().objects.create(username="coordinadora")
    session.mark_resolved(user, "SENCE la tiene registrada.", timezone.now())
    go_to(student, session)


def closed(student):
    session = opened(enrol(), timezone.now() - timedelta(hours=1, minutes=7))
    post(session, "close", answer(session, IdSesionSence=None))
    go_to(student, session)


def may_close_the_window(student):
    closed(student)
    student.follow("Cerrar ventana")


def may_close_the_window_of_an_open_session(student):
    running(student)
    student.follow("Cerrar ventana")


def own_sessions(student):
    enrolment = enrol()
    for hours in (50, 26):
        session = opened(enrolment, timezone.now() - timedelta(hours=hours))
        session.mark_closed(session.opened_at + timedelta(minutes=67), time="", zone="")
    opened(enrolment)
    student.enter_rut()
    student.follow("Mis sesiones en este curso")


def no_close_needed(student):
    go_to(student, opened(enrol_in_talk(enrol())))


def rejected(student, glosa="100"):
    session = requested(enrol())
    post(session, "open", answer(session, IdSesionSence="", GlosaError=glosa), error=True)
    go_to(student, session)


def rejected_for_several_reasons(student):
    rejected(student, "311;208;999")


def rejected_without_a_code(student):
    rejected(student, "")


def answer_flagged(student):
    session = requested(enrol())
    post(session, "open", answer(session, RunAlumno="22222222-2"))
    go_to(student, session)


def guide(student):
    student.page.goto(f"{student.site}/guia/")


def callback_by_hand(student):
    student.page.goto(f"{student.site}/sence/{requested(enrol()).nonce}/inicio/")


PAGES = {
    rut: "Ingrese su Rut",
    rut_wrong: "Revise su Rut",
    rut_empty: "Revise su Rut",
    no_courses: "Sin cursos registrados",
    one_course: "Seleccione su curso",
    several_courses: "Seleccione su curso",
    course_forgotten: "Seleccione su curso",
    about_to_start: "Inicie su asistencia",
    about_to_start_elsewhere: "Inicie su asistencia",
    back_without_an_answer: "Sence todavía no responde",
    sence_fails_everyone: "Seleccione su curso",
    about_to_start_while_sence_fails_everyone: "Inicie su asistencia",
    long_name: "Asistencia en curso",
    not_started: "Nada que registrar por ahora",
    ended: "Nada que registrar por ahora",
    not_ready: "Nada que registrar por ahora",
    exempt: "Nada que registrar por ahora",
    lost_token: "Inicie su asistencia",
    lost_token_while_open: "Asistencia en curso",
    running: "Asistencia en curso",
    near_the_limit: "Quedan menos de 10 minutos",
    past_the_limit: "Cierre su sesión ahora",
    close_failed: "Error en el cierre",
    close_failed_before: "Asistencia en curso",
    close_flagged: "Asistencia en curso",
    new_session_asked_for: "Cierre su sesión ahora",
    superseded: "Cierre su sesión ahora",
    resolved: "Sesión revisada",
    closed: "Sesión cerrada",
    may_close_the_window: "Sesión cerrada",
    may_close_the_window_of_an_open_session: "Asistencia en curso",
    own_sessions: "Mis sesiones",
    no_close_needed: "Asistencia registrada",
    rejected: "Error en el inicio",
    rejected_for_several_reasons: "Error en el inicio",
    rejected_without_a_code: "Error en el inicio",
    answer_flagged: "Inicie su asistencia",
    guide: "Guía Asistencia Sence",
    callback_by_hand: "Dirección de respuesta",
}


@pytest.mark.parametrize(("reach", "title"), PAGES.items(), ids=[reach.__name__ for reach in PAGES])
def test_a_page_can_be_read_by_everyone(student, reach, title):
    reach(student)

    expect(student.page).to_have_title(f"{title} · USECAP")
    assert_readable(student.page)


BROKEN = {
    "400": ("roto/400", "No pudimos leer lo que envió su navegador."),
    "403": ("roto/403", "No tiene permiso para ver esta página."),
    "404": ("nada/", "No encontramos esta página."),
    "413": ("roto/413", "Lo que envió es demasiado grande para esta página."),
    "429": ("roto/429", "Hubo demasiados intentos seguidos."),
    "500": ("roto/500", "No pudimos mostrar esta página."),
    "503": ("roto/503", "El sitio no está disponible por un momento."),
}


@pytest.mark.parametrize(("address", "sentence"), BROKEN.values(), ids=list(BROKEN))
def test_a_page_that_says_that_something_broke_can_be_read_by_everyone(
    student, settings, watch, address, sentence
):
    settings.ROOT_URLCONF = "tests.browser.broken_urls"

    student.page.goto(f"{student.site}/{address}")

    student.reads(sentence, "cursos@usecap.cl")
    expect(student.page.locator("main p")).not_to_be_empty()
    assert_readable(student.page)
    watch.expect_error("Failed to load resource")


def test_the_form_of_another_visit_asks_to_come_in_again(student, watch):
    student.page.goto(student.site)
    student.page.context.clear_cookies()
    student.page.get_by_label("Rut:").fill(ROSA)
    student.press("Continuar")

    student.reads("La página estuvo abierta demasiado tiempo", "Ir al inicio")
    assert_readable(student.page)
    watch.expect_error("403")


def test_own_sessions_asked_for_where_nobody_typed_the_rut_can_be_read_by_everyone(student, watch):
    student.page.goto(f"{student.site}{opened(enrol()).get_absolute_url()}sesiones/")

    student.reads("Solo puede ver sus sesiones en el navegador donde escribió su Rut")
    assert_readable(student.page)
    watch.expect_error("403")


def test_the_notice_that_the_connection_is_gone_can_be_read_by_everyone(student, watch):
    running(student)
    student.page.context.set_offline(True)

    student.reads("No hay conexión a internet en este equipo.")
    assert_readable(student.page)
    student.page.context.set_offline(False)
    # Whether the page asked for something meanwhile is chance.
    assert all("ERR_INTERNET_DISCONNECTED" in error for error in watch.errors)
    watch.errors.clear()


def test_the_list_of_what_is_checked_is_true():
    """`docs/accessibility.md` names each page and state above, and no other."""
    names = [reach.__name__.replace("_", " ") for reach in PAGES]
    told = re.findall(r"^- `(.+)`", ACCESSIBILITY.read_text(encoding="utf-8"), re.MULTILINE)

    assert sorted(told) == sorted(
        [*names, *BROKEN, "form of another visit", "own sessions refused", "offline"]
    )


def assert_readable(page: Page) -> None:
    """Axe finds nothing, light or dark; nothing is cut off sideways; everything can be hit."""
    page.wait_for_load_state()
    # Otherwise a button is still on its way from one scheme's colour to the other's.
    page.emulate_media(reduced_motion="reduce")
    for width in (DESKTOP_WIDTH, PHONE_WIDTH):
        page.set_viewport_size({"width": width, "height": 740})
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)
            assert_axe_finds_nothing(page)
        assert_fits(page, width)
        # Text of twice the size, as a reader's own settings make it.
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert_fits(page, width)
        page.evaluate("document.documentElement.style.fontSize = ''")
    assert page.evaluate(TOO_SMALL) == []
    # As wide as a desktop's page at 400 %.
    page.set_viewport_size({"width": SMALLEST_PHONE, "height": 740})
    assert_fits(page, SMALLEST_PHONE)
    page.set_viewport_size({"width": PHONE_WIDTH, "height": 740})


def assert_axe_finds_nothing(page: Page, but: str = "") -> None:
    rules = {rule: {"enabled": False} for rule in but.split(", ") if rule}
    found = AXE.run(page, options=AXE_OPTIONS | {"rules": rules})
    assert found.violations_count == 0, found.generate_report()


def assert_fits(page: Page, width: int) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= width, page.evaluate(TOO_WIDE)
