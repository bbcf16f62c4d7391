"""What an attacker would try that no other test tries. docs/reliability.md lists them all."""

import pytest
from django.test import Client
from django.urls import reverse

from attendance.models import AttendanceSession
from errors_catalog import catalogue
from errors_catalog.models import HelpText
from tests.attendance_steps import choose, identified, opened, page, requested
from tests.backoffice.staff import browser_of, member
from tests.factories import EnrolmentFactory

pytestmark = pytest.mark.django_db

INJECTIONS = [
    "' OR '1'='1",
    "1; DROP TABLE courses_student; --",
    '" UNION SELECT 1 --',
    "%' --",
    "\\",
]
SCRIPT = "<script>alert(1)</script>"
SESSIONS = "/admin/attendance/attendancesession/"


@pytest.fixture
def coordinator():
    return browser_of(member("Coordinador"))


@pytest.mark.parametrize("typed", INJECTIONS)
def test_sql_in_what_a_student_sends_is_only_wrong(typed):
    enrolment = EnrolmentFactory()
    client = identified(enrolment)
    assert client.post("/", {"rut": typed}).status_code == 200
    assert client.post("/cursos/", {"enrolment": typed}).status_code == 200
    assert not AttendanceSession.objects.exists()
    assert choose(client, enrolment).status_code == 303


@pytest.mark.parametrize("typed", INJECTIONS)
@pytest.mark.parametrize("parameter", ["q", "o", "estado", "codigo", "e", "p"])
def test_sql_in_what_staff_search_and_filter_by_finds_nothing(coordinator, parameter, typed):
    session = opened()
    response = coordinator.get(SESSIONS, {parameter: typed})
    assert response.status_code in (200, 302)
    assert AttendanceSession.objects.get() == session


@pytest.mark.parametrize(
    "text", ["{{ request.META }}", "{% debug %}", "{correo.__class__}", "{0}", "%(secret)s"]
)
def test_a_template_in_a_text_of_staffs_is_only_text(client, text):
    HelpText.objects.filter(key="no_courses").update(text=text)
    catalogue.forget()
    client.post("/", {"rut": "11111111-1"})
    shown = client.get("/cursos/").content.decode()
    assert text in shown
    assert "wsgi" not in shown


def test_a_script_in_names_is_shown_as_text_to_students_and_staff(coordinator):
    enrolment = EnrolmentFactory(
        student__given_names=SCRIPT, student__surnames=SCRIPT, action__course__name=SCRIPT
    )
    session = opened(enrolment)
    for shown in (
        page(session, identified(enrolment)),
        identified(enrolment).get("/cursos/").content.decode(),
        coordinator.get(SESSIONS).content.decode(),
        coordinator.get(f"{SESSIONS}{session.pk}/change/").content.decode(),
        coordinator.get("/admin/courses/student/").content.decode(),
        coordinator.get(f"/admin/tablero/{enrolment.action_id}/").content.decode(),
    ):
        assert SCRIPT not in shown


@pytest.mark.parametrize("where", ["https://example.com/", "//example.com/", "javascript:alert(1)"])
def test_logging_in_leads_to_no_other_site(where):
    user = member("Coordinador", "rosa")
    user.set_password("una frase larga y propia")
    user.save()
    answer = Client().post(
        reverse("admin:login"),
        {"username": "rosa", "password": "una frase larga y propia", "next": where},
    )
    assert answer.status_code == 302
    assert answer["Location"].startswith("/")
    assert not answer["Location"].startswith("//")


def test_a_host_that_is_not_ours_is_refused_and_no_address_is_made_of_it():
    session = requested()
    client = Client(headers={"host": "example.com"})
    assert client.get(session.get_absolute_url()).status_code == 400
    forwarded = Client(headers={"x-forwarded-host": "example.com"})
    shown = forwarded.get(session.get_absolute_url()).content.decode()
    assert "example.com" not in shown
    assert 'value="http://localhost:8000/sence/' in shown


def test_fields_that_no_form_has_change_nothing(coordinator):
    session = opened()
    path = f"{SESSIONS}{session.pk}/change/"
    coordinator.post(path, {"run": "22222222-2", "closed_at_0": "2026-01-01", "nonce": "x"})
    kept = AttendanceSession.objects.get()
    assert (kept.run, kept.closed_at, kept.nonce) == (session.run, None, session.nonce)


def test_a_rut_that_somebody_has_takes_the_same_questions_as_one_that_nobody_has(
    client, django_assert_num_queries
):
    """Nobody can tell them apart by the time that typing one takes."""
    enrolled = EnrolmentFactory().student.run
    client.get("/")
    for run in (enrolled, "11111111-1"):
        with django_assert_num_queries(1):
            assert client.post("/", {"rut": run}).status_code == 303
        with django_assert_num_queries(1):
            client.get("/cursos/")


@pytest.mark.parametrize(
    "path", ["/static/../manage.py", "/static/%2e%2e/.env", "/static//etc/passwd"]
)
def test_no_path_leads_out_of_the_static_files(client, path):
    assert client.get(path).status_code == 404
