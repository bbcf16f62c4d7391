"""The catalogue of errors goes out as a spreadsheet and comes back after a look at it."""

import csv
import io
import zipfile
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from errors_catalog import catalogue, tables
from errors_catalog.models import SenceError

pytestmark = pytest.mark.django_db

LIST = reverse("admin:errors_catalog_senceerror_changelist")
EXPORT = reverse("admin:errors_catalog_senceerror_export")
IMPORT = reverse("admin:errors_catalog_senceerror_import")
CONFIRM = reverse("admin:errors_catalog_senceerror_process_import")
XLSX, CSV = "0", "1"
HEADER = ["codigo", "descripcion", "solucion", "quien_debe_actuar", "avisa_a_coordinacion"]
NEW = ["314", "Sence rechazó el {codigo}.", "Escriba a {correo}.", "SENCE", "sí"]
# Session, user, permissions (two), rows; savepoints of the whole, its start, its end, undone.
LOOK_QUERIES = 12


def exported(client: Client, kind: str, query: str = "") -> Any:
    response = client.post(EXPORT + query, {"format": kind, "resource": "0"})
    assert response.status_code == 200
    return response


def csv_rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))


def xlsx_rows(content: bytes) -> list[list[Any]]:
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    return [[cell.value for cell in row] for row in sheet.rows]


def as_csv(*rows: list[str], delimiter: str = ";", encoding: str = "utf-8-sig") -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return out.getvalue().encode(encoding)


def as_xlsx(*rows: list[Any]) -> bytes:
    workbook = openpyxl.Workbook()
    for row in rows:
        workbook.active.append(row)
    out = io.BytesIO()
    workbook.save(out)
    return out.getvalue()


def upload(client: Client, content: bytes, name: str = "catalogo.csv") -> Any:
    file = SimpleUploadedFile(name, content)
    response = client.post(IMPORT, {"import_file": file, "format": "0", "resource": "0"})
    assert response.status_code == 200
    return response


def confirm(client: Client, response: Any, **changes: str) -> Any:
    fields = {name: str(value) for name, value in response.context["confirm_form"].initial.items()}
    return client.post(CONFIRM, fields | changes, follow=True)


def said(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def test_csv_opens_right_in_excel(coordinator):
    response = exported(coordinator, CSV)
    assert response.content.startswith(b"\xef\xbb\xbfcodigo;descripcion;")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    rows = csv_rows(response.content)
    assert rows[0] == HEADER
    assert rows[1] == [
        *("100", "Contraseña incorrecta.", "Debe solicitar una nueva Cus, en la opción inferior"),
        *("El alumno", "no"),
    ]
    assert len(rows) == 1 + SenceError.objects.count()


def test_xlsx_holds_text_alone(coordinator):
    SenceError.objects.filter(code="100").update(description="=1+1", solution="@SUMA(A1)")
    SenceError.objects.filter(code="201").update(description="<r>&</r>")
    response = exported(coordinator, XLSX)
    assert response["Content-Disposition"].endswith('.xlsx"')
    rows = xlsx_rows(response.content)
    assert rows[0] == HEADER
    assert rows[1][:3] == ["100", "=1+1", "@SUMA(A1)"]
    sheet = openpyxl.load_workbook(io.BytesIO(response.content)).active
    assert {cell.data_type for row in sheet.rows for cell in row} == {"s"}


@pytest.mark.parametrize("text", ["=1+1", "+1+1", "-1-1", "@x", "\t=1", "'=1", "''=1"])
def test_csv_holds_no_formula_and_gives_the_text_back(coordinator, text):
    SenceError.objects.filter(code="100").update(description=text)
    content = exported(coordinator, CSV).content
    assert csv_rows(content)[1][1] == f"'{text}"
    if text.strip() == text:
        assert upload(coordinator, content).context["rows"] == []


def test_what_the_list_shows_is_what_goes_out(coordinator):
    content = exported(coordinator, CSV, "?responsible__exact=otec").content
    assert [row[0] for row in csv_rows(content)[1:]] == ["209", "211", "212", "303"]


@pytest.mark.parametrize("kind", [XLSX, CSV])
def test_what_goes_out_comes_back_and_changes_nothing(coordinator, kind):
    catalogue.draft("999")
    response = upload(coordinator, exported(coordinator, kind).content)
    assert response.context["rows"] == []
    assert response.context["unchanged"] == SenceError.objects.count()
    page = response.content.decode()
    assert "Ningún texto cambia." in page
    assert "Confirmar y guardar" not in page


def test_an_import_is_shown_first_and_saves_nothing_until_it_is_confirmed(coordinator):
    changed = ["100", "Clave incorrecta.", "Debe solicitar una nueva Cus, en la opción inferior"]
    response = upload(coordinator, as_csv(HEADER, [*changed, "El alumno", "no"], NEW))
    page = response.content.decode()
    assert "<del>Contraseña</del><ins>Clave</ins><span> incorrecta.</span>" in page
    assert [(row["code"], row["is_new"]) for row in response.context["rows"]] == [
        *(("100", False), ("314", True)),
    ]
    assert not SenceError.objects.filter(code="314").exists()
    assert SenceError.objects.get(code="100").history.count() == 1

    done = confirm(coordinator, response)

    assert said(done) == ["Catálogo importado: 1 nuevos, 1 cambiados, 0 sin cambios."]
    [error] = catalogue.explain(["314"])
    assert error.solution == "Escriba a cursos@usecap.cl."
    last = SenceError.objects.get(code="100").history.latest()
    assert last.history_user.username == "coordinador"
    assert last.history_change_reason == "Importado de catalogo.csv"


def test_what_students_read_changes_at_once(coordinator, client):
    client.get("/guia/")
    row = ["311", "Nueva descripción.", "Nueva solución.", "El alumno", "no"]
    confirm(coordinator, upload(coordinator, as_csv(HEADER, row)))
    assert "Nueva descripción." in client.get("/guia/").content.decode()


def test_a_draft_is_written_by_an_import(coordinator):
    catalogue.draft("314")
    confirm(coordinator, upload(coordinator, as_csv(HEADER, NEW)))
    assert not SenceError.objects.get(code="314").is_draft


@pytest.mark.parametrize(
    "content",
    [
        as_csv(HEADER, NEW, delimiter=","),
        as_csv(HEADER, NEW, delimiter="\t"),
        as_csv(HEADER, NEW, encoding="cp1252"),
        as_csv(HEADER, [*NEW[:3], "sence", "X"], encoding="utf-8"),
        as_csv(["Código", "DESCRIPCIÓN", "Solución", *HEADER[3:]], NEW),
        as_csv([*HEADER, ""], [*NEW, ""], [], ["", ""]),
        as_xlsx(HEADER, [314, *NEW[1:]]),
        as_xlsx(HEADER, [314.0, *NEW[1:4], True]),
    ],
)
def test_spreadsheets_are_read_as_people_save_them(coordinator, content):
    response = upload(coordinator, content, "lo que sea.bin")
    [row] = response.context["rows"]
    assert (row["code"], row["is_new"]) == ("314", True)
    assert ("avisa_a_coordinacion", "<ins>Sí</ins>") in row["changes"]


def test_a_column_that_is_left_out_stays_as_it_is(coordinator):
    confirm(coordinator, upload(coordinator, as_csv(["codigo", "solucion"], ["311", "Otra."])))
    error = SenceError.objects.get(code="311")
    assert error.solution == "Otra."
    assert error.description.startswith("Quien ingresó su Clave Única")


@pytest.mark.parametrize(
    ("row", "column", "sentence"),
    [
        (
            ["314", "Llame a {persona}.", *NEW[2:]],
            "descripcion",
            "Este texto no puede usar {persona}. "
            "Puede usar {codigo}, {correo}, {horas}, {telefonos}.",
        ),
        (["314", "", *NEW[2:]], "descripcion", "Este campo no puede estar vacío."),
        (["3 14", *NEW[1:]], "codigo", "Solo letras, números y guiones."),
        (["", *NEW[1:]], "codigo", "Este campo no puede estar vacío."),
        (
            [*NEW[:3], "Nadie", "sí"],
            "quien_debe_actuar",
            "«Nadie» no está entre: El alumno; Coordinación: la inscripción; "
            "Coordinación: los datos del curso o de la acción; Coordinación: los datos del OTEC; "
            "Soporte de este sistema; SENCE.",
        ),
        (
            [*NEW[:4], "quizás"],
            "avisa_a_coordinacion",
            "«quizás» no es sí ni no. Escriba sí o no.",
        ),
        (
            ["311", *NEW[1:]],
            "codigo",
            "El código 311 ya está en la línea 2. Deje una.",
        ),
    ],
)
def test_a_bad_row_is_said_with_its_line_its_column_and_what_to_do(
    coordinator, row, column, sentence
):
    good = ["311", "Otra.", "Otra.", "El alumno", "no"]
    response = upload(coordinator, as_csv(HEADER, good, [], row))
    assert [
        (found["line"], found["column"], found["sentence"])
        for found in response.context["problems"]
    ] == [(4, column, sentence)]
    page = response.content.decode()
    assert "No se guardó nada." in page
    assert "Confirmar y guardar" not in page
    assert SenceError.objects.get(code="311").description != "Otra."


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"   ", "El archivo está vacío"),
        (b"%PDF-1.4\x00\x01", "no es una tabla"),
        (b"PK\x03\x04nada", "dañado o no es una planilla"),
        (as_csv(HEADER), "no trae filas"),
        (as_csv(["a", "b"], ["1", "2"]), "Falta la columna «codigo»"),
        (as_csv(["codigo", "soluccion"], ["1", "2"]), "No se conoce la columna «soluccion»"),
        (as_csv(["codigo", "Código"], ["1", "2"]), "La columna «codigo» está repetida"),
        (as_csv(["codigo"], ["1", "2"]), "La línea 2 tiene más celdas"),
        (as_csv(["codigo"], *(["1"] for _ in range(3000))), "más de 2000 filas"),
        (b"codigo\n" + b"1" * tables.MAX_BYTES, "supera los 512 KB"),
    ],
)
def test_a_file_that_is_no_catalogue_is_said_with_its_remedy(coordinator, content, sentence):
    if not content.strip():
        content += b"\n"
    errors = upload(coordinator, content).context["form"].errors["import_file"]
    assert sentence in errors[0]


def test_a_workbook_that_would_unpack_too_large_is_refused(coordinator):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (tables.MAX_UNPACKED + 1))
    assert len(packed.getvalue()) < tables.MAX_BYTES
    errors = upload(coordinator, packed.getvalue()).context["form"].errors["import_file"]
    assert "demasiado grande" in errors[0]


def test_a_workbook_with_a_cell_at_the_end_of_the_sheet_is_refused(coordinator):
    workbook = openpyxl.Workbook()
    workbook.active.append(HEADER)
    workbook.active["XFD1048576"] = "x"
    out = io.BytesIO()
    workbook.save(out)
    errors = upload(coordinator, out.getvalue()).context["form"].errors["import_file"]
    assert "celdas muy lejos" in errors[0]


def test_a_confirmation_that_was_tampered_with_or_is_old_saves_nothing(coordinator, monkeypatch):
    response = upload(coordinator, as_csv(HEADER, NEW))
    for changes in (
        {"import_file_name": "otro"},
        {"import_file_name": "../../etc/passwd"},
        {"format": "9"},
        {"format": "x"},
        {"resource": "7"},
    ):
        done = confirm(coordinator, response, **changes)
        assert said(done) == ["La vista previa venció. Suba el archivo otra vez."]
    monkeypatch.setattr("errors_catalog.exchange.CONFIRM_SECONDS", -1)
    assert said(confirm(coordinator, response)) == [
        "La vista previa venció. Suba el archivo otra vez."
    ]
    assert not SenceError.objects.filter(code="314").exists()


def test_what_became_wrong_after_the_look_saves_nothing(coordinator, monkeypatch):
    response = upload(coordinator, as_csv(HEADER, ["100", "Otra.", "Otra.", "SENCE", "no"], NEW))
    monkeypatch.setattr("errors_catalog.placeholders.OF_ERRORS", frozenset({"codigo"}))
    done = confirm(coordinator, response)
    assert "No se guardó nada" in said(done)[0]
    assert SenceError.objects.get(code="100").description == "Contraseña incorrecta."
    assert not SenceError.objects.filter(code="314").exists()


def test_who_only_looks_exports_and_does_not_import(auditor):
    page = auditor.get(LIST).content.decode()
    assert EXPORT in page
    assert IMPORT not in page
    assert auditor.get(EXPORT).status_code == 200
    assert len(csv_rows(exported(auditor, CSV).content)) > 20
    assert auditor.get(IMPORT).status_code == 403
    file = SimpleUploadedFile("x.csv", as_csv(HEADER, NEW))
    assert auditor.post(IMPORT, {"import_file": file, "format": "0"}).status_code == 403


def test_who_only_looks_cannot_confirm_what_another_uploaded(coordinator, auditor):
    form = upload(coordinator, as_csv(HEADER, NEW)).context["confirm_form"]
    assert auditor.post(CONFIRM, form.initial).status_code == 403
    assert not SenceError.objects.filter(code="314").exists()


def test_who_is_not_of_the_catalogue_neither_exports_nor_imports(client, django_user_model):
    client.force_login(django_user_model.objects.create(username="otro", is_staff=True))
    assert client.get(EXPORT).status_code == 403
    assert client.get(IMPORT).status_code == 403
    assert client.post(CONFIRM, {}).status_code == 403


def test_coordinators_find_both_from_the_list(coordinator):
    page = coordinator.get(LIST).content.decode()
    assert f'href="{IMPORT}"' in page
    assert f'href="{EXPORT}?"' in page
    for url in (IMPORT, EXPORT):
        shown = coordinator.get(url)
        assert shown.status_code == 200
        assert " style=" not in shown.content.decode()


def test_what_a_file_says_is_escaped(coordinator):
    row = ["311", "<script>alert(1)</script>", "<b>x</b>", "El alumno", "no"]
    assert "<script>alert" not in upload(coordinator, as_csv(HEADER, row)).content.decode()
    bad = as_csv(HEADER, ["<script>alert(1)</script>", *NEW[1:]])
    assert "<script>alert" not in upload(coordinator, bad).content.decode()


def test_an_export_takes_as_many_queries_however_many_rows(coordinator, django_assert_num_queries):
    exported(coordinator, CSV)
    with django_assert_num_queries(5):
        exported(coordinator, CSV)


def test_a_look_at_an_unchanged_file_reads_the_rows_once(coordinator, django_assert_num_queries):
    content = exported(coordinator, CSV).content
    savepoints = 2 * SenceError.objects.count()
    with django_assert_num_queries(LOOK_QUERIES + savepoints):
        upload(coordinator, content)
