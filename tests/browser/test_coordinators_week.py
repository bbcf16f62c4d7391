"""A coordinator's week, from an empty system to the digest of the next morning, as the manual
(docs/manual-coordinador.md) tells it and with the pictures that it shows."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import time_machine
from django.core import mail
from django.core.management import call_command
from django.test import override_settings
from django.utils import timezone
from playwright.sync_api import Page, expect

from courses.models import Enrolment
from tests.backoffice.staff import member
from tests.browser.coordinator import PASSWORD, Coordinator
from tests.browser.devices import DESKTOP, PHONE, on
from tests.browser.pictures import Picture
from tests.browser.student import START, Student
from tests.browser.world import EXCEL, EXCEL_CODES, KARY, OTEC_RUT, PEDRO, ROSA, TOKEN
from tests.factories import make_rut
from tests.rosters.makers import table, xlsx_bytes

SENCE_CODE, ACTION = EXCEL_CODES
COLUMNS = ("rut", "nombres", "apellidos", "correo", "codigo_accion", "becario", "termino")
LUISA, MARTA, JUAN, INES = (make_rut(number) for number in range(14_000_001, 14_000_005))
COORDINATION = "coordinacion@example.com"
REASON = "Pedro llamó: estudió hasta las 12 y olvidó cerrar."

# Nobody is sent there: the page that reviews an action looks at how they are written.
ADDRESSES_OF_PRODUCTION = {
    "PUBLIC_BASE_URL": "https://asistencia.usecap.cl",
    "SENCE_PRODUCTION_URL": "https://sistemas.sence.cl/rce/Registro/",
    "SENCE_TEST_URL": "https://sistemas.sence.cl/rcetest/Registro/",
    "SENCE_FORM_HOSTS": ["https://*.sence.cl", "https://*.claveunica.gob.cl"],
    "ALLOWED_HOSTS": ["localhost", "asistencia.usecap.cl"],
}


@dataclass
class Week:
    """Who takes part, and the clock that takes them from one hour to another."""

    ana: Coordinator
    new_phone: Callable[[], Page]
    clock: time_machine.Traveller
    picture: Picture
    folder: Path

    def student(self, run: str) -> Student:
        """Somebody with a phone of their own."""
        return Student(self.new_phone(), self.ana.site, run)

    def it_is(self, days: int, hour: int) -> None:
        """Move the clock to an hour, in Chile, so many days from the one on which all connect."""
        self.clock.move_to(moment(days, hour))


def moment(days: int, hour: int) -> datetime:
    day = REAL_DAY + timedelta(days=days)
    return timezone.make_aware(datetime.combine(day, time(hour)))


# The simulator has a clock of its own: whoever connects does so on its day.
REAL_DAY = timezone.localdate()


@pytest.fixture
def week(page, site, new_phone, picture, tmp_path):
    with time_machine.travel(moment(-1, 9)) as clock:
        yield Week(Coordinator(page, site), new_phone, clock, picture, tmp_path)


@pytest.fixture
def new_phone(browser, watch):
    """Each call gives a page of a browser of its own, with a phone's screen."""
    with ExitStack() as contexts:

        def phone() -> Page:
            context = contexts.enter_context(browser.new_context(**PHONE))
            watch.follow(context)
            return context.new_page()

        yield phone


@on(desktop=DESKTOP)
@pytest.mark.pictures
def test_the_week_of_a_coordinator(week):
    the_administrator_makes_an_otec_and_an_account(week)
    the_coordinator_makes_a_course_and_an_action(week)
    mistakes_in_the_roster_are_explained(week)
    the_mended_roster_is_confirmed(week)
    nobody_has_connected_yet(week)
    week.it_is(0, hour=10)
    students_connect(week)
    the_desk_and_the_board_tell(week)
    those_who_are_missing_get_a_letter(week)
    week.it_is(0, hour=14)
    the_overlong_session_is_resolved(week)
    the_text_of_an_error_is_rewritten(week)
    attendance_is_exported(week)
    week.it_is(1, hour=8)
    the_digest_arrives(week)


def the_administrator_makes_an_otec_and_an_account(week: Week) -> None:
    boss = member("Administrador", "alba")
    boss.set_password(PASSWORD)
    boss.save()
    alba = week.ana
    alba.page.goto(f"{alba.site}/admin/")
    week.picture("manual/ingreso", alba.page.locator("#container"))
    alba.log_in("alba")

    alba.open_list("OTEC", "OTEC")
    alba.follow("Añadir OTEC")
    alba.fill("Nombre:", "USECAP")
    alba.fill("RUT:", OTEC_RUT)
    alba.fill("Correos de coordinación:", COORDINATION)
    alba.fill("Token nuevo:", TOKEN)
    week.picture("manual/otec", alba.page.locator("#content"))
    alba.press("Guardar")
    alba.is_told("USECAP")
    expect(alba.page.get_by_role("cell", name="Configurado")).to_be_visible()
    assert TOKEN not in alba.page.content()

    alba.open_list("Usuarios", "Usuarios")
    alba.follow("Añadir usuario")
    alba.fill("Nombre de usuario:", "ana")
    alba.fill("Contraseña:", PASSWORD)
    alba.fill("Contraseña (confirmación):", PASSWORD)
    alba.fill("Nombre:", "Ana")
    alba.fill("Apellidos:", "Soto Rivas")
    alba.page.get_by_label("Coordinador").check()
    week.picture("manual/persona", alba.page.locator("#content"))
    alba.press("Guardar")
    alba.is_told("ana")
    alba.log_out()


def the_coordinator_makes_a_course_and_an_action(week: Week) -> None:
    ana = week.ana
    ana.log_in("ana")
    ana.open_list("Cursos", "Cursos")
    ana.follow("Añadir curso")
    expect(ana.page.get_by_role("combobox", name="OTEC:")).to_have_text("USECAP")
    ana.fill("Nombre:", EXCEL)
    ana.fill("Código SENCE:", SENCE_CODE)
    week.picture("manual/curso", ana.page.locator("#content"))
    ana.press("Guardar")
    ana.is_told(EXCEL)

    ana.open_list("Acciones", "Acciones")
    ana.follow("Añadir acción")
    ana.choose("Curso:", EXCEL)
    ana.fill("Código de acción:", ACTION)
    ana.fill("Inicio:", f"{REAL_DAY - timedelta(days=1):%d-%m-%Y}")
    ana.fill("Término:", last_day())
    ana.page.get_by_label("Ambiente:").select_option("Prueba")
    week.picture("manual/accion", ana.page.locator("#content"))
    ana.press("Guardar")
    ana.is_told(ACTION)

    with override_settings(**ADDRESSES_OF_PRODUCTION):
        ana.follow(f"Revisar {ACTION}")
        ana.is_at("Revisión previa")
        verdict = ana.page.get_by_text("Desde aquí no se ve nada que SENCE fuera a rechazar.")
        expect(verdict).to_be_visible()
        week.picture("manual/revision", ana.page)


def last_day() -> str:
    return f"{REAL_DAY + timedelta(days=5):%d-%m-%Y}"


def student(rut: str, names: str, surnames: str, **changes: str) -> dict[str, str]:
    return {
        "rut": rut,
        "nombres": names,
        "apellidos": surnames,
        "correo": f"{surnames.split(maxsplit=1)[0].lower()}@example.com",
        "codigo_accion": ACTION,
        "becario": "no",
        "termino": last_day(),
    } | changes


GOOD = [student(ROSA, "Rosa", "Fuentes Araya"), student(PEDRO, "Pedro", "Lagos Soto")]
MENDED = [
    student(KARY, "Kary", "Kast Kunz"),
    student(LUISA, "Luisa", "Rojas Vera"),
    student(MARTA, "Marta", "Silva Pino", becario="sí"),
    student(JUAN, "Juan", "Tapia León"),
    student(INES, "Inés", "Castro Ruiz"),
]
MISTAKES = [
    ("rut", "10000013-1", "El dígito verificador no corresponde al RUT"),
    ("correo", "rojas.example.com", "No es un correo válido"),
    ("becario", "tal vez", "Escriba sí o no"),
    ("termino", "31-02-2026", "Esa fecha no existe"),
    ("codigo_accion", "6512354", "La acción no está registrada"),
]
MISTAKEN = [row | {column: said} for row, (column, said, _) in zip(MENDED, MISTAKES, strict=True)]


def upload(week: Week, name: str, rows: list[dict[str, str]]) -> None:
    """Bring a workbook to the upload page and wait until it has been checked."""
    file = week.folder / name
    file.write_bytes(xlsx_bytes(table(*rows, columns=COLUMNS)))
    week.ana.page.get_by_label("Archivo con los inscritos:").set_input_files(file)
    week.ana.press("Revisar el archivo")
    expect(week.ana.page.get_by_text("Por confirmar.")).to_be_visible()
    week.ana.is_at(name)


def mistakes_in_the_roster_are_explained(week: Week) -> None:
    ana = week.ana
    ana.go_to("Cargar inscritos", "Cargar inscritos")
    week.picture("manual/cargar", ana.page.locator("#content"))
    upload(week, "inscritos.xlsx", GOOD + MISTAKEN)

    rejected = ana.page.get_by_role("region", name="Filas rechazadas").get_by_role("row")
    expect(rejected).to_have_count(1 + len(MISTAKES))
    for line, (column, said, reason) in enumerate(MISTAKES, start=1):
        row = rejected.nth(line)
        expect(row).to_contain_text(str(line + 1 + len(GOOD)))
        expect(row).to_contain_text(column)
        expect(row).to_contain_text(said)
        expect(row).to_contain_text(reason)
    week.picture("manual/cargar-errores", ana.page)
    assert not Enrolment.objects.exists()
    ana.press("Descartar")
    expect(ana.page.get_by_text("Descartado.")).to_be_visible()


def the_mended_roster_is_confirmed(week: Week) -> None:
    ana = week.ana
    ana.follow("Cargar otro archivo")
    ana.is_at("Cargar inscritos")
    upload(week, "inscritos-corregido.xlsx", GOOD + MENDED)
    week.picture("manual/cargar-confirmar", ana.page)
    ana.press("Confirmar: cargar 7 filas")
    expect(ana.page.get_by_text("Cargado.")).to_be_visible()
    assert Enrolment.objects.filter(action__code=ACTION).count() == 7


def nobody_has_connected_yet(week: Week) -> None:
    week.ana.go_to_desk()
    expect(week.ana.number("Alumnos sin ninguna sesión")).to_have_text("6")
    expect(week.ana.number("Abiertas ahora")).to_have_text("0")


def students_connect(week: Week) -> None:
    rosa = week.student(ROSA)
    rosa.open_session()
    rosa.close_session()
    expect(rosa.title("Sesión correctamente cerrada")).to_be_visible()
    week.student(PEDRO).open_session()
    luisa_is_refused(week, "Su Rut no está autorizado en Sence para este curso.")


def luisa_is_refused(week: Week, text: str) -> None:
    """SENCE does not know her in this action, and says so before she logs in."""
    luisa = week.student(LUISA)
    luisa.reach_start_button()
    luisa.press(START)
    luisa.reads("Error en el inicio de asistencia Sence.", "Número Error: 208", text)


def the_desk_and_the_board_tell(week: Week) -> None:
    ana = week.ana
    # A night ends the session.
    ana.log_in("ana")
    for label, count in {
        "Alumnos sin ninguna sesión": "4",
        "Abiertas hoy": "2",
        "Cerradas hoy": "1",
        "Abiertas ahora": "1",
        "Abiertas más que el límite": "0",
    }.items():
        expect(ana.number(label)).to_have_text(count)
    errors = ana.page.get_by_role("region", name="Tabla de errores")
    expect(errors.get_by_role("row", name="208")).to_be_visible()
    week.picture("manual/escritorio", ana.page)

    ana.go_to("Sin conexión", "Alumnos sin ninguna sesión")
    expect(ana.page.get_by_text("2 de 6 (33 %)")).to_be_visible()
    week.picture("manual/tablero", ana.page)


def those_who_are_missing_get_a_letter(week: Week) -> None:
    ana = week.ana
    ana.follow(EXCEL)
    ana.is_at(EXCEL)
    expect(ana.page.get_by_role("row", name="Luisa Rojas Vera")).to_contain_text("error 208")
    week.picture("manual/sin-sesion", ana.page)
    ana.follow("Escribirles un correo")
    ana.is_at("Escribir a los alumnos sin ninguna sesión")
    ana.press("Ver cómo queda")
    expect(ana.page.get_by_role("heading", name="Así lo leerá Inés Castro Ruiz")).to_be_visible()
    week.picture("manual/carta", ana.page)
    ana.press("Enviar a 4 alumnos")
    ana.is_told("Correos preparados para salir: 4.")
    assert len(mails_sent("Falta su primera conexión Sence")) == 4


def mails_sent(subject: str) -> list[mail.EmailMessage]:
    """Let the command that cron runs send what waits; return those with such a subject."""
    call_command("send_mails", stdout=StringIO())
    return [sent for sent in mail.outbox if subject in sent.subject]


def the_overlong_session_is_resolved(week: Week) -> None:
    call_command("remind_open_sessions", stdout=StringIO())
    assert [sent.to for sent in mails_sent("sesión")] == [["lagos@example.com"]]

    ana = week.ana
    ana.go_to_desk()
    expect(ana.number("Abiertas más que el límite")).to_have_text("1")
    ana.number("Abiertas más que el límite").click()
    ana.is_at("Sesiones de asistencia")
    week.picture("manual/sesiones", ana.page)
    ana.page.get_by_role("link", name=PEDRO).click()
    expect(ana.page.get_by_role("heading", name="Historia", exact=True)).to_be_visible()
    # The simulator's clock did not travel, and the story says by how much it is wrong.
    clocks = ana.page.locator(".sence-clock")
    clocks.evaluate_all("clocks => clocks.forEach(clock => clock.style.display = 'none')")
    week.picture("manual/sesion", ana.page)
    ana.press("Resolver")
    ana.is_at("Resolver sesiones")
    ana.fill("Motivo:", REASON)
    week.picture("manual/resolver", ana.page)
    ana.press("Resolver sesiones")
    ana.is_told("Sesiones resueltas: 1.")
    expect(ana.page.get_by_text(REASON)).to_be_visible()
    ana.go_to_desk()
    expect(ana.number("Abiertas más que el límite")).to_have_text("0")


def the_text_of_an_error_is_rewritten(week: Week) -> None:
    ana, solution = week.ana, "Ya avisamos a Sence. Inténtelo de nuevo mañana."
    ana.open_list("Errores de SENCE", "Errores de SENCE")
    ana.follow("208")
    ana.fill("Solución:", solution)
    week.picture("manual/error", ana.page)
    with ana.page.expect_popup() as preview:
        ana.press("Ver como alumno")
    expect(preview.value.get_by_text(solution)).to_be_visible()
    week.picture("manual/error-como-alumno", preview.value)
    preview.value.close()
    ana.press("Guardar")
    ana.is_told("208")
    luisa_is_refused(week, solution)


def attendance_is_exported(week: Week) -> None:
    ana = week.ana
    ana.go_to("Sesiones", "Sesiones de asistencia")
    ana.follow("Exportar la asistencia")
    ana.is_at("Exportar la asistencia")
    ana.fill("Acción:", ACTION)
    week.picture("manual/exportar", ana.page)
    exported = read(ana.download("Descargar", week.folder))
    assert [(row["RUN"], row["Estado"], row["Último error"]) for row in exported] == [
        (ROSA, "Cerrada", None),
        (PEDRO, "Abierta, resuelta", None),
        (LUISA, "Rechazada", "208"),
        (LUISA, "Rechazada", "208"),
    ]
    rosa, pedro, *_ = exported
    assert (rosa["Apellidos"], rosa["Acción"], rosa["Código SENCE"]) == (
        "Fuentes Araya",
        ACTION,
        SENCE_CODE,
    )
    assert rosa["IdSesionSence"]
    assert rosa["Abierta"] < rosa["Cerrada"]
    # Whole seconds.
    assert rosa["Duración"] <= rosa["Cerrada"] - rosa["Abierta"]
    assert pedro["Duración"] is None
    assert pedro["Motivo de la resolución"] == REASON


def read(path: Path) -> list[dict[str, Any]]:
    heading, *rows = openpyxl.load_workbook(path).active.iter_rows(values_only=True)
    return [dict(zip(heading, row, strict=True)) for row in rows]


def the_digest_arrives(week: Week) -> None:
    call_command("send_daily_digest", stdout=StringIO())
    (digest,) = mails_sent("resumen del")
    assert digest.to == [COORDINATION]
    for line in [
        f"- Abiertas: 2 <{week.ana.site}/admin/",
        f"- Cerradas: 1 <{week.ana.site}/admin/",
        "- 208, Su Rut no está autorizado en Sence para este curso: 2 sesiones <",
        f"- {ACTION} · {EXCEL}: 4 de 6 sin ninguna sesión, quedan 5 días (termina el {last_day()})",
    ]:
        assert line in digest.body
