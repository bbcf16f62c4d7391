"""Coordinators edit what students read."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from errors_catalog import catalogue
from errors_catalog.models import ContactDetails, HelpLink, HelpSection, HelpText, SenceError

pytestmark = pytest.mark.django_db

# Of every list: session, user, two counts, rows.
LIST_QUERIES = 5


def admin_url(model: str, page: str, *args: object) -> str:
    return reverse(f"admin:errors_catalog_{model}_{page}", args=args)


def form_errors(response: Any) -> str:
    form = response.context["adminform"].form
    return " ".join(str(problem) for problems in form.errors.values() for problem in problems)


@pytest.mark.parametrize("model", ["senceerror", "helpsection", "helptext", "contactdetails"])
def test_every_list_opens_in_as_many_queries_however_long_it_is(
    admin_client, django_assert_num_queries, model
):
    with django_assert_num_queries(LIST_QUERIES):
        response = admin_client.get(admin_url(model, "changelist"))
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("model", "titles"),
    [
        ("senceerror", ["textos pendientes", "quién debe actuar", "aviso a coordinación"]),
        (
            "helpsection",
            ["aparición en la página del RUT", "aparición en las páginas que siguen"],
        ),
    ],
)
def test_the_title_of_every_filter_reads_after_por(admin_client, model, titles):
    filters = admin_client.get(admin_url(model, "changelist")).context["cl"].filter_specs
    assert [spec.title for spec in filters] == titles


@pytest.mark.parametrize("model", [SenceError, HelpSection, HelpText, ContactDetails])
def test_every_row_opens(admin_client, model):
    for row in model.objects.all():
        response = admin_client.get(admin_url(model._meta.model_name, "change", row.pk))
        assert response.status_code == 200


def test_errors_are_searched_by_code_and_text_and_filtered_by_who_must_act(admin_client):
    url = admin_url("senceerror", "changelist")
    by_code = admin_client.get(url, {"q": "311"}).context["cl"].queryset
    assert [error.code for error in by_code] == ["311"]
    by_text = admin_client.get(url, {"q": "tres minutos"}).context["cl"].queryset
    assert [error.code for error in by_text] == ["210"]
    filtered = admin_client.get(
        url, {"responsible__exact": "otec", "alerts_staff__exact": "1"}
    ).context["cl"]
    assert [error.code for error in filtered.queryset] == ["209", "211", "212", "303"]


def test_sections_are_searched_by_their_links(admin_client):
    response = admin_client.get(admin_url("helpsection", "changelist"), {"q": "Actualizar"})
    [section] = response.context["cl"].queryset
    assert section.key == "clave-sence"
    assert section.link_count == 4


def test_texts_are_searched_by_where_they_are_shown(admin_client):
    response = admin_client.get(admin_url("helptext", "changelist"), {"q": "becario"})
    assert [text.key for text in response.context["cl"].queryset] == ["exempt"]


def codes_listed(client: Client, **filters: str) -> list[str]:
    rows = client.get(admin_url("senceerror", "changelist"), filters).context["cl"].result_list
    return [error.code for error in rows]


def test_what_waits_to_be_written_comes_first_and_says_so(coordinator):
    catalogue.draft("999")
    page = coordinator.get(admin_url("senceerror", "changelist")).content.decode()
    assert '999 <strong class="catalogue-draft">Por escribir</strong>' in page
    assert page.count("catalogue-draft") == 1
    assert "textos pendientes" in page
    assert codes_listed(coordinator)[:2] == ["999", "100"]
    assert codes_listed(coordinator, is_draft__exact="1") == ["999"]
    assert "999" not in codes_listed(coordinator, is_draft__exact="0")


def test_a_draft_is_written_and_read_at_once(coordinator):
    catalogue.draft("999")
    row = SenceError.objects.get(code="999")
    url = admin_url("senceerror", "change", row.pk)
    page = coordinator.get(url).content.decode()
    assert "los alumnos leen el general" in page

    empty = coordinator.post(url, error_fields(description=""))
    assert empty.status_code == 200
    assert not catalogue.explain(["999"])[0].is_known

    assert coordinator.post(url, error_fields()).status_code == 302
    [error] = catalogue.explain(["999"])
    assert error.is_known
    assert error.description == "Sence rechazó el 999."
    assert codes_listed(coordinator, is_draft__exact="1") == []
    assert row.history.latest().history_user.username == "coordinador"


def test_a_draft_is_deleted(coordinator):
    catalogue.draft("999")
    row = SenceError.objects.get(code="999")
    coordinator.post(admin_url("senceerror", "delete", row.pk), {"post": "yes"})
    assert not SenceError.objects.filter(code="999").exists()


EDITED = [SenceError, HelpSection, HelpLink, HelpText, ContactDetails]


@pytest.mark.parametrize("model", EDITED)
def test_an_auditor_looks_at_every_list_and_row_and_changes_none(auditor, model):
    name, row = model._meta.model_name, model.objects.first()
    before = model.objects.filter(pk=row.pk).values().get()
    assert auditor.get(admin_url(name, "changelist")).status_code == 200
    form = auditor.get(admin_url(name, "change", row.pk))
    assert form.status_code == 200
    assert 'name="_save"' not in form.content.decode()
    anything = {"text": "x", "title": "x", "label": "x", "email": "x@x.cl", "solution": "x"}
    assert auditor.post(admin_url(name, "change", row.pk), anything).status_code == 403
    assert auditor.get(admin_url(name, "add")).status_code == 403
    assert auditor.post(admin_url(name, "add"), error_fields()).status_code == 403
    assert auditor.post(admin_url(name, "delete", row.pk), {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    auditor.post(admin_url(name, "changelist"), chosen)
    assert model.objects.filter(pk=row.pk).values().get() == before


@pytest.mark.parametrize("model", EDITED)
def test_a_coordinator_opens_every_form_to_edit(coordinator, model):
    name, row = model._meta.model_name, model.objects.first()
    assert coordinator.get(admin_url(name, "changelist")).status_code == 200
    form = coordinator.get(admin_url(name, "change", row.pk))
    assert 'name="_save"' in form.content.decode()


def test_links_are_found_in_their_sections_and_not_in_the_index(coordinator):
    index = coordinator.get(reverse("admin:app_list", args=["errors_catalog"])).content.decode()
    assert admin_url("helpsection", "changelist") in index
    assert admin_url("helplink", "changelist") not in index


def error_fields(**changes: str) -> dict[str, str]:
    return {
        "code": "314",
        "description": "Sence rechazó el {codigo}.",
        "solution": "Escriba a {correo}.",
        "responsible": "sence",
        "alerts_staff": "on",
    } | changes


def test_a_code_that_sence_adds_is_written_and_shown_at_once(admin_client):
    assert not catalogue.explain(["314"])[0].is_known
    response = admin_client.post(admin_url("senceerror", "add"), error_fields())
    assert response.status_code == 302
    [error] = catalogue.explain(["314"])
    assert error.description == "Sence rechazó el 314."
    assert error.solution == "Escriba a cursos@usecap.cl."


@pytest.mark.parametrize("field", ["description", "solution"])
def test_an_error_cannot_use_what_nothing_fills(admin_client, field):
    response = admin_client.post(
        admin_url("senceerror", "add"), error_fields(**{field: "Llame a {persona}."})
    )
    assert form_errors(response) == (
        "Este texto no puede usar {persona}. Puede usar {codigo}, {correo}, {horas}, {telefonos}."
    )
    assert not SenceError.objects.filter(code="314").exists()


def test_a_code_is_never_renamed(admin_client):
    error = SenceError.objects.get(code="311")
    admin_client.post(
        admin_url("senceerror", "change", error.pk), error_fields(code="911", solution="Nueva.")
    )
    error.refresh_from_db()
    assert (error.code, error.solution) == ("311", "Nueva.")


def test_a_code_of_the_manual_is_not_deleted_but_one_of_staff_is(admin_client):
    ours = SenceError.objects.get(code="311")
    theirs = SenceError.objects.create(
        code="314", description="x", solution="y", responsible="sence", alerts_staff=True
    )
    assert admin_client.get(admin_url("senceerror", "delete", ours.pk)).status_code == 403
    both = {
        "action": "delete_selected",
        "_selected_action": [ours.pk, theirs.pk],
        "post": "yes",
    }
    page = admin_client.post(admin_url("senceerror", "changelist"), both).content.decode()
    assert "Lo elegido no se puede eliminar:" in page
    assert "311: Quien ingresó" in page
    assert "Los códigos que Sence da en su manual se quedan" in page
    assert "usted no tiene permiso" not in page
    assert SenceError.objects.filter(pk__in=[ours.pk, theirs.pk]).count() == 2
    deletion = admin_url("senceerror", "delete", theirs.pk)
    assert admin_client.post(deletion, {"post": "yes"}).status_code == 302
    assert not SenceError.objects.filter(pk=theirs.pk).exists()


def section_fields(section: HelpSection, links: list[HelpLink], **changes: str) -> dict[str, str]:
    fields = {
        "title": section.title,
        "position": str(section.position),
        "before_rut": "on",
        "links-TOTAL_FORMS": str(len(links) + 1),
        "links-INITIAL_FORMS": str(len(links)),
    }
    for number, link in enumerate(links):
        fields |= {
            f"links-{number}-id": str(link.pk),
            f"links-{number}-section": str(section.pk),
            f"links-{number}-label": link.label,
            f"links-{number}-url": link.url,
            f"links-{number}-position": str(link.position),
            f"links-{number}-is_visible": "on",
        }
    added = f"links-{len(links)}"
    fields |= {f"{added}-section": str(section.pk), f"{added}-position": "5"}
    return fields | {f"{added}-{name}": value for name, value in changes.items()}


def test_a_link_is_added_to_a_section_and_shown_at_once(admin_client):
    section = HelpSection.objects.get(key="clave-unica")
    fields = section_fields(
        section,
        list(section.links.all()),
        label="Activar",
        url="https://claveunica.gob.cl/",
        is_visible="on",
    )
    response = admin_client.post(admin_url("helpsection", "change", section.pk), fields)
    assert response.status_code == 302
    shown = catalogue.help_sections(after_rut=False)[0]
    assert [link.label for link in shown.links] == [
        *("Activar", "Obtener Clave Única", "Recuperar Clave Única"),
    ]


@pytest.mark.parametrize("url", ["javascript:alert(1)", "claveunica.gob.cl", "data:text/html,x"])
def test_a_link_goes_to_a_web_address_or_a_page_of_ours(admin_client, url):
    section = HelpSection.objects.get(key="clave-unica")
    fields = section_fields(section, list(section.links.all()), label="Activar", url=url)
    response = admin_client.post(admin_url("helpsection", "change", section.pk), fields)
    assert response.status_code == 200
    assert section.links.count() == 2


def test_a_section_of_staff_is_added_with_its_key(admin_client):
    assert admin_client.get(admin_url("helpsection", "add")).status_code == 200
    fields = section_fields(HelpSection(title="Otros", position=5), []) | {"key": "otros"}
    fields["links-TOTAL_FORMS"] = "0"
    assert admin_client.post(admin_url("helpsection", "add"), fields).status_code == 302
    assert HelpSection.objects.filter(key="otros").exists()


def test_a_text_is_edited_where_it_says_what_it_may_use(admin_client):
    row = HelpText.objects.get(key="limit_near")
    url = admin_url("helptext", "change", row.pk)
    page = admin_client.get(url).content.decode()
    assert "{correo}, {horas}, {minutos}, {telefonos}" in page
    assert "Sesión abierta: aviso antes del límite" in page

    assert admin_client.post(url, {"text": "Quedan {minutos}."}).status_code == 302
    assert catalogue.text("limit_near", minutos=9) == "Quedan 9."


def test_a_space_within_the_braces_changes_nothing(admin_client):
    row = HelpText.objects.get(key="limit_near")
    url = admin_url("helptext", "change", row.pk)
    admin_client.post(url, {"text": "Quedan { minutos }, escriba a {correo }."})
    assert catalogue.text("limit_near", minutos=9) == "Quedan 9, escriba a cursos@usecap.cl."
    response = admin_client.post(url, {"text": "En { aula }."})
    assert "Este texto no puede usar {aula}." in form_errors(response)


def test_a_text_cannot_use_what_its_screen_does_not_fill(admin_client):
    row = HelpText.objects.get(key="limit_near")
    response = admin_client.post(
        admin_url("helptext", "change", row.pk), {"text": "{minutos} en {curso}, {aula}"}
    )
    assert form_errors(response) == (
        "Este texto no puede usar {aula}, {curso}. "
        "Puede usar {correo}, {horas}, {minutos}, {telefonos}."
    )


def test_a_text_that_the_code_no_longer_knows_still_opens(admin_client):
    row = HelpText.objects.create(key="old", where="Antes", text="x")
    response = admin_client.get(admin_url("helptext", "change", row.pk))
    assert "{correo}, {horas}, {telefonos}" in response.content.decode()


@pytest.mark.parametrize("model", [HelpText, ContactDetails])
def test_texts_and_contact_details_are_neither_added_nor_deleted(admin_client, model):
    name, row = model._meta.model_name, model.objects.first()
    assert admin_client.get(admin_url(name, "add")).status_code == 403
    assert admin_client.post(admin_url(name, "delete", row.pk), {"post": "yes"}).status_code == 403


def test_lines_that_stay_the_same_are_no_change(admin_client):
    """A browser ends each line of a field with a return of its own."""
    contact = ContactDetails.objects.get()
    assert "\n" in contact.phones
    fields = {"email": "ayuda@usecap.cl", "phones": contact.phones.replace("\n", "\r\n")}
    assert admin_client.post(admin_url("contactdetails", "change", 1), fields).status_code == 302
    assert LogEntry.objects.latest("action_time").get_change_message() == (
        "Modificado Correo para alumnos."
    )


def test_contact_details_are_checked_line_by_line(admin_client):
    url = admin_url("contactdetails", "change", 1)
    fields = {
        "email": "ayuda@usecap.cl",
        "phones": "(56) 2 3224 4420\r\n\r\n+56 9 1234 5678\r\n",
        "alert_emails": "a@usecap.cl\r\nb@usecap.cl",
    }
    assert admin_client.post(url, fields).status_code == 302
    contact = catalogue.contact()
    assert contact.email == "ayuda@usecap.cl"
    assert contact.phones == ["(56) 2 3224 4420", "+56 9 1234 5678"]

    wrong = admin_client.post(url, fields | {"phones": "llámenos", "alert_emails": "a@x.cl\nb"})
    assert "«llámenos» no es un teléfono. Escriba uno por línea." in form_errors(wrong)
    assert "«b» no es un correo. Escriba uno por línea." in form_errors(wrong)
    assert "a@x.cl" not in form_errors(wrong)
