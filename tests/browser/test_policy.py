"""What the browser lets through: production's policy, no cookie on SENCE's way back."""

from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Request, Response, expect

from attendance.models import AttendanceSession, SenceCallback, State
from tests.attendance_steps import opened
from tests.browser.conftest import policy
from tests.browser.devices import with_and_without_javascript
from tests.browser.student import SESSION_PAGE, START
from tests.browser.world import ROSA, enrol

FORM_ACTION = "form-action"


@with_and_without_javascript
def test_every_page_of_the_way_comes_with_the_strict_policy(student, simulator, watch):
    enrol()
    student.open_session()
    student.close_session()
    student.reads("Sesión correctamente cerrada")

    expected = {
        "default-src": "'none'",
        "base-uri": "'none'",
        "connect-src": "'self'",
        "font-src": "'self'",
        FORM_ACTION: f"'self' {simulator.sence_origin} {simulator.login_origin}",
        "frame-ancestors": "'none'",
        "img-src": "'self' data:",
        "manifest-src": "'self'",
        "script-src": "'self'",
        "style-src": "'self'",
    }
    pages = [response for response in watch.responses if is_page_of(student.site, response)]
    # The RUT, the courses, and the session requested, open and closed.
    assert [received_policy(page) for page in pages] == [expected] * 5


@with_and_without_javascript
def test_without_clave_unicas_origin_in_the_policy_nobody_gets_to_log_in(
    student, simulator, settings, watch
):
    settings.CONTENT_SECURITY_POLICY = policy(simulator.sence_origin)
    enrol()
    student.reach_start_button()

    with student.page.expect_event("console"):
        student.button(START).dispatch_event("click")

    watch.expect_error(FORM_ACTION)
    expect(student.page).to_have_url(SESSION_PAGE)
    assert not arrived(watch, "/ingreso/")
    assert not SenceCallback.objects.exists()
    assert AttendanceSession.objects.get().state == State.REQUESTED


def test_without_sences_origin_in_the_policy_nothing_is_sent(student, simulator, settings, watch):
    settings.CONTENT_SECURITY_POLICY = policy(simulator.login_origin)
    enrol()
    student.reach_start_button()

    with student.page.expect_event("console"):
        student.button(START).dispatch_event("click")

    watch.expect_error(FORM_ACTION)
    assert watch.to("/IniciarSesion") == []


@with_and_without_javascript
def test_sences_answer_carries_no_cookie_of_ours_and_sets_none(student, watch):
    enrol()
    student.open_session()
    before = cookies(student)
    student.close_session()
    student.reads("Sesión correctamente cerrada")

    callbacks = watch.to("/sence/")
    assert [request.method for request in callbacks] == ["POST", "POST"]
    for request in callbacks:
        assert "cookie" not in request.all_headers()
        response = request.response()
        assert response.status == 303
        assert "set-cookie" not in response.all_headers()
    assert cookies(student) == before
    assert {"rut", "csrftoken"} == set(before)


@with_and_without_javascript
def test_the_rut_survives_the_way_through_sence(student):
    enrol()
    student.open_session()

    student.follow("Ver mis cursos")

    student.reads(f"Rut: {ROSA}", "Seleccionar Curso:")


def test_the_rut_is_in_no_address_and_no_readable_cookie(student, watch):
    enrol()
    student.open_session()

    ours = [request.url for request in watch.requests if request.url.startswith(student.site)]
    assert not any(ROSA in url or ROSA[:8] in url for url in ours)
    assert student.page.evaluate("document.cookie") == ""
    assert {cookie["sameSite"] for cookie in student.page.context.cookies()} == {"Lax"}


@with_and_without_javascript
def test_sence_learns_which_site_it_comes_from_and_never_which_page(student, simulator, watch):
    enrol()
    student.reach_start_button()
    student.press(START)

    (request,) = watch.to("/IniciarSesion")
    headers = request.all_headers()
    assert headers["origin"] == student.site
    assert headers["referer"] == f"{student.site}/"


@with_and_without_javascript
def test_sence_is_sent_the_fields_of_its_manual_and_nothing_else(student, watch):
    enrol()
    student.open_session()
    student.close_session()
    student.reads("Sesión correctamente cerrada")

    (opening,) = watch.to("/IniciarSesion")
    (closing,) = watch.to("/CerrarSesion")
    assert names_sent(opening) == FIELDS
    assert names_sent(closing) == FIELDS | {"IdSesionSence"}


def test_the_pages_ask_for_little_and_only_from_us(student, watch):
    session = opened(enrol())

    student.page.goto(student.site)
    assert asked_for(watch) == {"/", SHEET, SCRIPT}
    watch.requests.clear()
    student.page.goto(student.site + session.get_absolute_url())

    address = session.get_absolute_url()
    assert asked_for(watch) == {address, SHEET, SCRIPT}


FIELDS = {
    "RutOtec", "Token", "CodSence", "CodigoCurso", "LineaCapacitacion", "RunAlumno",
    "IdSesionAlumno", "UrlRetoma", "UrlError",
}  # fmt: skip


def names_sent(request: Request) -> set[str]:
    return set(parse_qs(request.post_data or "", keep_blank_values=True))


SHEET, SCRIPT = "/static/usecap/pages.css", "/static/usecap/pages.js"
ICONS = {"/static/usecap/icon.svg", "/static/usecap/icon-32.png"}


def asked_for(watch) -> set[str]:
    """The paths asked for, but for the icon: that one the browser fetches when it likes."""
    urls = [urlsplit(request.url) for request in watch.requests]
    assert len({url.netloc for url in urls}) == 1
    return {url.path for url in urls} - ICONS


def is_page_of(site: str, response: Response) -> bool:
    is_page = response.headers.get("content-type", "").startswith("text/html")
    return is_page and response.status == 200 and response.url.startswith(f"{site}/")


def received_policy(response: Response) -> dict[str, str]:
    header = response.all_headers()["content-security-policy"]
    return dict(directive.strip().split(" ", 1) for directive in header.split(";"))


def arrived(watch, part: str) -> bool:
    return any(part in response.url and response.ok for response in watch.responses)


def cookies(student) -> dict[str, str]:
    """The browser's cookies for our site, by name."""
    return {
        str(cookie["name"]): str(cookie["value"])
        for cookie in student.page.context.cookies(student.site)
    }
