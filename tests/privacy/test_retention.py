"""What is past its time goes, and what is not stays."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from attendance.models import AttendanceSession, SenceCallback, SentMail
from backoffice.models import RosterUpload, SecurityEvent
from backoffice.privacy import retention
from backoffice.privacy.anonymise import GONE
from courses.models import Action, RejectedRow, RosterImport, Student
from tests.attendance_steps import answer, closing, post, requested
from tests.backoffice.staff import member
from tests.factories import EnrolmentFactory

pytestmark = pytest.mark.django_db


def days_ago(days: int):
    return timezone.now() - timedelta(days=days)


def finished(days: int, *, closed: bool = True) -> Student:
    """A student whose only action ended so many days ago, the session closed or still open."""
    enrolment = EnrolmentFactory(created_at=days_ago(days + 30))
    session = requested(enrolment)
    post(session, "open", answer(session))
    if closed:
        post(session, "close", closing(session))
    Action.objects.filter(pk=enrolment.action_id).update(
        starts_on=days_ago(days + 20).date(), ends_on=days_ago(days).date()
    )
    return enrolment.student


def retain(**options):
    call_command("apply_retention", **options)


def named(student: Student) -> bool:
    return bool(Student.objects.get(pk=student.pk).email)


def test_students_lose_their_name_two_years_after_their_last_action():
    old, recent = finished(731), finished(729)
    evidence = AttendanceSession.objects.count(), SenceCallback.objects.count()
    retain()
    assert (named(old), named(recent)) == (False, True)
    assert (AttendanceSession.objects.count(), SenceCallback.objects.count()) == evidence


def test_who_came_back_or_is_in_a_session_keeps_it():
    back, inside = finished(900), finished(900, closed=False)
    EnrolmentFactory(student=back)
    retain()
    assert named(back)
    assert named(inside)


def test_mails_lose_their_text_and_those_that_wait_keep_it():
    for days in (366, 364, 0):
        SentMail.objects.create(
            key=str(days), kind="no_session", recipients="a@example.com", subject="Hola Rosa",
            body="Rosa", created_at=days_ago(500), sent_at=days_ago(days) if days else None,
        )  # fmt: skip
    retain()
    texts = [(mail.subject, mail.body) for mail in SentMail.objects.order_by("pk")]
    assert texts == [(GONE, GONE), ("Hola Rosa", "Rosa"), ("Hola Rosa", "Rosa")]


def test_rosters_and_their_refused_rows_go_after_ninety_days():
    kept = {}
    for days in (91, 89):
        loaded = RosterImport.objects.create(
            file_name="n.csv", digest="0" * 64, loaded_at=days_ago(days)
        )
        row = RejectedRow.objects.create(roster_import=loaded, line=2, value="Rosa", reason="x")
        upload = RosterUpload.objects.create(
            uploaded_by=member(None, f"u{days}"), uploaded_at=days_ago(days),
            progress_at=days_ago(days), file_name="n.csv", content=b"x", report=b"y", step="loaded",
            summary={"changes": [{"name": "Rosa"}]},
        )  # fmt: skip
        kept[days] = row, upload
    retain()
    for days, (row, upload) in kept.items():
        row.refresh_from_db()
        upload.refresh_from_db()
        left = row.value, bytes(upload.content + upload.report), bool(upload.summary)
        assert left == ((GONE, b"", False) if days > 90 else ("Rosa", b"xy", True))


def test_the_security_log_keeps_two_years():
    for days in (731, 729):
        SecurityEvent.objects.create(kind="export", at=days_ago(days), detail=str(days))
    retain()
    details = SecurityEvent.objects.filter(kind="export").values_list("detail", flat=True)
    assert list(details) == ["729"]


def test_a_dry_run_counts_and_takes_nothing(capsys):
    old = finished(800)
    retain(dry_run=True)
    told = capsys.readouterr().out
    assert "alumnos sin curso vigente: nombre y correo: 1" in told
    assert "No se quitó nada" in told
    assert named(old)


def test_all_batches_are_taken(monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 2)
    old = [finished(800) for _ in range(5)]
    retain()
    assert not any(named(student) for student in old)
    retain()
