"""What a person may ask for: to see everything, and to be forgotten but for the evidence."""

import io
import json
import stat
from pathlib import Path

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.management import CommandError, call_command
from django.utils import timezone

from attendance.models import AttendanceSession, SenceCallback, SentMail
from backoffice.models import RosterUpload, SecurityEvent
from backoffice.privacy.anonymise import GONE
from courses.models import RejectedRow, RosterImport, Student
from tests.attendance_steps import answer, closing, facts, post, requested
from tests.backoffice.staff import member
from tests.factories import EnrolmentFactory, StudentFactory

pytestmark = pytest.mark.django_db
NAMES = ("Rosalía", "Quintriqueo", "rosalia@example.com")


@pytest.fixture
def student() -> Student:
    """Somebody with a finished session, a mail, a refused row, a history, and a neighbour."""
    student = StudentFactory(
        given_names="Rosalía", surnames="Quintriqueo", email="rosalia@example.com"
    )
    session = requested(EnrolmentFactory(student=student))
    post(session, "open", answer(session))
    post(session, "close", closing(session))
    now = timezone.now()
    mail = {"enrolment": session.enrolment, "kind": "reminder", "created_at": now}
    SentMail.objects.create(
        key="a", recipients=student.email, subject="Hola Rosalía", body="Rosalía:", sent_at=now,
        **mail,
    )  # fmt: skip
    SentMail.objects.create(key="b", recipients=student.email, subject="x", body="x", **mail)
    loaded = RosterImport.objects.create(file_name="n.csv", digest="0" * 64)
    for value in (student.run.replace("-", " - "), student.email, "Otra Persona"):
        RejectedRow.objects.create(roster_import=loaded, line=2, value=value, reason="x")
    LogEntry.objects.log_actions(member(None).pk, [student], CHANGE, "x", single_object=True)
    other = StudentFactory(given_names="Otra", surnames="Persona", email="otra@example.com")
    requested(EnrolmentFactory(student=other))
    return student


def session_of(student: Student) -> AttendanceSession:
    return AttendanceSession.objects.get(enrolment__student=student)


def exported(student: Student, folder: Path) -> str:
    file = folder / "person.json"
    call_command("export_person", student.run, to=str(file))
    return file.read_text()


def test_everything_of_a_person_and_of_nobody_else_is_exported(student, tmp_path, capsys):
    text = exported(student, tmp_path)
    told = json.loads(text)
    assert told["alumno"]["correo"] == student.email
    (enrolment,) = told["inscripciones"]
    (session,) = enrolment["sesiones"]
    assert session["RunAlumno"] == student.run
    assert [found["resultado"] for found in session["respuestas de SENCE"]] == [
        "Abrió la sesión", "Cerró la sesión",
    ]  # fmt: skip
    assert student.run in session["respuestas de SENCE"][0]["contenido"]
    assert [mail["texto"] for mail in told["correos"]] == ["Rosalía:", "x"]
    assert len(told["filas rechazadas de nóminas"]) == 2
    assert len(told["historial de lo que hizo el personal"]) == 1
    assert "Otra" not in text
    nonce = session_of(student).nonce
    assert nonce not in text
    output = capsys.readouterr()
    assert student.run not in output.out + output.err
    assert stat.S_IMODE((tmp_path / "person.json").stat().st_mode) == 0o600
    event = SecurityEvent.objects.get(kind="export")
    assert event.detail == f"Todo lo de un alumno: n.º {student.pk}. Desde un comando."


def test_an_answer_without_a_session_that_names_the_person_is_theirs(student, tmp_path):
    post("n" * 24, "open", {"RunAlumno": student.run, "GlosaError": "208"}, error=True)
    told = json.loads(exported(student, tmp_path))
    (found,) = told["respuestas de SENCE sin sesión que lo nombran"]
    assert student.run in found["contenido"]


def test_a_file_that_is_there_is_not_written_over(student, tmp_path):
    exported(student, tmp_path)
    with pytest.raises(CommandError, match="Elija un archivo nuevo"):
        exported(student, tmp_path)


@pytest.mark.parametrize(
    ("typed", "said"), [("12345678-9", "no es válido"), ("12345678-5", "No hay ningún alumno")]
)
def test_a_rut_that_leads_to_nobody_is_said_without_it(typed, said, tmp_path):
    for command, options in [("export_person", {"to": str(tmp_path / "x")}),
                             ("anonymise_student", {"interactive": False})]:  # fmt: skip
        with pytest.raises(CommandError, match=said) as refused:
            call_command(command, typed, **options)
        assert typed not in str(refused.value)


def test_the_rut_may_come_by_standard_input(student, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{student.run}\n"))
    call_command("export_person", "-", to=str(tmp_path / "x"))
    assert json.loads((tmp_path / "x").read_text())["alumno"]["RUN"] == student.run


def test_a_forgotten_person_leaves_the_evidence_alone(student, tmp_path):
    before = facts(session_of(student))
    answers = list(SenceCallback.objects.order_by("pk").values())
    call_command("anonymise_student", student.run, interactive=False)
    text = exported(student, tmp_path)
    for name in NAMES:
        assert name.lower() not in text.lower()
    assert facts(session_of(student)) == before
    assert list(SenceCallback.objects.order_by("pk").values()) == answers
    assert json.loads(text)["alumno"]["RUN"] == student.run
    assert SentMail.objects.filter(enrolment__student=student).count() == 1
    assert Student.objects.filter(email="otra@example.com").exists()
    assert RejectedRow.objects.filter(value="Otra Persona").exists()
    assert student.run in LogEntry.objects.get().object_repr


def refused(value: str) -> RejectedRow:
    loaded = RosterImport.objects.create(file_name="n.csv", digest="0" * 64)
    return RejectedRow.objects.create(roster_import=loaded, line=2, value=value, reason="x")


@pytest.mark.parametrize("typed", ["1.234.567-4", "1234567-4", "12345674", "01234567-4", "1234567"])
def test_a_refused_row_is_theirs_however_the_rut_was_typed(typed, tmp_path):
    student = StudentFactory(run="1234567-4")
    refused(typed)
    assert typed in exported(student, tmp_path)


@pytest.mark.parametrize("typed", ["11.234.567-1", "12345678-5", "12345674-2", "12345670-k"])
def test_a_rut_that_holds_the_digits_of_theirs_is_somebody_elses(typed, tmp_path):
    student, row = StudentFactory(run="1234567-4"), refused(typed)
    assert typed not in exported(student, tmp_path)
    call_command("anonymise_student", student.run, interactive=False)
    row.refresh_from_db()
    assert row.value == typed


def test_what_they_were_called_before_goes_from_the_history(student):
    Student.objects.filter(pk=student.pk).update(given_names="Rosa")
    call_command("anonymise_student", student.run, interactive=False)
    assert LogEntry.objects.get().object_repr == student.run


def test_a_subject_goes_though_its_text_had_gone_by_itself(student):
    SentMail.objects.filter(key="a").update(body=GONE, recipients=GONE)
    call_command("anonymise_student", student.run, interactive=False)
    assert SentMail.objects.get(key="a").subject == GONE


def test_what_was_seen_of_their_roster_goes(student):
    loaded = RosterImport.objects.create(file_name="n.csv", digest="0" * 64)
    loaded.actions.add(student.enrolments.get().action)
    now = timezone.now()
    upload = RosterUpload.objects.create(
        uploaded_by=member(None, "otra"), uploaded_at=now, progress_at=now, file_name="n.csv",
        step="loaded", content=b"", report=b"Quintriqueo", roster_import=loaded,
        summary={"changes": [{"name": "Quintriqueo"}]},
    )  # fmt: skip
    call_command("anonymise_student", student.run, interactive=False)
    upload.refresh_from_db()
    assert (bytes(upload.report), upload.summary) == (b"", {})


def test_forgetting_again_changes_nothing_and_says_so(student, capsys):
    call_command("anonymise_student", student.run, interactive=False)
    assert "Listo" in capsys.readouterr().out
    call_command("anonymise_student", student.run, interactive=False)
    assert capsys.readouterr().out == "No quedaba nada que quitar.\n"
    event = SecurityEvent.objects.get(kind="anonymised")
    assert event.detail == f"Alumno n.º {student.pk}. Desde un comando."


def test_nobody_is_forgotten_in_the_middle_of_a_session(student):
    requested(student.enrolments.get())
    with pytest.raises(CommandError, match="tiene una sesión en curso"):
        call_command("anonymise_student", student.run, interactive=False)
    student.refresh_from_db()
    assert student.given_names == "Rosalía"


@pytest.mark.parametrize(("typed", "gone"), [("sí", True), ("no", False), ("", False)])
def test_it_is_asked_before(student, monkeypatch, typed, gone):
    monkeypatch.setattr("builtins.input", lambda _: typed)
    if gone:
        call_command("anonymise_student", student.run)
    else:
        with pytest.raises(CommandError, match="No se quitó nada"):
            call_command("anonymise_student", student.run)
    student.refresh_from_db()
    assert (student.email == "") is gone
