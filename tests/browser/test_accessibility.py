"""What axe can't see: the keyboard, the focus, the quiet timer, motion and forced colours."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from tests.attendance_steps import opened
from tests.browser import test_pages as pages
from tests.browser.devices import DESKTOP, on, with_and_without_javascript
from tests.browser.student import CLOSE, PASSWORD, START
from tests.browser.world import ROSA, enrol

LIVE_REGIONS = "[role=status], [role=alert], [role=log], [aria-live]:not([aria-live=off])"
FOCUS = """() => {
  const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(document.activeElement);
  return [outlineStyle, outlineWidth, outlineColor];
}"""


def tab_to(wanted: Locator) -> None:
    """Press Tab until the wanted element has the focus, as who has no mouse does."""
    expect(wanted).to_be_visible()
    for _ in range(40):
        if wanted.evaluate("it => it === document.activeElement"):
            return
        wanted.page.keyboard.press("Tab")
    raise AssertionError(f"Tab never reaches {wanted}")


@on(desktop=DESKTOP)
def test_the_whole_way_needs_no_mouse(student):
    enrol()
    keyboard = student.page.keyboard

    def log_in():
        tab_to(student.page.get_by_label("Ingresa tu RUN"))
        keyboard.type(ROSA)
        tab_to(student.page.get_by_label("Ingresa tu Clave"))
        keyboard.type(PASSWORD)
        keyboard.press("Enter")

    student.page.goto(student.site)
    expect(student.page.get_by_label("Rut:")).to_be_focused()
    keyboard.type(ROSA)
    keyboard.press("Enter")
    expect(student.page.get_by_label("Seleccionar Curso:")).to_be_visible()
    tab_to(student.button("Continuar"))
    keyboard.press("Enter")
    tab_to(student.button(START))
    keyboard.press("Enter")
    log_in()
    expect(student.title("Asistencia correctamente ingresada")).to_be_visible()
    tab_to(student.button(CLOSE))
    keyboard.press("Space")
    log_in()
    expect(student.title("Sesión correctamente cerrada")).to_be_visible()


@on(desktop=DESKTOP)
def test_the_first_stop_of_the_keyboard_leads_past_the_header(student):
    pages.running(student)
    expect(student.button(CLOSE)).to_be_visible()

    student.page.keyboard.press("Tab")
    expect(student.link("Ir al contenido")).to_be_focused()
    student.page.keyboard.press("Enter")

    expect(student.page.get_by_role("main")).to_be_focused()


@on(desktop=DESKTOP)
@pytest.mark.parametrize(
    "reach",
    [pages.rut_wrong, pages.several_courses, pages.past_the_limit, pages.rejected, pages.closed],
)
def test_the_focus_can_be_seen_at_each_stop(student, reach):
    reach(student)
    expect(student.page).to_have_title(f"{pages.PAGES[reach]} · USECAP")

    for scheme in ("light", "dark"):
        student.page.emulate_media(color_scheme=scheme)
        around = [colour_of(student.page, name) for name in ("page", "surface")]
        for _ in range(8):
            student.page.keyboard.press("Tab")
            if student.page.evaluate("document.activeElement === document.body"):
                continue
            style, width, colour = student.page.evaluate(FOCUS)
            assert (style, width) == ("solid", "3px")
            assert min(contrast(rgb(colour), each) for each in around) >= 3


def colour_of(page: Page, token: str) -> list[int]:
    value = page.evaluate(
        f"getComputedStyle(document.documentElement).getPropertyValue('--usecap-{token}')"
    )
    digits = value.strip().removeprefix("#")
    digits = digits if len(digits) == 6 else "".join(digit * 2 for digit in digits)
    return list(bytes.fromhex(digits))


def rgb(colour: str) -> list[int]:
    return [int(value) for value in re.findall(r"\d+", colour)[:3]]


def contrast(one: list[int], other: list[int]) -> float:
    """The contrast ratio of two colours (WCAG 2.2, 1.4.3)."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: list[int]) -> float:
    shares = [value / 255 for value in colour]
    red, green, blue = (
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@with_and_without_javascript
@pytest.mark.parametrize(
    ("reach", "label", "sentence"),
    [
        (pages.rut_wrong, "Rut:", "Rut"),
        (pages.rut_empty, "Rut:", "Rut"),
        (pages.course_forgotten, "Seleccionar Curso:", "Seleccione uno de los cursos de la lista."),
    ],
)
def test_the_field_that_is_wrong_has_the_focus_and_says_why(student, reach, label, sentence):
    reach(student)

    field = student.page.get_by_label(label)
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    expect(field).to_have_accessible_description(re.compile(sentence))


def test_the_timer_is_not_read_aloud_and_its_warning_once(student):
    student.page.clock.install()
    session = opened(enrol(), timezone.now() - timedelta(hours=2, minutes=49, seconds=40))
    student.page.goto(student.site + session.get_absolute_url())
    expect(student.page.locator("[data-timer]")).to_have_attribute("data-tone", "normal")
    student.page.evaluate(f"""() => {{
      const note = (name) => (changes) => {{ window[name] += changes.length; }};
      window.spoken = window.tones = 0;
      const words = {{ subtree: true, childList: true, characterData: true, attributes: true }};
      for (const region of document.querySelectorAll("{LIVE_REGIONS}")) {{
        new MutationObserver(note("spoken")).observe(region, words);
      }}
      const card = document.querySelector("[data-timer]");
      new MutationObserver(note("tones")).observe(card, {{ attributeFilter: ["data-tone"] }});
    }}""")

    student.page.clock.run_for(40_000)

    expect(student.page.locator("[data-timer]")).to_have_attribute("data-tone", "near")
    assert student.page.evaluate("[window.spoken, window.tones]") == [0, 1]
    # Becoming visible in a live region is what makes it heard.
    warning = student.page.get_by_text("Quedan menos de 10 minutos").locator("visible=true")
    assert (
        warning.evaluate_all(f'all => all.filter((it) => it.closest("{LIVE_REGIONS}")).length') == 1
    )
    assert student.timer.evaluate(f'it => it.closest("{LIVE_REGIONS}")') is None


def design(student, **media) -> Page:
    student.page.emulate_media(**media)
    student.page.goto(f"{student.site}/diseno/")
    expect(student.title("Diseño")).to_be_visible()
    return student.page


def test_who_wants_no_motion_sees_none(student, settings):
    settings.DEBUG = True
    page = design(student, reduced_motion="reduce")

    moving = page.evaluate("""() => [...document.querySelectorAll("*")].filter((it) => {
      const style = getComputedStyle(it);
      return style.animationName !== "none" || style.transitionDuration.split(", ").some(
        (duration) => parseFloat(duration) > 0.01) || style.scrollBehavior === "smooth";
    }).map((it) => `${it.tagName} ${it.className}`)""")

    assert moving == []


def test_with_forced_colours_edges_tell_what_backgrounds_told(student, settings):
    settings.DEBUG = True
    page = design(student, forced_colors="active")

    borders = {
        name: page.locator(name).evaluate_all("""all => all.map((it) => {
          const { borderTopStyle, borderTopWidth } = getComputedStyle(it);
          return [borderTopStyle, parseFloat(borderTopWidth)];
        })""")
        for name in (".btn:not(.btn-link)", ".message", ".form-control", ".timer-card")
    }

    for name, found in borders.items():
        assert found, name
        assert all(style != "none" and width >= 1 for style, width in found), (name, found)
    assert [style for style, _ in borders[".timer-card"]] == ["solid", "dashed", "double"]
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUS)[:2] == ["solid", "3px"]
