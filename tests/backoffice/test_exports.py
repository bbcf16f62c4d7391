"""Attendance as a spreadsheet, from admin and from a terminal: what it has, and for whom."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import openpyxl
import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse_lazy
from django.utils import timezone

from attendance.models import AttendanceSession
from backoffice.exports import files
from backoffice.exports.attendance import TITLES, Choice
from backoffice.exports.files import ROWS, csv_chunks, csv_rows, write_xlsx
from tests.attendance_steps import answer, opened, post, requested
from tests.backoffice.staff import GROUPS, browser_of, member
from tests.factories import (
    ActionFactory,
    CourseFactory,
    EnrolmentFactory,
    OtecFactory,
    StudentFactory,
)
from usecap_sence.spreadsheets import as_typed, harmless

pytestmark = pytest.mark.django_db

CHILE = ZoneInfo("America/Santiago")
NOON = datetime(2026, 11, 10, 12, tzinfo=CHILE)
PAGE = reverse_lazy("admin:attendance_attendancesession_export")
LIST = reverse_lazy("admin:attendance_attendancesession_changelist")


def session_at(moment, **enrolment):
    with time_machine.travel(moment, tick=False):
        return opened(EnrolmentFactory(**enrolment), at=moment)


def closed_session(**student):
    session = session_at(NOON, student=StudentFactory(**student))
    session.mark_closed(NOON + timedelta(minutes=95, seconds=7), time="", zone="")
    return session


def body(response):
    return response.getvalue() if hasattr(response, "getvalue") else response.content


def from_csv(data: bytes):
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=";"))


def from_xlsx(data: bytes):
    sheet, *_ = openpyxl.load_workbook(io.BytesIO(data)).worksheets
    return [dict(zip(TITLES, line, strict=True)) for line in sheet.iter_rows(2, values_only=True)]


def exported(client, kind="csv", **filters):
    read = {"csv": from_csv, "xlsx": from_xlsx}[kind]
    return read(body(client.post(PAGE, {"format": kind, **filters})))


def runs(lines):
    return {line["RUN"] for line in lines}


@pytest.fixture
def coordinator():
    return browser_of(member("Coordinador"))


def as_csv(sessions, now):
    return b"".join(csv_chunks(csv_rows(sessions, now)))


def a_row(**cells):
    return tuple(cells.get(title, "") for title in TITLES)


def as_xlsx(*exported_rows):
    file = io.BytesIO()
    write_xlsx(exported_rows, file)
    return file.getvalue()


# What a row says


def test_a_csv_says_everything_of_a_session_as_excel_reads_it(coordinator):
    session = closed_session(given_names="Íñigo", surnames="Muñoz; Soto")
    (line,) = exported(coordinator)
    assert line == {
        "RUN": session.run,
        "Nombres": "Íñigo",
        "Apellidos": "Muñoz; Soto",
        "OTEC": session.otec.name,
        "Curso": session.course_name,
        "Código SENCE": session.sence_code,
        "Acción": session.action_code,
        "Línea": "3",
        "Ambiente": "Prueba",
        "IdSesionSence": "sence-1",
        "Solicitada": "10-11-2026 12:00:00",
        "Abierta": "10-11-2026 12:00:00",
        "Cerrada": "10-11-2026 13:35:07",
        "Duración": "1:35:07",
        "Estado": "Cerrada",
        "Último error": "",
        "Reemplazada": "",
        "Resuelta": "",
        "Motivo de la resolución": "",
    }


def test_an_xlsx_says_the_same_with_dates_and_durations(coordinator):
    session = closed_session()
    (line,) = exported(coordinator, "xlsx")
    assert (line["RUN"], line["Código SENCE"]) == (session.run, session.sence_code)
    assert line["Cerrada"] == datetime(2026, 11, 10, 13, 35, 7)  # noqa: DTZ001 - as a cell has it
    assert line["Duración"] == timedelta(minutes=95, seconds=7)
    assert line["Línea"] == 3


def test_every_state_is_said_as_in_the_list():
    now = timezone.now()
    requested()
    opened(at=now - timedelta(hours=4))
    resolved = opened(at=now - timedelta(hours=4))
    resolved.mark_resolved(member("Coordinador"), "Llamó", now)
    rejected = requested()
    post(rejected, "open", answer(rejected, GlosaError="205;211", IdSesionSence=None), error=True)
    lines = from_csv(as_csv(AttendanceSession.objects.all(), now))
    columns = ("Estado", "Último error", "Motivo de la resolución")
    said = {tuple(line[column] for column in columns) for line in lines}
    assert said == {
        ("Solicitada", "", ""),
        ("Abierta más tiempo que el límite", "", ""),
        ("Abierta, resuelta", "", "Llamó"),
        ("Rechazada", "205;211", ""),
    }
    # How long they were, nobody knows as long as they aren't closed.
    assert {line["Duración"] for line in lines} == {""}


def test_a_csv_is_the_same_to_the_last_byte():
    course = CourseFactory(
        otec=OtecFactory(name='Capacita "Sur"; Ltda.'), name="+Excel", sence_code="0012345678"
    )
    action = ActionFactory(
        course=course, code="-1", starts_on=date(2026, 1, 1), ends_on=date(2026, 12, 31)
    )

    def session(asked, run, given_names, surnames, *, lasted=None):
        student = StudentFactory(run=run, given_names=given_names, surnames=surnames)
        found = session_at(asked, student=student, action=action)
        if lasted is not None:
            found.mark_closed(asked + lasted, time="", zone="")
        return found

    # Clocks went from 24:00 back to 23:00 in April, and from 24:00 to 01:00 in September.
    april = datetime(2026, 4, 4, 23, 30, tzinfo=CHILE).astimezone(UTC)
    september = datetime(2026, 9, 5, 23, 59, 59, tzinfo=CHILE).astimezone(UTC)
    session(april, "5126663-3", "=1+1", "O'Higgins \\", lasted=timedelta(hours=1))
    session(september, "11111111-1", "Ana\nMaría", '"Muñoz"', lasted=timedelta(seconds=3.9))
    session(NOON - timedelta(days=2), "22222222-2", "", "'-Soto;", lasted=timedelta(hours=101))
    session(NOON, "12345678-5", "\tJosé", "-1,5", lasted=-timedelta(minutes=1))
    session(NOON + timedelta(seconds=1), "33333333-3", " ", ",")
    resolved = session(NOON + timedelta(seconds=2), "44444444-4", "@x\r", "a=b 😀")
    three = NOON + timedelta(hours=3)
    resolved.mark_resolved(member("Coordinador"), "=Llamó,\r\nno respondió", three)
    refused = session(three, "55555555-5", "-Ana", "''")
    AttendanceSession.objects.filter(pk=refused.pk).update(
        opened_at=None, sence_session_id="", rejected_at=three, superseded_at=three,
        error_glosa="205;211",
    )  # fmt: skip
    sent = '"Capacita ""Sur""; Ltda.";\'+Excel;0012345678;-1;3;Prueba'
    lines = [
        "\ufeffRUN;Nombres;Apellidos;OTEC;Curso;Código SENCE;Acción;Línea;Ambiente;IdSesionSence;"
        "Solicitada;Abierta;Cerrada;Duración;Estado;Último error;Reemplazada;Resuelta;"
        "Motivo de la resolución",
        f"5126663-3;'=1+1;O'Higgins \\;{sent};sence-1;04-04-2026 23:30:00;04-04-2026 23:30:00;"
        "04-04-2026 23:30:00;1:00:00;Cerrada;;;;",
        f'11111111-1;"Ana\nMaría";"""Muñoz""";{sent};sence-1;05-09-2026 23:59:59;'
        "05-09-2026 23:59:59;06-09-2026 01:00:02;0:00:03;Cerrada;;;;",
        f"22222222-2;;\"''-Soto;\";{sent};sence-1;08-11-2026 12:00:00;08-11-2026 12:00:00;"
        "12-11-2026 17:00:00;101:00:00;Cerrada;;;;",
        f"12345678-5;'\tJosé;-1,5;{sent};sence-1;10-11-2026 12:00:00;10-11-2026 12:00:00;"
        "10-11-2026 11:59:00;0:00:00;Cerrada;;;;",
        f"33333333-3; ;,;{sent};sence-1;10-11-2026 12:00:01;10-11-2026 12:00:01;"
        ";;Abierta más tiempo que el límite;;;;",
        f'44444444-4;"\'@x\r";a=b 😀;{sent};sence-1;10-11-2026 12:00:02;10-11-2026 12:00:02;'
        ';;Abierta, resuelta;;;10-11-2026 15:00:00;"\'=Llamó,\r\nno respondió"',
        f"55555555-5;'-Ana;'';{sent};;10-11-2026 15:00:00;;;;Rechazada, reemplazada;"
        '"205;211";10-11-2026 15:00:00;;',
        "",
    ]
    written = as_csv(AttendanceSession.objects.all(), NOON + timedelta(hours=4))
    assert written.decode() == "\r\n".join(lines)


# Formulas


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "-Juan", "=1;2", "＝1", "'=1"],
)
def test_what_would_be_a_formula_is_a_text(coordinator, text):
    assert harmless(text) == f"'{text}"
    assert as_typed(f"'{text}") == text
    session_at(NOON, student=StudentFactory(given_names=text))
    (line,) = exported(coordinator)
    assert line["Nombres"] == f"'{text}"
    book = openpyxl.load_workbook(io.BytesIO(body(coordinator.post(PAGE, {"format": "xlsx"}))))
    cell = book.active.cell(2, TITLES.index("Nombres") + 1)
    assert cell.data_type == "s"


@pytest.mark.parametrize("text", ["12345678-5", "7654321-k", "-1", "-1,5", "+56", "a=b", "", "Ana"])
def test_what_is_no_formula_stays_as_it_is(coordinator, text):
    assert harmless(text) == text
    session_at(NOON, student=StudentFactory(given_names=text))
    assert [line["Nombres"] for line in exported(coordinator)] == [text]


def test_what_an_xlsx_is_made_of_may_be_a_name_in_it():
    (line,) = from_xlsx(as_xlsx(a_row(Nombres="<r><t>Ana</r>")))
    assert line["Nombres"].strip() == "<r><t>Ana</r>"


def test_an_xlsx_keeps_the_zeros_and_long_numbers_of_codes():
    codes = {"Código SENCE": "0012345678", "IdSesionSence": "12345678901234567890"}
    data = as_xlsx(a_row(**codes))
    (line,) = from_xlsx(data)
    assert line["Código SENCE"] == "0012345678"
    assert line["IdSesionSence"] == "12345678901234567890"


def test_a_csv_has_the_codes_as_they_are_and_the_page_says_what_excel_does_to_them(coordinator):
    session_at(NOON, action__code="0600001", action__course__sence_code="0012345678")
    data = as_csv(AttendanceSession.objects.all(), NOON)
    assert ";0012345678;0600001;" in data.decode()
    page = coordinator.get(PAGE).content.decode()
    assert "El CSV lleva los códigos completos, pero Excel les quita los ceros" in page


def test_what_does_not_fit_in_a_sheet_goes_on_in_another(monkeypatch):
    monkeypatch.setattr(files, "MAX_SHEET_ROWS", 3)
    book = openpyxl.load_workbook(io.BytesIO(as_xlsx(*[a_row(RUN=str(n)) for n in range(5)])))
    columns = [[cell.value for cell in sheet["A"]] for sheet in book.worksheets]
    assert columns == [["RUN", "0", "1"], ["RUN", "2", "3"], ["RUN", "4"]]
    assert book.sheetnames == ["Asistencia", "Asistencia 2", "Asistencia 3"]


def test_a_sheet_that_is_just_full_is_alone(monkeypatch):
    monkeypatch.setattr(files, "MAX_SHEET_ROWS", 3)
    book = openpyxl.load_workbook(io.BytesIO(as_xlsx(a_row(), a_row())))
    assert len(book.worksheets) == 1


# Which rows


def test_rows_are_chosen_by_action_course_otec_and_days(coordinator):
    one = session_at(NOON)
    other = session_at(NOON + timedelta(days=1))
    both = {one.run, other.run}
    chosen = [
        ({}, both),
        ({"action": one.action_code}, {one.run}),
        ({"course": one.enrolment.action.course_id}, {one.run}),
        ({"otec": other.otec_id}, {other.run}),
        ({"since": "2026-11-11"}, {other.run}),
        ({"until": "2026-11-10"}, {one.run}),
        ({"since": "2026-11-10", "until": "2026-11-11"}, both),
        ({"action": one.action_code, "otec": other.otec_id}, set()),
    ]
    for filters, found in chosen:
        assert runs(exported(coordinator, **filters)) == found, filters


def test_a_day_ends_at_chiles_midnight(coordinator):
    midnight = datetime(2026, 11, 11, tzinfo=CHILE)
    before, after = session_at(midnight - timedelta(seconds=1)), session_at(midnight)
    assert runs(exported(coordinator, until="2026-11-10")) == {before.run}
    assert runs(exported(coordinator, since="2026-11-11")) == {after.run}


def test_the_oldest_comes_first(coordinator):
    later, earlier = session_at(NOON + timedelta(hours=1)), session_at(NOON)
    lines = exported(coordinator)
    assert [line["RUN"] for line in lines] == [earlier.run, later.run]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_who_works_for_one_otec_takes_only_theirs(kind):
    mine, other = session_at(NOON), session_at(NOON)
    client = browser_of(member("Coordinador", otecs=[mine.otec]))
    assert runs(exported(client, kind)) == {mine.run}
    assert not exported(client, kind, action=other.action_code)
    page = client.get(PAGE).content.decode()
    assert mine.course_name in page
    assert other.course_name not in page
    assert other.otec.name not in page
    for field, value in (("otec", other.otec_id), ("course", other.enrolment.action.course_id)):
        refused = client.post(PAGE, {"format": kind, field: value})
        assert refused.status_code == 200
        assert refused.context["form"].errors[field]


@pytest.mark.parametrize(("group", "status"), [*((g, 200) for g in GROUPS), (None, 403)])
def test_exporting_takes_its_permission(group, status):
    client = browser_of(member(group))
    assert client.get(PAGE).status_code == status
    assert client.post(PAGE, {"format": "csv"}).status_code == status
    if status == 200:
        assert str(PAGE) in client.get(LIST).content.decode()


def test_who_is_not_staff_is_sent_to_log_in(client):
    assert client.get(PAGE).status_code == 302
    assert client.post(PAGE, {"format": "csv"}).status_code == 302


def test_a_link_downloads_nothing_and_the_csrf_token_is_asked_for(coordinator):
    response = coordinator.get(PAGE, {"format": "csv"})
    assert "attachment" not in response.get("Content-Disposition", "")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(member("Coordinador", "otra"))
    assert strict.post(PAGE, {"format": "csv"}).status_code == 403


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"format": "pdf"}, "format"),
        ({"format": "csv", "since": "ayer"}, "since"),
        ({"format": "csv", "since": "2026-11-11", "until": "2026-11-10"}, "until"),
    ],
)
def test_what_makes_no_sense_is_said(coordinator, fields, wrong):
    assert coordinator.post(PAGE, fields).context["form"].errors[wrong]
    assert not LogEntry.objects.exists()


# Who took what


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_the_history_says_who_took_what_and_how_many(kind):
    user = member("Auditor")
    session = session_at(NOON)
    exported(browser_of(user), kind, action=session.action_code, since="2026-11-01")
    entry = LogEntry.objects.get()
    assert entry.user == user
    assert entry.change_message == (
        f"Exportó la asistencia en {kind.upper()}: acción {session.action_code}; "
        "desde 01-11-2026. 1 filas."
    )


def test_a_download_that_is_cut_is_in_the_history_all_the_same(coordinator, monkeypatch):
    monkeypatch.setattr(files, "LINES_AT_ONCE", 1)
    for _ in range(3):
        session_at(NOON)
    response = coordinator.post(PAGE, {"format": "csv"})
    chunks = iter(response)
    assert [next(chunks).count(b"\r\n") for _ in range(2)] == [1, 1]
    # The test client's own wrapper: it keeps the connection that the test is using.
    response._iterator.close()
    assert "1 filas, y la descarga se interrumpió" in LogEntry.objects.get().change_message
    assert not connection.needs_rollback


def test_a_download_is_nobodys_cache_to_keep(coordinator):
    response = coordinator.post(PAGE, {"format": "csv"})
    assert "no-store" in response["Cache-Control"]
    assert "asistencia-" in response["Content-Disposition"]


def test_the_selection_is_exported_with_its_filters_and_without_what_may_be_a_run(coordinator):
    one, _, closed = session_at(NOON), session_at(NOON), closed_session()
    fields = {"action": "export", "_selected_action": [one.pk], "confirmada": 1, "format": "csv"}
    assert runs(from_csv(body(coordinator.post(LIST, fields)))) == {one.run}
    across = fields | {"select_across": "1"}
    response = coordinator.post(f"{LIST}?estado=cerrada&q={closed.run}&run={closed.run}", across)
    assert runs(from_csv(body(response))) == {closed.run}
    entry = LogEntry.objects.first()
    assert "toda la lista; filtros: estado=cerrada" in entry.change_message
    assert closed.run not in entry.change_message


def test_the_page_asks_little_of_the_database(coordinator, django_assert_num_queries):
    coordinator.get(PAGE)
    with django_assert_num_queries(7):
        coordinator.get(PAGE)


@pytest.mark.parametrize(("kind", "queries"), [("csv", 3), ("xlsx", 4)])
@pytest.mark.parametrize("count", [1, 20])
def test_an_export_takes_one_query_however_long(
    kind, queries, count, django_assert_num_queries, monkeypatch
):
    monkeypatch.setattr(files, "ROWS_AT_ONCE", 3)
    for _ in range(count):
        session_at(NOON)
    # Among them a savepoint around it, being within a test's transaction.
    with django_assert_num_queries(queries):
        assert len(list(ROWS[kind](AttendanceSession.objects.all(), NOON))) == count


@pytest.mark.parametrize("kind", ROWS)
def test_of_no_course_nothing_is_exported(kind):
    session_at(NOON)
    of_none = Choice(courses=()).sessions(AttendanceSession.objects.all())
    assert list(ROWS[kind](of_none, NOON)) == []


# From a terminal


def command(capsysbinary, *arguments):
    call_command("export_attendance", *arguments)
    return capsysbinary.readouterr()


def test_the_command_writes_to_standard_output(capsysbinary):
    session = session_at(NOON)
    out, err = command(capsysbinary)
    assert runs(from_csv(out)) == {session.run}
    assert b"Filas exportadas: 1." in err
    assert session.run.encode() not in err


def test_the_command_takes_the_format_from_the_files_name(tmp_path):
    session = session_at(NOON)
    target = tmp_path / "asistencia.xlsx"
    call_command("export_attendance", "--output", str(target))
    assert runs(from_xlsx(target.read_bytes())) == {session.run}
    assert target.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--action", "{one.action_code}"],
        ["--course", "{one.enrolment.action.course_id}"],
        ["--course", "{one.course_name}"],
        ["--otec", "{one.otec_rut}"],
        ["--from", "2026-11-10", "--to", "2026-11-10"],
        ["--from", "10-11-2026", "--to", "10-11-2026"],
    ],
)
def test_the_command_chooses_as_the_page_does(capsysbinary, arguments):
    one, _ = session_at(NOON), session_at(NOON + timedelta(days=1))
    out, _ = command(capsysbinary, *(argument.format(one=one) for argument in arguments))
    assert runs(from_csv(out)) == {one.run}


def test_courses_of_one_name_are_all_exported(capsysbinary):
    same = [CourseFactory(name="EXCEL"), CourseFactory(name="EXCEL")]
    now = timezone.now()
    sessions = [session_at(now, action=ActionFactory(course=course)) for course in same]
    out, _ = command(capsysbinary, "--course", "excel")
    assert runs(from_csv(out)) == {session.run for session in sessions}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--action", "9999999"], "No hay una acción con el código 9999999."),
        (["--course", "999999"], "No hay un curso"),
        (["--otec", "11111111-2"], "no es válido"),
        (["--otec", "11111111-1"], "No hay un OTEC con ese RUT."),
        (["--from", "2026-11-11", "--to", "2026-11-10"], "--to es anterior a --from."),
        (["--from", "11/13/2026"], "«11/13/2026» no es una fecha"),
        (["--output", "/no/existe/x.csv"], "No se puede escribir /no/existe/x.csv"),
    ],
)
def test_what_the_command_cannot_do_is_said(arguments, said):
    with pytest.raises(CommandError, match=said.replace(".", r"\.")):
        call_command("export_attendance", *arguments)


def test_a_file_that_was_there_stays_where_the_export_fails(tmp_path, monkeypatch):
    session_at(NOON)
    target = tmp_path / "asistencia.csv"
    target.write_text("anterior")

    def fails(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("backoffice.management.commands.export_attendance.csv_chunks", fails)
    with pytest.raises(CommandError, match="No space left"):
        call_command("export_attendance", "--output", str(target))
    assert target.read_text() == "anterior"
    assert list(tmp_path.iterdir()) == [target]
