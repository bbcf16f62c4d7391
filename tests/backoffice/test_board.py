"""The zero-connection board: who is missing in each running action, and what is done about it."""

from datetime import timedelta
from io import BytesIO

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from attendance.models import SentMail
from backoffice.board import SEE
from backoffice.board_letter import BODY, SUBJECT
from courses.models import Enrolment
from tests.attendance_steps import answer, opened, post, requested
from tests.backoffice.staff import GROUPS, browser_of, member
from tests.factories import (
    ActionFactory,
    CourseFactory,
    EnrolmentFactory,
    OtecFactory,
    StudentFactory,
)

pytestmark = pytest.mark.django_db

BOARD = "/admin/tablero/"
LETTER = {"subject": SUBJECT, "body": BODY}


def action_with(missing=0, connected=0, exempt=0, withdrawn=0, days_left=21, **of_the_action):
    """A running action with so many students of each kind; today counts as a day left."""
    ends_on = timezone.localdate() + timedelta(days=days_left - 1)
    action = ActionFactory(ends_on=ends_on, **of_the_action)
    EnrolmentFactory.create_batch(missing, action=action)
    for enrolment in EnrolmentFactory.create_batch(connected, action=action):
        opened(enrolment)
    EnrolmentFactory.create_batch(exempt, action=action, is_exempt=True)
    EnrolmentFactory.create_batch(withdrawn, action=action, withdrawn_at=timezone.now())
    return action


def page_of(name, action, **query):
    return reverse(f"admin:board_{name}", args=[action.pk], query=query)


def rows(client, **query):
    response = client.get(BOARD, query)
    assert response.status_code == 200
    return list(response.context["page"].object_list)


@pytest.fixture
def coordinator():
    return browser_of(member("Coordinador"))


def test_the_board_parts_the_active_students_in_connected_missing_and_exempt(coordinator):
    action_with(missing=3, connected=2, exempt=1, withdrawn=4, days_left=5)
    (row,) = rows(coordinator)
    assert (row.enrolled, row.connected, row.missing, row.exempt) == (6, 2, 3, 1)
    assert (row.days_left, row.share) == (5, 40)


def test_who_is_exempt_is_expected_no_more_whatever_they_did_before(coordinator):
    action = action_with(connected=1, missing=1)
    action.enrolments.update(is_exempt=True)
    (row,) = rows(coordinator)
    assert (row.exempt, row.connected, row.missing, row.share) == (2, 0, 0, 100)


def test_only_a_session_that_sence_confirmed_counts(coordinator):
    action = action_with(missing=2)
    tried, refused = action.enrolments.all()
    requested(tried)
    session = requested(refused)
    post(session, "open", answer(session, GlosaError="204"), error=True)
    assert rows(coordinator)[0].missing == 2
    opened(tried)
    assert rows(coordinator)[0].missing == 1


def test_several_sessions_of_one_student_count_once(coordinator):
    action = action_with(connected=1, missing=1)
    session = action.enrolments.filter(sessions__isnull=False).get().sessions.get()
    session.mark_closed(timezone.now(), time="", zone="")
    opened(session.enrolment)
    assert rows(coordinator)[0].connected == 1


def test_actions_that_are_not_running_are_not_on_the_board(coordinator):
    today = timezone.localdate()
    ActionFactory(starts_on=today + timedelta(days=1))
    ActionFactory(ends_on=today - timedelta(days=1))
    last_day = ActionFactory(ends_on=today)
    first_day = ActionFactory(starts_on=today)
    assert {row.pk for row in rows(coordinator)} == {last_day.pk, first_day.pk}


def test_the_order_is_by_how_many_must_connect_on_each_day_that_is_left(coordinator):
    done = action_with(connected=1, days_left=1)
    calm = action_with(missing=2, days_left=20)
    soon = action_with(missing=2, days_left=2)
    many = action_with(missing=6, days_left=20)
    last_day = action_with(missing=2, days_left=1)
    assert [row.pk for row in rows(coordinator)] == [
        action.pk for action in (last_day, soon, many, calm, done)
    ]
    assert "Cómo se lee" in coordinator.get(BOARD).content.decode()


def test_an_action_without_students_is_shown_and_says_so(coordinator):
    ActionFactory()
    assert rows(coordinator)[0].missing == 0
    assert "Sin alumnos que esperar" in coordinator.get(BOARD).content.decode()


def test_the_board_is_narrowed_by_otec_and_by_course(coordinator):
    first, second = action_with(missing=1), action_with(missing=1)
    assert [row.pk for row in rows(coordinator, otec=first.course.otec_id)] == [first.pk]
    assert [row.pk for row in rows(coordinator, curso=second.course_id)] == [second.pk]
    assert rows(coordinator, otec=first.course.otec_id, curso=second.course_id) == []
    assert len(rows(coordinator, otec="nada", curso="²")) == 2


@pytest.mark.parametrize("actions", [1, 6])
def test_the_board_asks_the_same_of_the_database_however_many_actions(
    actions, django_assert_num_queries
):
    for _ in range(actions):
        action_with(missing=2, connected=1)
    client = browser_of(member("Coordinador"))
    # The session, the user, their groups' permissions, their own, their OTECs, the board.
    with django_assert_num_queries(6):
        client.get(BOARD)


@pytest.mark.parametrize("students", [1, 6])
def test_the_list_of_students_asks_the_same_however_many(students, django_assert_num_queries):
    action = action_with(missing=students)
    client = browser_of(member("Coordinador"))
    with django_assert_num_queries(9):
        client.get(page_of("students", action))


def test_every_number_of_the_board_leads_to_as_many_students(coordinator):
    action = action_with(missing=3, connected=2, exempt=1, withdrawn=2)
    page = coordinator.get(BOARD).content.decode()
    for query, count in (("", 3), ("?ver=con", 2), ("?ver=becarios", 1), ("?ver=todos", 6)):
        url = page_of("students", action) + query
        assert f'href="{url}">{count}</a>' in page
        listed = coordinator.get(url).context["page"]
        assert len(listed.object_list) == listed.paginator.count == count


def test_the_list_names_who_is_missing_and_what_became_of_their_attempts(coordinator):
    action = action_with(connected=1, exempt=1)
    silent = EnrolmentFactory(action=action, student__surnames="Abarca")
    tried = EnrolmentFactory(action=action, student__surnames="Bello", student__email="")
    refused = EnrolmentFactory(action=action, student__surnames="Castro")
    requested(tried)
    session = requested(refused)
    post(session, "open", answer(session, GlosaError="208"), error=True)

    response = coordinator.get(page_of("students", action))

    assert list(response.context["page"].object_list) == [silent, tried, refused]
    page = response.content.decode()
    for words in ("Nunca lo ha intentado", "sin respuesta de Sence", "error 208", "(sin correo)"):
        assert words in page


def test_an_attempt_without_an_answer_does_not_hide_the_error_before_it(coordinator):
    action = action_with()
    for surname, code in (("Abarca", "208"), ("Bello", "")):
        enrolment = EnrolmentFactory(action=action, student__surnames=surname)
        session = requested(enrolment)
        post(session, "open", answer(session, GlosaError=code), error=True)
    requested(Enrolment.objects.get(student__surnames="Abarca"))

    page = coordinator.get(page_of("students", action)).content.decode()

    assert "sin respuesta de Sence; antes, error 208" in page
    assert "error sin número" in page


def test_long_lists_are_paged(coordinator):
    action = action_with()
    EnrolmentFactory.create_batch(101, action=action)
    url = page_of("students", action)
    assert "Página 1 de 2" in coordinator.get(url).content.decode()
    assert len(coordinator.get(url, {"p": 2}).context["page"].object_list) == 1


def test_an_action_that_ended_still_tells_who_never_connected(coordinator):
    today = timezone.localdate()
    action = ActionFactory(starts_on=today - timedelta(days=9), ends_on=today - timedelta(days=1))
    EnrolmentFactory(action=action)
    assert "terminada" in coordinator.get(page_of("students", action)).content.decode()


def test_the_letter_is_seen_before_it_is_sent(coordinator):
    action = action_with(course__name="BODEGA")
    student = StudentFactory(given_names="Rosa", surnames="Fuentes")
    EnrolmentFactory(action=action, student=student)

    page = coordinator.post(page_of("write", action), LETTER | {"ver": "1"}).content.decode()

    assert "Así lo leerá Rosa Fuentes" in page
    assert "Falta su primera conexión Sence: BODEGA" in page
    assert "Enviar a 1 alumno" in page
    assert not SentMail.objects.exists()


def test_the_letter_goes_once_to_each_who_is_missing_and_is_recorded():
    action = action_with(missing=2, connected=1, exempt=1, withdrawn=1)
    EnrolmentFactory(action=action, student__email="")
    other = action_with(missing=1)
    user = member("Coordinador")
    client = browser_of(user)
    text = {"subject": "Hola {nombre}", "body": "Le falta {curso}.", "enviar": "1"}

    for _ in range(2):
        response = client.post(page_of("write", action), text)
        assert response.url == page_of("students", action)

    mails = SentMail.objects.all()
    assert {mail.enrolment.action_id for mail in mails} == {action.pk}
    assert len(mails) == 2
    assert {mail.created_by for mail in mails} == {user}
    assert all(mail.body == f"Le falta {action.course.name}." for mail in mails)
    page = client.get(page_of("students", action)).content.decode()
    assert "Correos preparados para salir: 2." in page
    assert "Nada por enviar" in page
    assert not SentMail.objects.filter(enrolment__action=other)


@pytest.mark.parametrize("pressed", [None, "ver", "enviar"])
@pytest.mark.parametrize(
    ("without_address", "said"),
    [
        (0, "no queda ningún alumno sin sesión"),
        (1, "el único alumno sin sesión no tiene correo registrado"),
        (2, "ninguno de los 2 alumnos sin sesión tiene correo registrado"),
    ],
)
def test_where_nobody_can_be_written_to_it_is_said_and_no_letter_shown(
    coordinator, pressed, without_address, said
):
    action = action_with(connected=1)
    EnrolmentFactory.create_batch(without_address, action=action, student__email="")
    address = page_of("write", action)
    page = (
        coordinator.post(address, LETTER | {pressed: "1"}, follow=True)
        if pressed
        else coordinator.get(address, follow=True)
    )
    assert page.redirect_chain == [(page_of("students", action), 302)]
    assert "No hay a quién escribir: " in page.content.decode()
    assert said in page.content.decode()
    assert not SentMail.objects.exists()


@pytest.mark.parametrize("field", ["subject", "body"])
def test_a_letter_with_braces_that_nobody_fills_is_not_sent(coordinator, field):
    action = action_with(missing=1)
    text = LETTER | {field: "Hola {apodo}", "enviar": "1"}
    page = coordinator.post(page_of("write", action), text).content.decode()
    assert "No se sabe qué poner en {apodo}." in page
    assert not SentMail.objects.exists()


def test_an_empty_letter_is_not_sent(coordinator):
    action = action_with(missing=1)
    text = {"subject": " ", "body": "", "enviar": "1"}
    assert coordinator.post(page_of("write", action), text).status_code == 200
    assert not SentMail.objects.exists()


def sheet(client, action):
    response = client.get(page_of("spreadsheet", action))
    assert response.status_code == 200
    assert response["Content-Type"].endswith("spreadsheetml.sheet")
    return load_workbook(BytesIO(b"".join(response.streaming_content))).active


def test_the_spreadsheet_has_who_is_missing_and_nobody_else(coordinator):
    action = action_with(missing=2, connected=1, exempt=1, withdrawn=1)
    found = sheet(coordinator, action)
    runs = [row[0] for row in found.iter_rows(min_row=2, values_only=True)]
    missing = action.enrolments.filter(
        sessions=None, is_exempt=False, withdrawn_at=None
    ).values_list("student__run", flat=True)
    assert sorted(runs) == sorted(missing)
    assert found["A1"].value == "RUN"


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "http://example.com", "{=1}"])
def test_no_text_of_the_spreadsheet_becomes_a_formula_or_a_link(coordinator, name):
    action = action_with()
    EnrolmentFactory(action=action, student__surnames=name)
    cell = sheet(coordinator, action)["B2"]
    assert (cell.value, cell.data_type, cell.hyperlink) == (name, "s", None)


PAGES = ["students", "write", "spreadsheet"]


@pytest.mark.parametrize("group", GROUPS)
def test_who_works_for_one_otec_sees_nothing_of_another(group):
    mine, other = OtecFactory(), OtecFactory()
    theirs = action_with(missing=1, course=CourseFactory(otec=other))
    ours = action_with(missing=1, course=CourseFactory(otec=mine))
    client = browser_of(member(group, otecs=[mine]))

    assert [row.pk for row in rows(client)] == [ours.pk]
    assert rows(client, otec=other.pk) == []
    page = client.get(BOARD).content.decode()
    assert other.name not in page
    assert theirs.course.name not in page
    for name in PAGES:
        assert client.get(page_of(name, theirs)).status_code in (403, 404)
    assert client.get(page_of("students", ours)).status_code == 200
    client.post(page_of("write", theirs), LETTER | {"enviar": "1"})
    assert not SentMail.objects.exists()


def test_an_auditor_sees_and_exports_and_writes_to_nobody():
    action = action_with(missing=1)
    client = browser_of(member("Auditor"))
    page = client.get(page_of("students", action)).content.decode()
    assert "Escribirles un correo" not in page
    assert "Descargar planilla" in page
    assert client.get(page_of("spreadsheet", action)).status_code == 200
    assert client.get(page_of("write", action)).status_code == 403
    response = client.post(page_of("write", action), LETTER | {"enviar": "1"})
    assert response.status_code == 403
    assert not SentMail.objects.exists()


@pytest.mark.parametrize("group", ["Coordinador", "Administrador"])
def test_who_may_write_and_export_finds_both_on_the_page(group):
    action = action_with(missing=1)
    client = browser_of(member(group))
    page = client.get(page_of("students", action)).content.decode()
    assert "Escribirles un correo" in page
    assert "Descargar planilla" in page


def test_who_may_only_look_neither_writes_nor_exports():
    action = action_with(missing=1)
    user = member(None)
    for name in SEE:
        app, codename = name.split(".")
        found = Permission.objects.get(content_type__app_label=app, codename=codename)
        user.user_permissions.add(found)
    client = browser_of(user)
    page = client.get(page_of("students", action)).content.decode()
    assert "Escribirles un correo" not in page
    assert "Descargar planilla" not in page
    assert client.get(page_of("spreadsheet", action)).status_code == 403
    assert client.get(page_of("write", action)).status_code == 403


def test_without_permissions_nothing_of_the_board_opens():
    action = action_with(missing=1)
    client = browser_of(member(None))
    assert client.get(BOARD).status_code == 403
    for name in PAGES:
        assert client.get(page_of(name, action)).status_code == 403
    assert BOARD not in client.get("/admin/").content.decode()


def test_who_is_not_logged_in_is_asked_to(client):
    action = action_with(missing=1)
    for url in (BOARD, *(page_of(name, action) for name in PAGES)):
        assert client.get(url).url.startswith("/admin/login/")


def test_an_action_that_does_not_exist_is_not_found(coordinator):
    assert coordinator.get(f"{BOARD}999999/").status_code == 404


def test_sending_needs_the_csrf_token(browser_client):
    action = action_with(missing=1)
    browser_client.force_login(member("Coordinador"))
    response = browser_client.post(page_of("write", action), LETTER | {"enviar": "1"})
    assert response.status_code == 403
    assert not SentMail.objects.exists()


def test_what_is_saved_by_who_did_not_know_leaves_a_student_connected():
    enrolment = EnrolmentFactory()
    stale = Enrolment.objects.get(pk=enrolment.pk)
    session = requested(enrolment)
    post(session, "open", answer(session))
    stale.is_exempt = True
    stale.save()
    session.refresh_from_db()
    stale.refresh_from_db()
    assert (stale.is_exempt, stale.connected_at) == (True, session.opened_at)


def test_a_student_is_connected_since_the_first_session_that_opened():
    enrolment, now = EnrolmentFactory(), timezone.now()
    assert Enrolment.objects.missing().get() == enrolment
    first = opened(enrolment, now - timedelta(hours=2))
    first.mark_closed(now - timedelta(hours=1), time="", zone="")
    opened(enrolment, now)
    enrolment.refresh_from_db()
    assert enrolment.connected_at == first.opened_at
    assert Enrolment.objects.connected().get() == enrolment
    assert not Enrolment.objects.missing()
