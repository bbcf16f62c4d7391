"""Loading rosters from admin: checked first, saved once confirmed, by who may."""

import time
import zipfile
from datetime import timedelta
from io import BytesIO

import openpyxl
import psycopg
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from backoffice import uploads
from backoffice.models import RosterUpload
from courses.models import Enrolment, RosterImport, Student
from tests.backoffice.staff import browser_of, member
from tests.factories import (
    ActionFactory,
    CourseFactory,
    EnrolmentFactory,
    OtecFactory,
    StudentFactory,
    make_rut,
)
from tests.rosters.makers import person, table, xlsx_bytes

pytestmark = pytest.mark.django_db(transaction=True)

START = "admin:upload_start"


@pytest.fixture
def otec():
    return OtecFactory(name="USECAP")


@pytest.fixture
def coordinator():
    return browser_of(member("Coordinador"))


def drop(client, content, name="inscritos.xlsx"):
    """Upload a file as the page does, and wait for its check; returns the upload."""
    response = client.post(reverse(START), {"file": SimpleUploadedFile(name, content)})
    assert response.status_code == 302, response.content.decode()
    return settled()


def settled():
    """The latest upload, once nothing works on it."""
    for _ in range(2400):
        upload = RosterUpload.objects.first()
        if not upload.is_working:
            return upload
        time.sleep(0.05)
    raise AssertionError("the upload never settled")


def decide(client, upload, what="confirmar"):
    return client.post(reverse("admin:upload_act", args=[upload.pk]), {what: "1"})


def page_of(client, upload):
    return client.get(reverse("admin:upload", args=[upload.pk])).content.decode()


def test_nothing_is_saved_until_it_is_confirmed(otec, coordinator):
    bad = person(2, rut="11111111-2")
    upload = drop(coordinator, xlsx_bytes(table(person(1), bad)))
    assert upload.step == "checked"
    assert not Enrolment.objects.exists()
    assert not RosterImport.objects.exists()
    page = page_of(coordinator, upload)
    assert "Confirmar: cargar 1 fila" in page
    assert '<td class="nowrap">11111111-2</td>' in page
    assert f'<td class="nowrap">{person(1)["rut"]}</td>' in page

    decide(coordinator, upload)
    upload = settled()
    assert upload.step == "loaded"
    assert Enrolment.objects.count() == 1
    kept = RosterImport.objects.get()
    assert kept.loaded_by == upload.uploaded_by
    assert (kept.rows_created, kept.rows_rejected) == (1, 1)
    assert list(kept.actions.values_list("code", flat=True)) == [person(1)["codigo_accion"]]
    assert bytes(upload.content) == b""
    assert reverse("admin:courses_rosterimport_change", args=[kept.pk]) in page_of(
        coordinator, upload
    )


def test_the_same_file_twice_has_nothing_to_load(otec, coordinator):
    content = xlsx_bytes(table(person(1)))
    decide(coordinator, drop(coordinator, content))
    settled()
    upload = drop(coordinator, content)
    assert "todo está registrado ya" in page_of(coordinator, upload)


def test_another_name_for_a_student_is_shown_beside_the_one_they_have(otec, coordinator):
    StudentFactory(run=person(1)["rut"], given_names="Pedro", surnames="Lagos")
    page = page_of(coordinator, drop(coordinator, xlsx_bytes(table(person(1), person(2)))))
    assert page.count("antes: ") == 1
    assert "antes: Pedro Lagos<" in page


def test_confirmed_twice_it_loads_once(otec, coordinator):
    upload = drop(coordinator, xlsx_bytes(table(person(1))))
    decide(coordinator, upload)
    decide(coordinator, upload)
    settled()
    assert RosterImport.objects.count() == 1


def test_discarded_it_is_forgotten(otec, coordinator):
    upload = drop(coordinator, xlsx_bytes(table(person(1), person(2, rut="11111111-2"))))
    assert upload.report
    assert upload.summary["changes"]
    decide(coordinator, upload, "descartar")
    decide(coordinator, upload)
    upload.refresh_from_db()
    assert upload.step == "discarded"
    assert (bytes(upload.content), bytes(upload.report), upload.summary) == (b"", b"", {})
    assert not Enrolment.objects.exists()


def test_the_rejected_rows_are_downloaded(otec, coordinator):
    upload = drop(coordinator, xlsx_bytes(table(person(1, rut="11111111-2"))))
    answer = coordinator.get(reverse("admin:upload_report", args=[upload.pk]))
    report = b"".join(answer.streaming_content).decode()
    assert report.startswith("\ufefflinea;columna;valor;motivo")
    assert "11111111-2" in report


def zip_bomb():
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("xl/workbook.xml", b"0" * 50_000_000)
    return content.getvalue()


@pytest.mark.parametrize(
    "content", [b"%PDF-1.7 a letter", zip_bomb(), b"\x00\x01\x02", b"rut;codigo_accion\n"]
)
def test_what_is_not_a_roster_says_so_and_saves_nothing(otec, coordinator, content):
    upload = drop(coordinator, content)
    assert upload.step == "failed"
    assert upload.problem in page_of(coordinator, upload)
    assert len(upload.problem) > 30
    assert not Student.objects.exists()


def test_a_file_that_is_too_large_is_refused_at_the_door(otec, coordinator, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_BYTES", 10)
    file = SimpleUploadedFile("inscritos.csv", b"x" * 11)
    page = coordinator.post(reverse(START), {"file": file}).content.decode()
    assert "supera los 30 MB" in page
    assert not RosterUpload.objects.exists()


@pytest.mark.parametrize("code", ["6512345", "-1"])
def test_pasted_ruts_are_enrolled_in_the_action(coordinator, code):
    action = ActionFactory(code=code)
    ruts = f"{make_rut(11_000_001)}\n 11.000.002-{make_rut(11_000_002)[-1].upper()}, 11111111-2"
    response = coordinator.post(reverse(START), {"action": action.pk, "ruts": ruts})
    assert response.status_code == 302
    upload = settled()
    assert (upload.summary["created"], upload.summary["rejected"]) == (2, 1)
    assert upload.file_name == f"RUT pegados en la acción {code}"
    page = page_of(coordinator, upload)
    assert "Corrija los RUT y péguelos de nuevo" in page
    assert "Línea" not in page
    assert "archivo y súbalo" not in page
    decide(coordinator, upload)
    settled()
    assert action.enrolments.count() == 2


def test_a_rut_pasted_twice_counts_once(coordinator):
    """Pasted RUTs have no line that a sentence could send the reader to."""
    action, dotted = ActionFactory(), f"11.000.002-{make_rut(11_000_002)[-1].upper()}"
    ruts = f"{make_rut(11_000_002)}\n{dotted} hola hola"
    coordinator.post(reverse(START), {"action": action.pk, "ruts": ruts})
    summary = settled().summary
    assert (summary["read"], summary["created"], summary["rejected"]) == (2, 1, 1)


def test_who_works_for_one_otec_loads_for_that_one_alone():
    theirs, other = OtecFactory(), OtecFactory()
    action = ActionFactory(course=CourseFactory(otec=other))
    client = browser_of(member("Coordinador", otecs=[theirs]))
    content = xlsx_bytes([["rut", "codigo_accion"], [make_rut(11_000_001), action.code]])
    upload = drop(client, content)
    assert (upload.summary["created"], upload.summary["rejected"]) == (0, 1)
    page = client.post(reverse(START), {"action": action.pk, "ruts": make_rut(11_000_001)})
    assert page.status_code == 200
    assert RosterUpload.objects.count() == 1


def test_a_pasted_run_of_another_otec_tells_no_name():
    stranger = EnrolmentFactory(student__given_names="Secreta", student__surnames="Ajena").student
    action = ActionFactory()
    client = browser_of(member("Coordinador", otecs=[action.course.otec]))
    client.post(reverse(START), {"action": action.pk, "ruts": stranger.run})
    upload = settled()
    page = page_of(client, upload)
    assert stranger.run in page
    assert "Secreta" not in page
    assert "Ajena" not in page


def test_what_a_roster_says_of_another_otecs_student_is_told_to_change_nothing():
    stranger, action = EnrolmentFactory().student, ActionFactory()
    client = browser_of(member("Coordinador", otecs=[action.course.otec]))
    roster = [["rut", "codigo_accion", "correo"], [stranger.run, action.code, "x@example.com"]]
    page = page_of(client, drop(client, xlsx_bytes(roster)))
    assert "Alumnos que también están inscritos con otro OTEC: 1." in page


def test_others_uploads_are_out_of_reach_of_who_is_limited(otec, coordinator):
    upload = drop(coordinator, xlsx_bytes(table(person(1))))
    limited = browser_of(member("Coordinador", "otra", otecs=[otec]))
    for name in ("upload", "upload_progress", "upload_report"):
        assert limited.get(reverse(f"admin:{name}", args=[upload.pk])).status_code == 404
    assert decide(limited, upload).status_code == 404
    assert decide(browser_of(member("Administrador", "jefa")), upload).status_code == 404


@pytest.mark.parametrize("group", ["Auditor", None])
def test_who_may_not_load_is_refused(otec, coordinator, group):
    upload = drop(coordinator, xlsx_bytes(table(person(1))))
    client = browser_of(member(group, "sin permiso"))
    assert client.get(reverse(START)).status_code == 403
    assert decide(client, upload).status_code == 403
    assert client.get(reverse("admin:upload", args=[upload.pk])).status_code == 403
    upload.refresh_from_db()
    assert upload.step == "checked"


def kept_for_later(**values):
    """An upload that somebody's process began to work on, a minute ago."""
    # Whoever checked it says that it is done a moment before letting go of it.
    with connection.cursor() as cursor:
        for _ in range(2400):
            cursor.execute("SELECT FROM pg_locks WHERE classid = %s", [uploads.LOCKS])
            if not cursor.rowcount:
                break
            time.sleep(0.05)
    long_ago = timezone.now() - timedelta(minutes=1)
    RosterUpload.objects.update(progress_at=long_ago, **values)


@pytest.mark.parametrize("step", ["checking", "loading"])
def test_what_stopped_with_its_process_can_be_checked_again(otec, coordinator, step):
    upload = drop(coordinator, xlsx_bytes(table(person(1))))
    kept_for_later(step=step)
    assert "El trabajo se detuvo" in page_of(coordinator, upload)
    progress = coordinator.get(reverse("admin:upload_progress", args=[upload.pk]))
    assert progress.json() == {"step": step, "percent": 100, "stopped": True}
    decide(coordinator, upload, "reanudar")
    assert settled().step == "checked"


def test_what_goes_on_however_slowly_is_not_taken_for_stopped(otec, coordinator):
    upload = drop(coordinator, xlsx_bytes(table(person(1))))
    kept_for_later(step="checking")
    with psycopg.connect(**connection.get_connection_params()) as working:
        working.execute("SELECT pg_advisory_lock(%s, %s)", [uploads.LOCKS, upload.pk])
        assert "El trabajo se detuvo" not in page_of(coordinator, upload)
        decide(coordinator, upload, "reanudar")
        upload.refresh_from_db()
        assert upload.step == "checking"


def test_a_load_outwaits_anothers_though_pages_of_the_same_process_do_not(
    otec, coordinator, monkeypatch
):
    upload = drop(coordinator, xlsx_bytes(table(person(1))))
    options = connection.settings_dict["OPTIONS"]
    monkeypatch.setitem(options, "options", "-c lock_timeout=100ms")
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("SELECT pg_advisory_lock(hashtext('courses.rosters'))")
        other.execute("SELECT pg_advisory_lock(%s, %s)", [uploads.LOCKS, upload.pk])
        decide(coordinator, upload)
        # First for who works on this very upload, then for who loads another one.
        time.sleep(0.5)
        other.execute("SELECT pg_advisory_unlock(%s, %s)", [uploads.LOCKS, upload.pk])
        until_it_waits(other)
        time.sleep(0.5)
    assert settled().step == "loaded"


def test_a_load_that_waits_long_for_anothers_is_not_taken_for_stopped(otec, coordinator):
    """Its rows are read and nothing moves its bar: judging and writing are no different."""
    upload = drop(coordinator, xlsx_bytes(table(person(1))))
    later = timezone.now() + timedelta(minutes=30)
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("SELECT pg_advisory_lock(hashtext('courses.rosters'))")
        decide(coordinator, upload)
        until_it_waits(other)
        upload.refresh_from_db()
        assert not uploads.has_stopped(upload, later)
        assert not uploads.resume(upload, later)
    assert settled().step == "loaded"


WAITING = """
SELECT EXISTS (
    SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
    WHERE datname = current_database() AND locktype = 'advisory' AND objsubid = 1 AND NOT granted
)
"""
"""Whether somebody waits for an advisory lock of one key: in these tests, the importer's."""


def until_it_waits(other):
    for _ in range(2400):
        if other.execute(WAITING).fetchone()[0]:
            return
        time.sleep(0.05)
    raise AssertionError("nobody waits")


def test_who_did_not_upload_it_is_told_who_may_decide(otec, coordinator):
    upload = drop(coordinator, xlsx_bytes(table(person(1))))
    other = browser_of(member("Administrador", "jefa"))
    page = page_of(other, upload)
    assert "Lo confirma o descarta quien lo subió: persona." in page
    assert "Confirmar: cargar" not in page
    kept_for_later(step="loading")
    page = page_of(other, upload)
    assert "Lo retoma quien lo subió: persona." in page
    assert "Revisar de nuevo" not in page


def test_the_page_reproaches_nobody_before_anything_was_tried(coordinator):
    assert "errorlist" not in coordinator.get(reverse(START)).content.decode()
    assert "Elija el archivo" in coordinator.post(reverse(START), {}).content.decode()


def test_the_template_has_the_columns_and_their_meaning(coordinator):
    answer = coordinator.get(reverse("admin:upload_template"))
    book = openpyxl.load_workbook(BytesIO(b"".join(answer.streaming_content)))
    header = [cell.value for cell in book["Inscritos"][1]]
    assert header[0] == "rut"
    assert [row[0].value for row in book["Ayuda"].rows] == header
