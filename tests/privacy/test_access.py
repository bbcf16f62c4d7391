"""Whose data staff looked at is written, without the person's name."""

import pytest
from django.utils import timezone

from backoffice.models import RosterUpload, SecurityEvent
from courses.models import RosterImport
from tests.attendance_steps import answer, post, requested
from tests.backoffice.staff import browser_of, member

pytestmark = pytest.mark.django_db


@pytest.fixture
def session():
    session = requested()
    post(session, "open", answer(session))
    return session


def looked() -> list[str]:
    return list(
        SecurityEvent.objects.filter(kind="looked").order_by("pk").values_list("detail", flat=True)
    )


def test_each_page_of_a_person_is_written_by_its_number(session):
    person = member("Auditor", "auditora")
    client = browser_of(person)
    enrolment, student = session.enrolment, session.enrolment.student
    client.get(f"/admin/courses/student/{student.pk}/change/")
    client.get(f"/admin/courses/enrolment/{enrolment.pk}/change/")
    client.get(f"/admin/attendance/attendancesession/{session.pk}/change/")
    client.get(f"/admin/tablero/{enrolment.action_id}/")
    assert looked() == [
        f"Alumno n.º {student.pk}.", f"Inscripción n.º {enrolment.pk}.",
        f"Sesión n.º {session.pk}.", f"Alumnos de la acción n.º {enrolment.action_id}.",
    ]  # fmt: skip
    assert {event.by for event in SecurityEvent.objects.filter(kind="looked")} == {person}
    assert student.run not in " ".join(looked())


def test_a_search_is_written_without_what_was_searched_for(session):
    client = browser_of(member("Auditor"))
    client.get("/admin/courses/student/", {"q": session.run})
    client.get("/admin/courses/student/")
    assert looked() == ["Buscó en alumnos."]


@pytest.mark.parametrize(
    ("list_of", "said"),
    [
        ("attendance/sencecallback", "respuestas de SENCE"),
        ("backoffice/callbacktoreview", "respuestas por revisar"),
        ("courses/rejectedrow", "filas rechazadas"),
    ],
)
def test_a_search_by_rut_is_written_wherever_one_can_be_searched_for(list_of, said, session):
    browser_of(member("Auditor")).get(f"/admin/{list_of}/", {"q": session.run})
    assert looked() == [f"Buscó en {said}."]


def test_what_a_roster_named_is_written_as_it_is_looked_at():
    coordinator = member("Coordinador")
    client, now = browser_of(coordinator), timezone.now()
    loaded = RosterImport.objects.create(file_name="n.csv", digest="0" * 64)
    upload = RosterUpload.objects.create(
        uploaded_by=coordinator, uploaded_at=now, progress_at=now, file_name="n.csv",
        content=b"x", step="checked", summary={"changes": [{"name": "Rosa"}]},
    )  # fmt: skip
    client.get(f"/admin/cargar/{upload.pk}/")
    client.get(f"/admin/courses/rosterimport/{loaded.pk}/change/")
    assert looked() == [f"Subida n.º {upload.pk}.", f"Carga n.º {loaded.pk}."]


def test_a_page_that_is_refused_shows_nothing_and_is_not_written(session):
    address = f"/admin/courses/student/{session.enrolment.student_id}/change/"
    assert browser_of(member(None)).get(address).status_code == 403
    assert looked() == []
