"""Who changed what students read, when, and the way back."""

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from errors_catalog import catalogue
from errors_catalog.models import ContactDetails, HelpLink, HelpSection, HelpText, SenceError

pytestmark = pytest.mark.django_db

RECORDED = [SenceError, HelpSection, HelpLink, HelpText, ContactDetails]
# Session, user, permissions (two), row, records (counted and read).
HISTORY_QUERIES = 7


def address(page: str, row: Any, *more: object) -> str:
    return reverse(f"admin:errors_catalog_{row._meta.model_name}_{page}", args=[row.pk, *more])


def words(response: Any) -> str:
    """The page's text without its tags, its spaces one each."""
    assert response.status_code == 200
    text = "".join(part.rpartition(">")[2] for part in response.content.decode().split("<"))
    return " ".join(text.split())


def first_version(row: Any) -> Any:
    return row.history.earliest()


def edit_opened(client: Client, text: str) -> HelpText:
    row = HelpText.objects.get(key="opened")
    assert client.post(address("change", row), {"text": text}).status_code == 302
    return row


def test_the_history_says_who_changed_what_and_when(coordinator):
    HelpText.history.update(history_date=datetime(2026, 1, 1, tzinfo=UTC))
    with time_machine.travel(datetime(2026, 3, 2, 15, 30, tzinfo=UTC), tick=False):
        row = edit_opened(coordinator, "Asistencia bien ingresada")
    page = words(coordinator.get(address("history", row)))
    assert "02-03-2026 12:30 Carla Rojas Cambiado" in page
    assert "Asistencia correctamentebien ingresada" in page  # one word out, one in
    assert "El sistema Creado. Texto inicial" in page


@pytest.mark.parametrize("model", RECORDED)
def test_every_history_and_every_version_opens_for_who_edits_and_for_who_looks(
    coordinator, auditor, model
):
    row = model.objects.first()
    version = first_version(row)
    for client in (coordinator, auditor):
        assert "Texto inicial" in words(client.get(address("history", row)))
        assert "Así quedó el" in words(client.get(address("simple_history", row, version.pk)))


def test_saving_what_has_not_changed_is_no_change(coordinator):
    row = edit_opened(coordinator, "Asistencia correctamente ingresada")
    assert row.history.count() == 1


@pytest.mark.parametrize("model", RECORDED)
def test_a_version_speaks_spanish_alone(coordinator, model):
    row = model.objects.first()
    shown = words(coordinator.get(address("simple_history", row, first_version(row).pk)))
    shown += words(coordinator.get(address("history", row)))
    for english in ("Revert", "Change", "Close", "View", "Home", "Changed", "history of"):
        assert english not in shown


def versions(row: Any) -> list[str]:
    return [record.text for record in row.history.all()]


def test_the_way_back_is_one_button_and_is_recorded_too(coordinator):
    row = edit_opened(coordinator, "Otra cosa")
    assert catalogue.text("opened") == "Otra cosa"
    back = address("simple_history", row, first_version(row).pk)
    page = coordinator.get(back)
    assert 'value="Volver a esta versión"' in page.content.decode()
    shown = page.context["adminform"].form.initial

    response = coordinator.post(back, {"text": shown["text"], "_save": "1"})

    assert response.status_code == 302
    assert catalogue.text("opened") == "Asistencia correctamente ingresada"
    assert versions(row) == [
        *("Asistencia correctamente ingresada", "Otra cosa", "Asistencia correctamente ingresada"),
    ]
    last = row.history.latest()
    assert last.history_user.username == "coordinador"
    assert last.history_change_reason.startswith("Vuelta a la versión del ")
    assert "Vuelta a la versión" in LogEntry.objects.latest("pk").change_message


def test_students_read_the_old_text_at_once_after_the_way_back(coordinator, client):
    row = edit_opened(coordinator, "Otra cosa")
    assert "“Otra cosa”" in client.get("/guia/").content.decode()
    version = first_version(row)
    coordinator.post(address("simple_history", row, version.pk), {"text": version.text})
    assert "“Asistencia correctamente ingresada”" in client.get("/guia/").content.decode()


def test_an_auditor_sees_a_version_without_the_button_and_cannot_post_it(coordinator, auditor):
    row = edit_opened(coordinator, "Otra cosa")
    back = address("simple_history", row, first_version(row).pk)
    page = auditor.get(back).content.decode()
    assert "Volver a esta versión" not in page
    assert "<textarea" not in page
    assert auditor.post(back, {"text": "Hackeado"}).status_code == 403
    assert catalogue.text("opened") == "Otra cosa"
    assert len(versions(row)) == 2


@pytest.mark.parametrize("page", ["history", "simple_history", "deleted"])
def test_who_is_not_of_the_catalogue_sees_no_history(django_user_model, client, page):
    client.force_login(django_user_model.objects.create(username="otro", is_staff=True))
    row = HelpText.objects.get(key="opened")
    more = [first_version(row).pk] if page == "simple_history" else []
    url = (
        reverse("admin:errors_catalog_helptext_deleted")
        if page == "deleted"
        else address(page, row, *more)
    )
    assert client.get(url).status_code == 403


@pytest.mark.parametrize("version", ["999999999", "abc", "9" * 30, "²"])
def test_a_version_that_does_not_exist_is_not_found(coordinator, version):
    row = HelpText.objects.get(key="opened")
    url = address("simple_history", row, 1).replace("/1/", f"/{version}/")
    assert coordinator.get(url).status_code == 404


def test_a_version_of_another_row_is_not_found(coordinator):
    row, other = HelpText.objects.all()[:2]
    url = address("simple_history", row, first_version(other).pk)
    assert coordinator.post(url, {"text": "x"}).status_code == 404


def test_going_back_is_checked_like_any_edit(coordinator):
    row = edit_opened(coordinator, "Otra cosa")
    back = address("simple_history", row, first_version(row).pk)
    response = coordinator.post(back, {"text": "{aula}"})
    assert response.status_code == 200
    assert "Este texto no puede usar {aula}" in response.content.decode()
    assert catalogue.text("opened") == "Otra cosa"


def save_section(client: Client, section: HelpSection, **changes: str) -> None:
    links = list(section.links.all())
    fields = {
        "title": section.title,
        "position": str(section.position),
        "after_rut": "on",
        "links-TOTAL_FORMS": str(len(links)),
        "links-INITIAL_FORMS": str(len(links)),
    }
    for number, link in enumerate(links):
        values = {"id": link.pk, "section": section.pk, "label": link.label, "url": link.url}
        values |= {"position": link.position, "is_visible": "on"}
        fields |= {f"links-{number}-{name}": str(value) for name, value in values.items()}
    assert client.post(address("change", section), fields | changes).status_code == 302


def shown_labels() -> list[str]:
    [section] = [
        found for found in catalogue.help_sections(after_rut=True) if found.key == "clave-sence"
    ]
    return [link.label for link in section.links]


def test_a_link_edited_in_its_section_has_its_history_there_and_goes_back(coordinator):
    section = HelpSection.objects.get(key="clave-sence")
    link = section.links.get(label="Cambiar Cus")
    save_section(coordinator, section, **{"links-2-label": "Cambiar clave"})
    assert "Cambiar clave" in shown_labels()
    page = words(coordinator.get(address("history", section)))
    assert "Enlaces de esta sección" in page
    assert "Carla Rojas Cambiado Texto del botón: Cambiar Cusclave" in page

    back = address("simple_history", link, first_version(link).pk)
    initial = coordinator.get(back).context["adminform"].form.initial
    response = coordinator.post(back, initial)

    assert response["Location"] == address("change", section)
    assert "Cambiar Cus" in shown_labels()
    assert link.history.count() == 3


def test_a_link_deleted_in_its_section_comes_back_from_its_history(coordinator):
    section = HelpSection.objects.get(key="clave-sence")
    link = section.links.get(label="Cambiar Cus")
    save_section(coordinator, section, **{"links-2-DELETE": "on"})
    assert "Cambiar Cus" not in shown_labels()
    assert "Cambiar Cus" in words(coordinator.get(address("history", section)))
    back = address("simple_history", link, link.history.latest().pk)
    coordinator.post(back, coordinator.get(back).context["adminform"].form.initial)
    assert "Cambiar Cus" in shown_labels()
    assert HelpLink.objects.get(label="Cambiar Cus").pk == link.pk


def test_a_link_does_not_come_back_to_a_section_that_is_gone(coordinator):
    section = HelpSection.objects.get(key="clave-sence")
    link = section.links.get(label="Cambiar Cus")
    coordinator.post(address("delete", section), {"post": "yes"})
    back = address("simple_history", link, link.history.latest().pk)
    response = coordinator.post(back, coordinator.get(back).context["adminform"].form.initial)
    assert response.status_code == 200
    assert not HelpLink.objects.filter(pk=link.pk).exists()


def test_a_deleted_section_is_listed_and_comes_back(coordinator):
    section = HelpSection.objects.get(key="clave-sence")
    assert coordinator.post(address("delete", section), {"post": "yes"}).status_code == 302
    assert "Eliminados" in words(
        coordinator.get(reverse("admin:errors_catalog_helpsection_changelist"))
    )
    page = words(coordinator.get(reverse("admin:errors_catalog_helpsection_deleted")))
    assert "Accesos de interés Sence (Clave Sence)" in page
    back = address("simple_history", section, section.history.latest().pk)
    coordinator.post(back, coordinator.get(back).context["adminform"].form.initial)
    assert HelpSection.objects.get(pk=section.pk).key == "clave-sence"
    gone = coordinator.get(reverse("admin:errors_catalog_helpsection_deleted"))
    assert "No hay nada eliminado." in words(gone)


def test_a_deleted_code_does_not_come_back_beside_the_one_that_took_its_place(coordinator):
    texts = {"description": "x", "solution": "y", "responsible": "sence", "alerts_staff": True}
    gone = SenceError.objects.create(code="999", **texts)
    old = SenceError.objects.get(code="999")
    gone.delete()
    SenceError.objects.create(code="999", **texts)
    back = address("simple_history", old, old.history.latest().pk)
    response = coordinator.post(back, texts)
    assert response.status_code == 200
    assert "«999» ya está otra vez en la lista. Edite ese." in response.content.decode()
    assert SenceError.objects.filter(code="999").count() == 1


@pytest.mark.parametrize("model", [SenceError, HelpText, ContactDetails])
def test_a_history_takes_as_many_queries_however_long_it_is(
    coordinator, django_assert_num_queries, model
):
    row = model.objects.first()
    for _ in range(5):
        row.save()
    coordinator.get(address("history", row))
    with django_assert_num_queries(HISTORY_QUERIES):
        coordinator.get(address("history", row))


def test_a_section_reads_the_history_of_its_links_in_one_more_query(
    coordinator, django_assert_num_queries
):
    section = HelpSection.objects.get(key="clave-sence")
    coordinator.get(address("history", section))
    with django_assert_num_queries(HISTORY_QUERIES + 1):
        coordinator.get(address("history", section))


def test_what_was_typed_is_escaped_in_its_history(coordinator):
    row = edit_opened(coordinator, "<script>alert(1)</script>")
    page = coordinator.get(address("history", row)).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page
