"""What the pages are told, from whatever staff wrote and whatever SENCE sends."""

import os
import re
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.template import engines
from django.test import RequestFactory
from environ import Env

from errors_catalog import catalogue, defaults
from errors_catalog.models import ContactDetails, HelpLink, HelpSection, HelpText, SenceError

pytestmark = pytest.mark.django_db


def drawn(source: str) -> str:
    return engines["django"].from_string(source).render({}, RequestFactory().get("/"))


def test_a_known_code_is_explained_with_the_contact_details_in_place():
    [error] = catalogue.explain(["204"])
    assert error.code == "204"
    assert error.is_known
    assert error.responsible == "course"
    assert error.alerts_staff
    assert "cursos@usecap.cl" in error.solution
    assert "{" not in error.description + error.solution


@pytest.mark.parametrize("code", ["999", "abc", "<script>", "-1", "{codigo}", "2 11", "\x00", "ñ"])
def test_an_unknown_code_gets_the_general_text_with_its_number_and_alerts_staff(code):
    [error] = catalogue.explain([code])
    assert error.code == code
    assert error.description == f"Sence respondió con el error {code}, que aún no conocemos."
    assert "cursos@usecap.cl" in error.solution
    assert not error.is_known
    assert error.alerts_staff
    assert error.responsible == "system"


def test_a_very_long_code_is_shortened_in_the_text_but_kept_whole_beside_it():
    [error] = catalogue.explain(["9" * 300])
    assert error.code == "9" * 300
    assert error.description == (f"Sence respondió con el error {'9' * 20}…, que aún no conocemos.")


@pytest.mark.parametrize("codes", [[], [""], [" "]])
def test_no_code_at_all_gives_the_text_for_an_error_without_a_number(codes):
    [error] = catalogue.explain(codes)
    assert error.code == ""
    assert error.description == "Sence respondió con un error, sin número."
    assert not error.is_known
    assert error.alerts_staff


def test_spaces_around_a_code_do_not_hide_it():
    [error] = catalogue.explain([" 311 "])
    assert error.code == "311"
    assert error.is_known


def test_what_the_student_can_act_on_comes_first_and_the_rest_as_it_arrived():
    explained = catalogue.explain(["999", "305", "311", "204", "100"])
    assert [error.code for error in explained] == ["311", "100", "999", "305", "204"]


def test_a_code_that_comes_twice_is_explained_once():
    assert [error.code for error in catalogue.explain(["211", "204", "211"])] == ["211", "204"]


def test_text_fills_what_the_screen_gives_and_what_every_text_may_use():
    assert catalogue.text("limit_near", minutos=10) == (
        "Quedan menos de 10 minutos para completar 3 horas continuas. Cierre su sesión ahora."
    )
    assert catalogue.text("not_ready", curso="EXCEL").endswith(
        "escriba a cursos@usecap.cl o llame a los teléfonos (56) 2 3224 4420 y (56) 2 2671 4073."
    )


def test_the_hours_follow_the_setting(settings):
    settings.SENCE_SESSION_HOURS = 4
    assert catalogue.text("limit_reminder").endswith("antes de 4 horas continuas")


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("limit_reminder", "antes de 1 hora continua"),
        ("limit_near", "para completar 1 hora continua."),
        ("limit_passed", "más de 1 hora. Ciérrela"),
    ],
)
def test_one_hour_is_not_hours(settings, key, words):
    settings.SENCE_SESSION_HOURS = 1
    assert words in catalogue.text(key, horas=settings.SENCE_SESSION_HOURS, minutos=10)


@pytest.mark.parametrize(
    "typed",
    ["Vaya a {lugar}", "{", "}", "{}", "{0}", "{curso.name}", "{curso!r}", "{{curso", "%(x)s"],
)
def test_braces_that_staff_typed_never_break_a_screen(typed):
    HelpText.objects.filter(key="exempt").update(text=f"{typed} · {{curso}}")
    shown = catalogue.text("exempt", curso="EXCEL")
    assert shown == f"{typed} · EXCEL"


def test_a_value_with_braces_is_shown_as_it_is():
    assert "{correo}" in catalogue.text("exempt", curso="{correo}")


def test_a_key_that_does_not_exist_is_a_mistake_of_the_code():
    with pytest.raises(KeyError):
        catalogue.text("opnened")


def test_sections_depend_on_the_page_and_leave_out_what_is_hidden():
    before = catalogue.help_sections(after_rut=False)
    after = catalogue.help_sections(after_rut=True)
    assert [section.key for section in before] == ["clave-unica", "ayuda"]
    assert [section.key for section in after] == ["clave-sence", "ayuda"]

    HelpLink.objects.get(label="Cambiar Cus").delete()
    hidden = HelpLink.objects.get(label="Guía Asistencia Sence")
    hidden.is_visible = False
    hidden.save()

    [only] = catalogue.help_sections(after_rut=True)
    assert [link.label for link in only.links] == [
        *("Registrar CUS", "Solicitar nueva CUS", "Actualizar Datos"),
    ]


def test_sections_and_links_follow_the_order_that_staff_gave():
    HelpSection.objects.filter(key="ayuda").update(position=1)
    HelpLink.objects.filter(label="Actualizar Datos").update(position=1)
    ayuda, clave_sence = catalogue.help_sections(after_rut=True)
    assert ayuda.key == "ayuda"
    assert clave_sence.links[0].label == "Actualizar Datos"


def test_contact_lists_what_staff_wrote_one_to_a_line():
    ContactDetails.objects.update(
        phones="(56) 2 3224 4420\r\n\r\n 600 123 \n", alert_emails="a@usecap.cl\nb@usecap.cl"
    )
    contact = catalogue.contact()
    assert contact.phones == ["(56) 2 3224 4420", "600 123"]
    assert [link.url for link in contact.phone_links] == ["tel:+56232244420", "tel:600123"]
    assert contact.alert_emails == ["a@usecap.cl", "b@usecap.cl"]


def ask_everything() -> None:
    catalogue.explain(["204", "999"])
    catalogue.text("opened")
    catalogue.help_sections(after_rut=True)
    catalogue.contact()


def test_a_warm_catalogue_asks_the_database_nothing(django_assert_num_queries):
    with django_assert_num_queries(5):
        ask_everything()
    with django_assert_num_queries(0):
        ask_everything()


def test_an_edit_is_seen_at_once_in_the_same_process():
    ask_everything()

    error = SenceError.objects.get(code="311")
    error.description = "Otra persona."
    error.save()
    assert catalogue.explain(["311"])[0].description == "Otra persona."

    text = HelpText.objects.get(key="opened")
    text.text = "Listo"
    text.save()
    assert catalogue.text("opened") == "Listo"

    section = HelpSection.objects.get(key="ayuda")
    section.links.create(label="Preguntas", url="/preguntas/", position=99)
    assert catalogue.help_sections(after_rut=True)[-1].links[-1].label == "Preguntas"
    section.delete()
    assert [section.key for section in catalogue.help_sections(after_rut=True)] == ["clave-sence"]

    details = ContactDetails.objects.get()
    details.email = "otro@usecap.cl"
    details.save()
    assert catalogue.contact().email == "otro@usecap.cl"


def test_an_edit_committed_after_someone_read_the_old_rows_is_seen_at_once(
    django_capture_on_commit_callbacks,
):
    with django_capture_on_commit_callbacks(execute=True):
        text = HelpText.objects.get(key="opened")
        text.text = "Listo"
        text.save()
        # What another thread reads and caches while this transaction is still open.
        HelpText.objects.filter(key="opened").update(text="Lo de antes")
        assert catalogue.text("opened") == "Lo de antes"
        HelpText.objects.filter(key="opened").update(text="Listo")
    assert catalogue.text("opened") == "Listo"


def test_an_edit_of_another_process_is_seen_within_half_a_minute():
    start = datetime(2026, 3, 2, 12, tzinfo=UTC)
    with time_machine.travel(start, tick=False) as clock:
        assert catalogue.text("opened") == "Asistencia correctamente ingresada"
        HelpText.objects.filter(key="opened").update(text="Listo")  # no signal, as from elsewhere
        clock.move_to(start + timedelta(seconds=31))
        assert catalogue.text("opened") == "Listo"


def test_the_cache_is_asked_once_in_a_while(monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(catalogue, "HELD_SECONDS", 60)
    catalogue.forget()
    assert catalogue.text("opened") == "Asistencia correctamente ingresada"
    cache.clear()
    with django_assert_num_queries(0):
        assert catalogue.text("opened") == "Asistencia correctamente ingresada"


def test_pages_that_use_nothing_of_it_ask_the_database_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert drawn("Hola") == "Hola"


def test_templates_reach_texts_help_and_contact():
    assert drawn("{{ texts.opened }}") == "Asistencia correctamente ingresada"
    before = drawn('{% include "errors_catalog/_help.html" with sections=help_before_rut %}')
    assert "Para obtener clave Única" in before
    assert 'href="https://claveunica.gob.cl/"' in before
    assert "Accesos de interés" not in before
    after = drawn('{% include "errors_catalog/_help.html" with sections=help_after_rut %}')
    assert "Accesos de interés Sence (Clave Sence)" in after
    assert 'href="/guia/"' in after
    contact = drawn('{% include "errors_catalog/_contact.html" %}')
    assert 'href="mailto:cursos@usecap.cl"' in contact
    assert 'href="tel:+56226714073"' in contact


def test_every_text_that_a_template_names_exists():
    """A misspelt one would be an empty place on a screen, without an error."""
    sources = [path.read_text() for path in (settings.BASE_DIR / "templates").rglob("*.html")]
    named = {key for source in sources for key in re.findall(r"\btexts\.(\w+)", source)}
    assert named
    assert named <= set(defaults.TEXTS)


def test_what_staff_typed_is_escaped():
    HelpSection.objects.filter(key="ayuda").update(title="<b>Ayuda</b>")
    html = drawn('{% include "errors_catalog/_help.html" with sections=help_after_rut %}')
    assert "&lt;b&gt;Ayuda" in html
    assert "<b>" not in html


def test_what_staff_wrote_last_outlives_the_database():
    text = HelpText.objects.get(key="opened")
    text.text = "Listo"
    text.save()
    assert catalogue.text("opened") == "Listo"
    with pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute("SELECT nothing FROM nowhere")

    catalogue.forget()  # the transaction is broken: nothing can be read any more

    with pytest.raises(DatabaseError):
        HelpText.objects.count()
    assert catalogue.text("opened") == "Listo"


def test_a_row_that_is_missing_is_made_up_for_by_the_text_that_we_ship():
    HelpText.objects.all().delete()
    SenceError.objects.all().delete()
    ContactDetails.objects.all().delete()
    assert catalogue.text("closed") == "Sesión correctamente cerrada"
    assert catalogue.explain(["311"])[0].is_known
    assert catalogue.contact().email == "cursos@usecap.cl"


WITHOUT_A_DATABASE = """
import django
django.setup()
from django.db import OperationalError, connection
from django.test import Client
from errors_catalog import catalogue

try:
    connection.ensure_connection()
except OperationalError:
    print("no database")
print(*(error.code for error in catalogue.explain(["999", "311"])))
print(catalogue.text("exempt", curso="EXCEL"))
print(*(section.title for section in catalogue.help_sections(after_rut=False)))
print(catalogue.contact().email)
page = Client().get("/guia/")
print(page.status_code, "error-311" in page.content.decode())
"""


@pytest.fixture
def closed_port():
    """A port that is taken, so that nobody else's server answers on it, and refuses everyone."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def test_with_a_cold_cache_and_no_database_the_shipped_texts_are_shown(closed_port):
    outcome = subprocess.run(
        [sys.executable, "-c", WITHOUT_A_DATABASE],
        env=os.environ
        | {
            "DATABASE_URL": f"postgres://nobody:nothing@127.0.0.1:{closed_port}/nothing",
            "DJANGO_SETTINGS_MODULE": "tests.settings",
        },
        cwd=Path(settings.BASE_DIR),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert outcome.stdout.splitlines() == [
        "no database",
        "311 999",
        defaults.TEXTS["exempt"].text.replace("{curso}", "EXCEL"),
        "Para obtener clave Única Ayuda",
        "cursos@usecap.cl",
        "200 True",
    ], outcome.stderr


def test_with_a_shared_cache_that_is_away_pages_and_answers_go_on(client, settings):
    settings.CACHES = {"default": Env.cache_url_config("redis://127.0.0.1:1/0")}
    HelpText.objects.filter(key="opened").update(text="Otro texto.")
    assert catalogue.text("opened") == "Otro texto."
    catalogue.forget()
    assert client.get("/").status_code == 200
    assert client.get("/no-existe/").status_code == 404
