"""The catalogue as it is installed, and upgraded without touching what staff wrote."""

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from errors_catalog import defaults
from errors_catalog.models import ContactDetails, HelpLink, HelpSection, HelpText, SenceError
from errors_catalog.seeding import RECORDED, add_missing, seed_everything

pytestmark = pytest.mark.django_db

# Code, who has to act, whether staff are alerted: protocol's table, line by line.
PROTOCOL = [
    ("100", "student", False),
    ("200", "system", True),
    ("201", "system", True),
    ("202", "system", True),
    ("203", "system", True),
    ("204", "course", True),
    ("205", "course", True),
    ("206", "course", True),
    ("207", "enrolment", True),
    ("208", "enrolment", True),
    ("209", "otec", True),
    ("210", "student", False),
    ("211", "otec", True),
    ("212", "otec", True),
    ("300", "sence", True),
    ("301", "course", True),
    ("302", "sence", True),
    ("303", "otec", True),
    ("304", "sence", True),
    ("305", "sence", True),
    ("306", "course", True),
    ("307", "course", True),
    ("308", "course", True),
    ("309", "course", True),
    ("310", "course", True),
    ("311", "student", False),
    ("312", "student", False),
    ("313", "system", True),
]


def test_every_code_of_the_manual_is_there_with_who_must_act():
    seeded = SenceError.objects.values_list("code", "responsible", "alerts_staff")
    assert list(seeded) == PROTOCOL


def test_a_field_that_a_later_migration_adds_is_left_to_it():
    later = SimpleNamespace(**vars(defaults.ERRORS["204"]), of_a_later_version="x")
    add_missing(apps, errors={"999": later})
    assert SenceError.objects.get(code="999").description == later.description


def test_every_error_says_what_happened_and_what_to_do():
    for error in SenceError.objects.all():
        error.full_clean()
        assert error.description.endswith(".")
        assert len(error.solution) > 20


def test_what_the_student_cannot_solve_names_someone_to_write_to():
    for error in SenceError.objects.filter(alerts_staff=True):
        assert "{correo}" in error.solution, error.code


def test_code_100_reads_as_in_the_guide():
    error = SenceError.objects.get(code="100")
    assert error.description == "Contraseña incorrecta."
    assert error.solution == "Debe solicitar una nueva Cus, en la opción inferior"


def test_the_texts_that_the_guide_quotes_stand_word_for_word():
    texts = dict(HelpText.objects.values_list("key", "text"))
    assert texts["opened"] == "Asistencia correctamente ingresada"
    assert texts["limit_reminder"] == (
        "Recuerde que debes cerrar tu sesión antes de {horas} horas continuas"
    )
    assert texts["closed"] == "Sesión correctamente cerrada"
    assert texts["open_error"] == "Error en el inicio de asistencia Sence."
    assert texts["no_courses"] == "El usuario no tiene cursos Sence registrados en Usecap."


def test_the_screens_find_all_the_texts_that_they_ask_for():
    assert set(HelpText.objects.values_list("key", flat=True)) >= {
        *("opened", "limit_reminder", "closed", "open_error", "close_error", "no_courses"),
        *("no_courses_help", "unknown_error_description", "unknown_error_solution"),
        *("no_code_description", "no_code_solution", "exempt", "not_started", "ended"),
        *("not_ready", "withdrawn", "start_explanation", "no_close_needed", "limit_near"),
        *("limit_passed", "one_connection", "window_note", "close_explanation", "superseded"),
        *("answer_pending", "answer_flagged", "callback_get", "resolved"),
    }


@pytest.mark.parametrize(
    ("key", "placeholders"),
    [
        ("exempt", {"curso"}),
        ("not_started", {"curso", "inicio", "termino"}),
        ("ended", {"curso", "inicio", "termino"}),
        ("not_ready", {"curso", "correo", "telefonos"}),
        ("limit_near", {"minutos", "horas"}),
        ("limit_passed", {"horas", "correo"}),
        ("no_courses_help", {"correo"}),
        ("unknown_error_description", {"codigo"}),
        ("answer_flagged", {"correo"}),
    ],
)
def test_a_text_names_what_its_screen_fills_in(key, placeholders):
    assert placeholders <= defaults.TEXTS[key].placeholders
    for name in placeholders:
        assert f"{{{name}}}" in HelpText.objects.get(key=key).text


def test_help_sections_come_in_the_order_of_the_guide():
    assert list(HelpSection.objects.values_list("title", "before_rut", "after_rut")) == [
        ("Para obtener clave Única", True, False),
        ("Accesos de interés Sence (Clave Sence)", False, True),
        ("Ayuda", True, True),
    ]
    assert list(
        HelpLink.objects.order_by("section__position", "position").values_list("label", "url")
    ) == [
        ("Obtener Clave Única", "https://claveunica.gob.cl/"),
        ("Recuperar Clave Única", "https://claveunica.gob.cl/recuperar"),
        ("Registrar CUS", "https://cus.sence.cl/Account/Registrar"),
        ("Solicitar nueva CUS", "https://cus.sence.cl/Account/RecuperarClave"),
        ("Cambiar Cus", "https://cus.sence.cl/Account/CambiarClave"),
        ("Actualizar Datos", "https://cus.sence.cl/Account/ActualizarDatos"),
        ("Guía Asistencia Sence", "/guia/"),
    ]
    for link in HelpLink.objects.all():
        link.full_clean()


def test_contact_details_are_those_of_the_guide():
    details = ContactDetails.objects.get()
    assert details.email == "cursos@usecap.cl"
    assert details.phones.splitlines() == ["(56) 2 3224 4420", "(56) 2 2671 4073"]


def edit_everything(registry=apps):
    """Change each kind of row as staff would, and take two of them away."""
    rows = {name: registry.get_model("errors_catalog", name).objects for name in RECORDED}
    rows["SenceError"].filter(code="311").update(solution="Nuestra solución.")
    rows["HelpText"].filter(key="opened").update(text="Listo")
    rows["HelpSection"].filter(key="ayuda").update(title="Más ayuda")
    rows["HelpLink"].filter(label="Cambiar Cus").update(label="Cambiar clave", is_visible=False)
    rows["HelpLink"].filter(label="Registrar CUS").delete()
    rows["ContactDetails"].update(email="otro@usecap.cl")
    rows["SenceError"].filter(code="204").delete()
    rows["HelpText"].filter(key="closed").delete()


def assert_edits_stand_and_only_the_missing_came_back():
    assert SenceError.objects.get(code="311").solution == "Nuestra solución."
    assert HelpText.objects.get(key="opened").text == "Listo"
    assert HelpSection.objects.get(key="ayuda").title == "Más ayuda"
    labels = HelpLink.objects.filter(section__key="clave-sence").values_list("label", "is_visible")
    assert list(labels) == [
        ("Solicitar nueva CUS", True),
        ("Cambiar clave", False),
        ("Actualizar Datos", True),
    ]
    assert ContactDetails.objects.get().email == "otro@usecap.cl"
    assert SenceError.objects.get(code="204").description == defaults.ERRORS["204"].description
    assert HelpText.objects.get(key="closed").text == "Sesión correctamente cerrada"


def test_seeding_again_never_overwrites_an_edit():
    edit_everything()

    seed_everything(apps)

    assert_edits_stand_and_only_the_missing_came_back()


def test_migrating_again_never_overwrites_an_edit():
    state = MigrationExecutor(connection).migrate([("errors_catalog", "0001_initial")])
    edit_everything(state.apps)

    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())

    assert_edits_stand_and_only_the_missing_came_back()


@pytest.mark.parametrize(
    ("url", "corrected"),
    [
        ("https://claveunica.gob.cl/", "https://claveunica.gob.cl/recuperar"),
        ("https://usecap.cl/clave", None),
    ],
)
def test_the_link_to_recover_a_clave_unica_is_corrected_where_staff_left_it(url, corrected):
    links = HelpLink.objects.filter(label="Recuperar Clave Única")
    links.update(url=url)
    migration = import_module("errors_catalog.migrations.0006_recovery_link")
    migration.correct(MigrationExecutor(connection).loader.project_state().apps)
    assert links.get().url == (corrected or url)
    changes = links.get().history.filter(history_type="~").values_list("url", flat=True)
    assert list(changes) == ([corrected] if corrected else [])


def history_of(row):
    return row.history.values_list("history_type", "history_user", "history_change_reason")


@pytest.mark.parametrize("name", RECORDED)
def test_every_row_starts_with_what_it_said_first_so_that_its_first_edit_has_a_way_back(name):
    for row in apps.get_model("errors_catalog", name).objects.all():
        assert list(history_of(row)) == [("+", None, "Texto inicial")]
        assert str(row.history.get().instance) == str(row)


def test_a_row_that_a_later_migration_adds_starts_its_history_too():
    registry = MigrationExecutor(connection).loader.project_state().apps
    add_missing(registry, texts={"new": defaults.NamedText("Pantalla nueva", "Texto nuevo")})
    [first] = HelpText.objects.get(key="new").history.all()
    assert (first.text, first.history_change_reason) == ("Texto nuevo", "Texto inicial")


def test_what_has_a_history_keeps_it_when_seeds_run_again():
    text = HelpText.objects.get(key="opened")
    text.text = "Listo"
    text.save()
    seed_everything(apps)
    assert [record.text for record in text.history.all()] == [
        *("Listo", "Asistencia correctamente ingresada"),
    ]


def test_a_later_migration_adds_its_own_texts_and_brings_nothing_else_back():
    HelpSection.objects.all().delete()

    add_missing(apps, texts={"new": defaults.NamedText("Pantalla nueva", "Texto nuevo")})

    assert HelpText.objects.get(key="new").text == "Texto nuevo"
    assert not HelpSection.objects.exists()
