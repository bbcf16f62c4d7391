"""The whole catalogue is carried from one installation to another."""

import io
import json
import sys

import pytest
from django.core.management import CommandError, call_command

from errors_catalog import catalogue
from errors_catalog.models import ContactDetails, HelpLink, HelpSection, HelpText, SenceError
from errors_catalog.seeding import RECORDED

pytestmark = pytest.mark.django_db


def run(command: str, *arguments: object) -> str:
    out = io.StringIO()
    call_command(command, *map(str, arguments), stdout=out)
    return out.getvalue()


@pytest.fixture
def kept(tmp_path):
    """A file with the catalogue as it is."""
    path = tmp_path / "catálogo.json"
    run("export_catalogue", "--output", path)
    return path


def rewrite(path, change) -> None:
    data = json.loads(path.read_text(encoding="utf-8"))
    change(data)
    path.write_text(json.dumps(data), encoding="utf-8")


def everything() -> dict[str, list]:
    return {
        model.__name__: list(model.objects.values())
        for model in (SenceError, HelpSection, HelpLink, HelpText, ContactDetails)
    }


def test_what_goes_out_comes_back_and_changes_nothing(kept):
    catalogue.draft("999")
    before = everything()
    rows = sum(map(len, before.values())) - 1
    assert run("import_catalogue", kept) == (
        f"Guardado: 0 nuevos, 0 cambiados, {rows} sin cambios.\n"
    )
    assert everything() == before


def test_it_brings_back_all_that_was_edited(kept):
    before = everything()
    SenceError.objects.filter(code="311").update(solution="Otra.")
    HelpText.objects.filter(key="opened").update(text="Otro")
    HelpSection.objects.filter(key="ayuda").update(title="Otra")
    HelpLink.objects.filter(label="Cambiar Cus").update(url="/otra/", is_visible=False)
    ContactDetails.objects.update(email="otro@usecap.cl")
    assert run("import_catalogue", kept).startswith("Guardado: 0 nuevos, 5 cambiados, ")
    assert everything() == before
    last = HelpText.objects.get(key="opened").history.latest()
    assert last.history_change_reason == "Importado de catálogo.json"


def test_it_adds_what_is_missing_and_deletes_nothing(kept):
    SenceError.objects.filter(code="311").delete()
    HelpSection.objects.filter(key="clave-sence").delete()
    HelpLink.objects.create(section=HelpSection.objects.get(key="ayuda"), label="Otro", url="/x/")
    assert run("import_catalogue", kept).startswith("Guardado: 6 nuevos, 0 cambiados, ")
    assert SenceError.objects.filter(code="311").exists()
    assert HelpLink.objects.filter(label="Otro").exists()
    assert HelpSection.objects.get(key="clave-sence").links.count() == 4


def test_it_writes_a_draft(kept):
    catalogue.draft("314")
    values = {"code": "314", "description": "x", "solution": "y", "responsible": "sence"}
    rewrite(kept, lambda data: data["errors"].append(values | {"alerts_staff": True}))
    run("import_catalogue", kept)
    assert catalogue.explain(["314"])[0].is_known


def test_a_trial_saves_nothing(kept):
    HelpText.objects.filter(key="opened").update(text="Otro")
    said = run("import_catalogue", kept, "--dry-run")
    assert said.startswith("Se guardaría: 0 nuevos, 1 cambiados, ")
    assert HelpText.objects.get(key="opened").text == "Otro"


def test_one_mistake_and_nothing_is_saved(kept):
    HelpText.objects.filter(key="opened").update(text="Otro")

    def spoil(data):
        data["errors"][0]["solution"] = "Llame a {persona}."
        data["texts"].append({"key": "nada", "text": "x"})
        data["sections"][0]["links"][0]["url"] = "javascript:alert(1)"

    rewrite(kept, spoil)
    with pytest.raises(CommandError) as refused:
        run("import_catalogue", kept)
    assert str(refused.value).splitlines() == [
        "No se guardó nada.",
        "Error 100, Solución: Este texto no puede usar {persona}. "
        "Puede usar {codigo}, {correo}, {horas}, {telefonos}.",
        "Texto nada: este sistema no lo usa. Quítelo.",
        "Sección clave-unica, enlace Obtener Clave Única, Dirección: "
        "Una dirección https:// o una ruta del sitio.",
    ]
    assert HelpText.objects.get(key="opened").text == "Otro"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "no es un archivo JSON"),
        ("[]", "no es un catálogo exportado"),
        ('{"version": 2}', "no es un catálogo exportado"),
        ('{"version": 1, "errors": [{}]}', "no tiene la forma"),
        ('{"version": 1, "texts": 7}', "no tiene la forma"),
    ],
)
def test_what_is_no_catalogue_is_said(tmp_path, content, sentence):
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(CommandError, match=sentence):
        run("import_catalogue", path)


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(CommandError, match="No se puede leer"):
        run("import_catalogue", tmp_path / "nada.json")
    with pytest.raises(CommandError, match="No se puede escribir"):
        run("export_catalogue", "--output", tmp_path / "nada" / "x.json")


def test_from_one_command_to_the_other_through_a_pipe(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(run("export_catalogue")))
    assert "0 nuevos, 0 cambiados" in run("import_catalogue", "-")


def test_a_load_that_changes_nothing_records_nothing(kept):
    run("import_catalogue", kept)
    for name in RECORDED:
        model = {
            model.__name__: model
            for model in (SenceError, HelpSection, HelpLink, HelpText, ContactDetails)
        }[name]
        assert model.history.count() == model.objects.count()
