"""Sessions, SENCE's answers and alerts as staff see them: all of it, and nothing to change."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse
from django.utils import timezone

from attendance import alerts
from attendance.models import AttendanceSession, SenceCallback, StaffAlert
from tests.attendance_steps import again, answer, opened, post, requested
from tests.factories import EnrolmentFactory, StudentFactory, make_rut

pytestmark = pytest.mark.django_db

MODELS = ["attendancesession", "sencecallback", "staffalert"]


@pytest.fixture
def staff(client):
    client.force_login(get_user_model().objects.create_superuser("jefa"))
    return client


def changelist(model):
    return reverse(f"admin:attendance_{model}_changelist")


def detail(row):
    return reverse(f"admin:attendance_{row._meta.model_name}_change", args=[row.pk])


def a_session_with_answers():
    session = requested()
    post(session, "open", answer(session))
    post(session, "open", answer(session, CodigoCurso="9999999"))
    alerts.raise_alert(session, "205", "motivo", timezone.now())
    return again(session)


@pytest.mark.parametrize(
    ("model", "queries"), [("attendancesession", 8), ("sencecallback", 6), ("staffalert", 7)]
)
@pytest.mark.parametrize("rows", [1, 10])
def test_the_lists_ask_the_same_of_the_database_however_long(
    staff, model, queries, rows, django_assert_num_queries
):
    for _ in range(rows):
        a_session_with_answers()
    with django_assert_num_queries(queries):
        assert staff.get(changelist(model)).status_code == 200


@pytest.mark.parametrize("model", MODELS)
def test_nothing_can_be_added_changed_or_deleted(staff, model):
    a_session_with_answers()
    row = {
        "attendancesession": AttendanceSession,
        "sencecallback": SenceCallback,
        "staffalert": StaffAlert,
    }[model].objects.first()
    add = reverse(f"admin:attendance_{model}_add")
    delete = reverse(f"admin:attendance_{model}_delete", args=[row.pk])
    assert staff.get(add).status_code == 403
    assert staff.post(delete, {"post": "yes"}).status_code == 403
    assert staff.post(detail(row), {}).status_code == 403
    assert staff.get(detail(row)).status_code == 200


def test_a_session_tells_its_story_without_nonce_token_or_address(staff):
    session = a_session_with_answers()
    page = staff.get(detail(session)).content.decode()
    assert "No coincide con lo enviado: CodigoCurso." in page
    assert session.sence_session_id in page
    for secret in (session.nonce, str(session.public_id), session.otec.token()):
        assert secret not in page


def test_an_answer_shows_what_came_and_what_was_decided(staff):
    session = a_session_with_answers()
    flagged = SenceCallback.objects.get(verdict__outcome="contradiction")
    page = staff.get(detail(flagged)).content.decode()
    assert "CodigoCurso=9999999" in page
    assert "Contradice lo enviado" in page
    assert session.nonce not in page


@pytest.mark.parametrize(
    ("typed", "found"),
    [("{run}", True), ("{dotted}", True), ("{bare}", True), ("Zúñiga", True), ("nadie", False)],
)
def test_sessions_are_found_by_run_however_typed_and_by_name(staff, typed, found):
    run = make_rut(12_345_670)
    number, digit = run.split("-")
    dotted = f"{int(number):,}-{digit.upper()}".replace(",", ".")
    student = StudentFactory(run=run, surnames="Zúñiga")
    requested(EnrolmentFactory(student=student))
    requested()
    typed = typed.format(run=run, dotted=dotted, bare=number + digit)
    page = staff.get(changelist("attendancesession"), {"q": typed}).content.decode()
    assert (
        ("Zúñiga" in page.split('id="result_list"')[-1]) is found if found else "0 sesiones" in page
    )


@pytest.mark.parametrize(
    ("state", "count"),
    [
        ("abierta", 2), ("excedida", 1), ("solicitada", 1), ("cerrada", 1), ("rechazada", 1),
        ("observada", 1),
    ],
)  # fmt: skip
def test_the_filters_mean_what_the_states_mean(staff, state, count):
    now = timezone.now()
    requested()
    opened()
    opened(at=now - timedelta(hours=4))
    opened().mark_closed(now, time="", zone="")
    rejected = requested()
    post(rejected, "open", answer(rejected, GlosaError="100"), error=True)
    post(rejected, "open", answer(rejected, CodigoCurso="9999999"))
    page = staff.get(changelist("attendancesession"), {"estado": state})
    assert page.context["cl"].result_count == count


def test_answers_to_review_have_their_own_list(staff):
    session = a_session_with_answers()
    post("n" * 24, "open", answer(session))
    page = staff.get(changelist("sencecallback"), {"resultado": "revisar"})
    assert {callback.verdict.outcome for callback in page.context["cl"].result_list} == {
        "contradiction",
        "unmatched",
    }
