"""Staff see a text as the student would, before it is saved."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from errors_catalog import catalogue, defaults
from errors_catalog.models import ContactDetails, HelpSection, HelpText, SenceError

pytestmark = pytest.mark.django_db

# Session, user, permissions (two), row, its key's others; the catalogue's five tables.
PREVIEW_QUERIES = 11


def preview_of(row: Any) -> str:
    return reverse(f"admin:errors_catalog_{row._meta.model_name}_preview", args=[row.pk])


def page_of(response: Any) -> str:
    assert response.status_code == 200
    return response.content.decode()


def error_fields(**changes: str) -> dict[str, str]:
    return {
        "description": "Sence rechazó el {codigo}.",
        "solution": "Escriba a {correo} o llame a {telefonos}.",
        "responsible": "student",
    } | changes


def test_an_error_is_drawn_as_the_student_reads_it_with_what_the_form_says(coordinator):
    row = SenceError.objects.get(code="311")
    page = page_of(coordinator.post(preview_of(row), error_fields()))
    assert "<dt>Número Error:</dt> <dd>311</dd>" in page
    assert "<dt>Descripción:</dt> <dd>Sence rechazó el 311.</dd>" in page
    assert "cursos@usecap.cl o llame a (56) 2 3224 4420 y (56) 2 2671 4073." in page
    assert "Error en el inicio de asistencia Sence." in page
    assert "Accesos de interés Sence (Clave Sence)" in page
    assert "/usecap/pages.css" in page
    assert "Nada se ha guardado." in page


def test_looking_saves_nothing(coordinator):
    row = SenceError.objects.get(code="311")
    coordinator.post(preview_of(row), error_fields())
    before = row.description
    row.refresh_from_db()
    assert row.description == before
    assert row.history.count() == 1
    assert catalogue.explain(["311"])[0].description == before


def test_a_code_that_is_being_added_is_seen_before_it_exists(coordinator):
    url = reverse("admin:errors_catalog_senceerror_preview_new")
    page = page_of(coordinator.post(url, error_fields(code="314")))
    assert "Sence rechazó el 314." in page
    assert not SenceError.objects.filter(code="314").exists()
    assert coordinator.get(url).status_code == 404


def test_what_was_typed_is_never_html(coordinator):
    row = SenceError.objects.get(code="311")
    typed = '<script>alert(1)</script> <a href="https://x.cl">x</a>'
    page = page_of(coordinator.post(preview_of(row), error_fields(solution=typed)))
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert 'href="https://x.cl"' not in page


def test_the_preview_keeps_the_strict_policy_and_carries_no_script(coordinator):
    row = SenceError.objects.get(code="311")
    response = coordinator.post(preview_of(row), error_fields())
    assert "script-src 'self'" in response["Content-Security-Policy"]
    assert "unsafe-inline" not in response["Content-Security-Policy"]
    page = page_of(response)
    assert "<script" not in page
    assert " style=" not in page


def test_a_mistake_is_said_in_the_preview_with_its_field(coordinator):
    row = SenceError.objects.get(code="311")
    page = page_of(coordinator.post(preview_of(row), error_fields(solution="Llame a {persona}.")))
    assert "Solución: Este texto no puede usar {persona}." in page
    assert "corrija esto" in page
    assert "error-details" not in page


def test_a_draft_is_seen_as_the_general_text_until_it_is_written(coordinator):
    catalogue.draft("999")
    row = SenceError.objects.get(code="999")
    assert "que aún no conocemos" in page_of(coordinator.get(preview_of(row)))
    assert "Sence rechazó el 999." in page_of(coordinator.post(preview_of(row), error_fields()))


@pytest.mark.parametrize("key", sorted(defaults.TEXTS))
def test_every_text_is_drawn_with_all_its_placeholders_filled(coordinator, key):
    row = HelpText.objects.get(key=key)
    typed = "¡Mire! " + " ".join(f"{{{name}}}" for name in defaults.TEXTS[key].placeholders)
    page = page_of(coordinator.post(preview_of(row), {"text": typed}))
    assert "¡Mire!" in page
    assert not re.search(r"\{\w+\}", page)


@pytest.mark.parametrize(
    ("key", "drawn"),
    [
        ("opened", '<p class="message message-success">Texto</p>'),
        ("no_courses", '<p class="message message-warning">Texto</p>'),
        ("exempt", '<p class="message message-info">Texto</p>'),
        ("limit_near", '<p class="timer-notice notice-near">Texto</p>'),
        ("close_error", '<h1 class="message-title">Texto</h1>'),
        ("unknown_error_description", "<dt>Descripción:</dt> <dd>Texto</dd>"),
        ("no_code_solution", "<dt>Solución:</dt> <dd>Texto</dd>"),
    ],
)
def test_a_text_is_drawn_as_its_screen_shows_it(coordinator, key, drawn):
    row = HelpText.objects.get(key=key)
    assert drawn in page_of(coordinator.post(preview_of(row), {"text": "Texto"}))


def section_fields(section: HelpSection, **changes: str) -> dict[str, str]:
    links = list(section.links.all())
    fields = {
        "title": section.title,
        "position": "1",
        "after_rut": "on",
        "links-TOTAL_FORMS": str(len(links) + 1),
        "links-INITIAL_FORMS": str(len(links)),
        f"links-{len(links)}-section": str(section.pk),
        f"links-{len(links)}-position": "0",
    }
    for number, link in enumerate(links):
        values = {"id": link.pk, "section": section.pk, "label": link.label, "url": link.url}
        values |= {"position": link.position, "is_visible": "on"}
        fields |= {f"links-{number}-{name}": str(value) for name, value in values.items()}
    return fields | changes


def test_a_section_is_drawn_in_its_place_with_its_links_as_edited(coordinator):
    section = HelpSection.objects.get(key="ayuda")
    fields = section_fields(
        section,
        title="Más <b>ayuda</b>",
        **{"links-0-label": "Otra guía", "links-1-label": "Nuevo", "links-1-is_visible": "on"},
        **{"links-1-url": "https://usecap.cl/"},
    )
    page = page_of(coordinator.post(preview_of(section), fields))
    before, after = page.split("En las páginas que siguen")
    assert "Otra guía" not in before
    assert "Para obtener clave Única" in before
    assert after.index("Más &lt;b&gt;ayuda") < after.index("Accesos de interés")
    assert after.index("Nuevo") < after.index("Otra guía")
    assert section.links.get().label == "Guía Asistencia Sence"


@pytest.mark.parametrize("change", [{"links-0-DELETE": "on"}, {"links-0-is_visible": ""}])
def test_a_link_that_goes_or_is_hidden_is_not_drawn(coordinator, change):
    section = HelpSection.objects.get(key="ayuda")
    page = page_of(coordinator.post(preview_of(section), section_fields(section) | change))
    assert "Guía Asistencia Sence" not in page
    assert section.links.get().is_visible


def test_a_link_with_a_wrong_address_is_said(coordinator):
    section = HelpSection.objects.get(key="ayuda")
    fields = section_fields(section, **{"links-0-url": "javascript:alert(1)"})
    page = page_of(coordinator.post(preview_of(section), fields))
    assert "Una dirección https:// o una ruta del sitio." in page
    assert "javascript:alert" not in page


def test_a_section_that_is_being_added_is_seen(coordinator):
    url = reverse("admin:errors_catalog_helpsection_preview_new")
    fields = section_fields(HelpSection.objects.get(key="ayuda"), title="Otra", key="otra")
    fields |= {"links-TOTAL_FORMS": "1", "links-INITIAL_FORMS": "0", "links-0-id": ""}
    fields |= {"links-0-section": ""}
    assert "Otra" in page_of(coordinator.post(url, fields))
    assert HelpSection.objects.count() == 3


def test_contact_details_are_drawn_at_the_foot_and_within_a_text(coordinator):
    row = ContactDetails.objects.get()
    fields = {"email": "ayuda@usecap.cl", "phones": "+56 9 1234 5678", "alert_emails": ""}
    page = page_of(coordinator.post(preview_of(row), fields))
    assert 'href="mailto:ayuda@usecap.cl"' in page
    assert 'href="tel:+56912345678"' in page
    assert "escriba a ayuda@usecap.cl o llame a los teléfonos +56 9 1234 5678" in page
    assert "cursos@usecap.cl" not in page
    row.refresh_from_db()
    assert row.email == "cursos@usecap.cl"


@pytest.mark.parametrize("model", [SenceError, HelpSection, HelpText, ContactDetails])
def test_the_form_has_the_button_and_who_only_looks_a_link(coordinator, auditor, model):
    row = model.objects.first()
    form = reverse(f"admin:errors_catalog_{model._meta.model_name}_change", args=[row.pk])
    assert f'formaction="{preview_of(row)}"' in page_of(coordinator.get(form))
    looked_at = page_of(auditor.get(form))
    assert "formaction" not in looked_at
    assert f'href="{preview_of(row)}"' in looked_at


@pytest.mark.parametrize("model", [SenceError, HelpSection, HelpText, ContactDetails])
def test_who_only_looks_sees_what_is_kept_and_cannot_try_another_text(auditor, model):
    row = model.objects.first()
    assert "así lo ven hoy los alumnos" in page_of(auditor.get(preview_of(row)))
    assert auditor.post(preview_of(row), {"text": "x"}).status_code == 403
    if model in (SenceError, HelpSection):
        new = reverse(f"admin:errors_catalog_{model._meta.model_name}_preview_new")
        assert auditor.post(new, error_fields(code="314")).status_code == 403


def test_only_staff_of_the_catalogue_see_a_preview(client, django_user_model):
    row = HelpText.objects.get(key="opened")
    assert client.get(preview_of(row)).status_code == 302
    client.force_login(django_user_model.objects.create(username="otro", is_staff=True))
    assert client.get(preview_of(row)).status_code == 403


def test_a_preview_wants_the_forms_token_and_other_methods_are_refused(coordinator):
    row = HelpText.objects.get(key="opened")
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = coordinator.cookies
    assert strict.post(preview_of(row), {"text": "x"}).status_code == 403
    assert coordinator.put(preview_of(row)).status_code == 405


def test_a_row_that_is_gone_is_not_found(coordinator):
    row = HelpText.objects.get(key="opened")
    url = preview_of(row)
    row.delete()
    assert coordinator.get(url).status_code == 404


def test_a_preview_takes_a_fixed_number_of_queries(coordinator, django_assert_num_queries):
    row = SenceError.objects.get(code="100")
    catalogue.forget()
    with django_assert_num_queries(PREVIEW_QUERIES):
        coordinator.post(preview_of(row), error_fields())


@pytest.mark.parametrize("students_first", [True, False])
def test_a_contact_that_nobody_saved_is_in_its_preview_alone(coordinator, client, students_first):
    row = ContactDetails.objects.get()
    if students_first:
        assert "otra@usecap.cl" not in page_of(client.get("/"))
    fields = {"email": "otra@usecap.cl", "phones": row.phones, "alert_emails": row.alert_emails}
    assert page_of(coordinator.post(preview_of(row), fields)).count("otra@usecap.cl") >= 2
    assert "otra@usecap.cl" not in page_of(client.get("/"))
