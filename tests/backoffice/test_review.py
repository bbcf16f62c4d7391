"""Sessions, SENCE's answers and alerts as staff see them: all of it, and nothing to change."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.core import mail
from django.test import Client
from django.urls import reverse, reverse_lazy
from django.utils import timezone

from attendance import alerts
from attendance.models import AttendanceSession, SenceCallback, SentMail, StaffAlert
from attendance.sence.callback_urls import callback_url
from backoffice.review import admin as review_admin
from tests.attendance_steps import again, answer, closing, opened, post, requested
from tests.backoffice.staff import GROUPS, browser_of, member
from tests.factories import (
    ActionFactory,
    CourseFactory,
    EnrolmentFactory,
    StudentFactory,
    make_rut,
)

pytestmark = pytest.mark.django_db

MODELS = ["attendancesession", "sencecallback", "staffalert"]
LISTS = [f"attendance_{model}" for model in MODELS] + ["backoffice_callbacktoreview"]
CHILE = ZoneInfo("America/Santiago")


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
    ("model", "queries"), [("attendancesession", 7), ("sencecallback", 5), ("staffalert", 9)]
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


@pytest.mark.parametrize("encoded", [True, False])
def test_an_echo_of_our_own_address_shows_no_nonce(staff, encoded):
    session = requested()
    url = callback_url("http://localhost:8000", session.nonce, "open", error=False)
    fields = answer(session, UrlRetoma=url)
    raw = "&".join(f"{name}={value}" for name, value in fields.items()).encode()
    post(session, "open", fields if encoded else raw)
    kept = SenceCallback.objects.get()
    assert session.nonce.encode() in bytes(kept.body)
    for row in (session, kept):
        page = staff.get(detail(row)).content.decode()
        assert session.nonce not in page
        assert "sence/***" in page or "sence%2F***" in page


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
        ("en-curso", 2), ("abierta", 3), ("excedida", 1), ("solicitada", 1), ("cerrada", 1),
        ("rechazada", 1), ("observada", 1),
    ],
)  # fmt: skip
def test_the_filters_mean_what_the_states_mean(staff, state, count):
    now = timezone.now()
    requested()
    opened()
    opened(at=now - timedelta(hours=4))
    opened(EnrolmentFactory(action__close_required=False), at=now - timedelta(hours=4))
    opened().mark_closed(now, time="", zone="")
    rejected = requested()
    post(rejected, "open", answer(rejected, GlosaError="100"), error=True)
    post(rejected, "open", answer(rejected, CodigoCurso="9999999"))
    page = staff.get(changelist("attendancesession"), {"estado": state})
    assert page.context["cl"].result_count == count


def test_the_list_shows_an_errors_codes_and_all_that_its_columns_showed(staff):
    session = opened()
    student = session.enrolment.student
    post(session, "close", closing(session, GlosaError=" 204 ;205; "), error=True)
    page = staff.get(changelist("attendancesession"))
    row = page.content.decode().split("<tbody>")[1]
    assert '<td class="field-codes">204, 205</td>' in row
    moment = timezone.localtime(session.opened_at)
    for shown in (student.run, student.full_name, session.action_code, session.course_name,
                  f"{moment:%d-%m-%Y}", f"{moment:%H:%M}"):  # fmt: skip
        assert str(shown) in row
    post(session, "close", closing(session, GlosaError=""), error=True)
    assert "sin código" in staff.get(changelist("attendancesession")).content.decode()


@pytest.mark.parametrize("hours", [1, 40])
def test_what_needs_no_close_is_never_shown_as_if_its_time_were_running(staff, hours):
    at = timezone.now() - timedelta(hours=hours)
    free = opened(EnrolmentFactory(action__close_required=False), at=at)
    page = staff.get(changelist("attendancesession")).content.decode()
    assert '<td class="field-shown_state">Abierta, no exige cierre</td>' in page
    assert '<td class="field-duration">-</td>' in page
    page = staff.get(detail(free)).content.decode()
    assert "Abierta, no exige cierre" in page
    assert "Enviar recordatorio" not in page
    asked = staff.post(SESSIONS, {"action": "resolve", "_selected_action": [free.pk]})
    assert "· Abierta, no exige cierre" in asked.content.decode()
    # The neighbours: one whose time does run, and one that was closed though it need not be.
    opened(at=at)
    free.mark_closed(at + timedelta(minutes=30), time="", zone="")
    page = staff.get(changelist("attendancesession")).content.decode()
    assert f'<td class="field-duration">{hours}:00:' in page
    assert '<td class="field-duration">0:30:00</td>' in page


def test_answers_to_review_have_their_own_list(staff):
    session = a_session_with_answers()
    post("n" * 24, "open", answer(session))
    page = staff.get(changelist("sencecallback"), {"resultado": "revisar"})
    assert {callback.verdict.outcome for callback in page.context["cl"].result_list} == {
        "contradiction",
        "unmatched",
    }


SESSIONS = reverse_lazy("admin:attendance_attendancesession_changelist")
SECRET_FILTERS = [
    "nonce__startswith",
    "public_id__startswith",
    "otec__token_ciphertext__startswith",
]


def listed(page):
    return {row.pk for row in page.context["cl"].result_list}


def session_of(otec=None, **fields):
    course = CourseFactory(**({"otec": otec} if otec else {}))
    return requested(EnrolmentFactory(action=ActionFactory(course=course)), **fields)


def refused(session, glosa):
    post(session, "open", answer(session, GlosaError=glosa, IdSesionSence=None), error=True)
    return again(session)


def confirm(client, action, *sessions, **fields):
    chosen = {"action": action, "_selected_action": [s.pk for s in sessions], **fields}
    return client.post(SESSIONS, {**chosen, "confirmada": "1"}, follow=True)


# Who sees what


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("name", LISTS)
def test_every_group_reads_the_lists_and_their_pages(group, name):
    session = a_session_with_answers()
    post("n" * 24, "open", answer(session))
    client = browser_of(member(group))
    page = client.get(reverse(f"admin:{name}_changelist"))
    assert page.status_code == 200
    (first, *_) = listed(page)
    assert client.get(reverse(f"admin:{name}_change", args=[first])).status_code == 200


@pytest.mark.parametrize("name", LISTS)
def test_staff_without_a_group_read_nothing(name):
    session = a_session_with_answers()
    client = browser_of(member(None))
    assert client.get(reverse(f"admin:{name}_changelist")).status_code == 403
    address = reverse("admin:attendance_attendancesession_change", args=[session.pk])
    assert client.get(address).status_code == 403


@pytest.mark.parametrize("name", LISTS)
def test_who_works_for_one_otec_sees_only_theirs(name):
    mine, other = a_session_with_answers(), a_session_with_answers()
    post("n" * 24, "open", answer(mine))
    client = browser_of(member("Coordinador", otecs=[mine.otec]))
    page = client.get(reverse(f"admin:{name}_changelist"))
    everything = browser_of(member("Coordinador", "todo")).get(reverse(f"admin:{name}_changelist"))
    assert listed(page) < listed(everything)
    hidden = listed(everything) - listed(page)
    assert other.run not in page.content.decode().split('id="result_list"')[-1]
    for pk in hidden:
        address = reverse(f"admin:{name}_change", args=[pk])
        assert client.get(address).status_code == 302  # as Django answers to what does not exist


def test_unmatched_answers_are_for_those_who_see_every_otec():
    session = a_session_with_answers()
    post("n" * 24, "open", answer(session))
    name = reverse("admin:backoffice_callbacktoreview_changelist")
    limited = browser_of(member("Coordinador", otecs=[session.otec])).get(name)
    outcomes = {row.verdict.outcome for row in limited.context["cl"].result_list}
    assert outcomes == {"contradiction"}


def test_filters_name_only_the_otecs_and_courses_of_the_user():
    mine, other = session_of(), session_of()
    client = browser_of(member("Coordinador", otecs=[mine.otec]))
    page = client.get(SESSIONS)
    assert mine.course_name in page.content.decode()
    assert other.course_name not in page.content.decode()
    assert other.otec.name not in page.content.decode()
    other_course = other.enrolment.action.course_id
    assert not listed(client.get(SESSIONS, {"curso": other_course}))
    assert other.pk not in listed(client.get(SESSIONS, {"otec__id__exact": other.otec_id}))


def test_a_search_stays_within_the_users_otecs():
    mine, other = session_of(), session_of()
    client = browser_of(member("Coordinador", otecs=[mine.otec]))
    assert listed(client.get(SESSIONS, {"q": mine.run})) == {mine.pk}
    for typed in (other.run, other.enrolment.student.surnames.split()[-1], other.action_code):
        assert other.pk not in listed(client.get(SESSIONS, {"q": typed}))


@pytest.mark.parametrize("term", ["Zenobia", "Soldadura"])
def test_a_search_finds_ones_own_however_many_newer_ones_others_have(monkeypatch, term):
    monkeypatch.setattr(review_admin, "MOST_FOUND", 3)

    def called_so():
        return EnrolmentFactory(
            student__given_names="Zenobia", action__course__name="Soldadura básica"
        )

    mine = requested(called_so())
    for _ in range(4):
        requested(called_so())
    client = browser_of(member("Coordinador", otecs=[mine.otec]))
    response = client.get(changelist("attendancesession"), {"q": term})
    assert list(response.context["cl"].result_list) == [mine]
    assert "Hay demasiados" not in response.content.decode()


@pytest.mark.parametrize("lookup", SECRET_FILTERS)
def test_secrets_cannot_be_guessed_by_filters(staff, lookup):
    requested()
    assert staff.get(SESSIONS, {lookup: "a"}).status_code == 400


# Filters


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({"abierta_desde": "2026-11-10"}, {"tenth", "eleventh"}),
        ({"abierta_hasta": "2026-11-10"}, {"tenth"}),
        ({"abierta_desde": "2026-11-10", "abierta_hasta": "2026-11-10"}, {"tenth"}),
        ({"solicitada_desde": "2026-11-11", "solicitada_hasta": "2026-11-11"}, {"eleventh"}),
        ({"cerrada_desde": "2026-11-11"}, {"eleventh"}),
        ({"cerrada_hasta": "2026-11-10"}, set()),
        ({"abierta_desde": "ayer"}, set()),
        ({"abierta_desde": "", "abierta_hasta": ""}, {"tenth", "eleventh"}),
    ],
)
def test_days_are_chiles_and_both_included(staff, parameters, found):
    last_second = datetime(2026, 11, 10, 23, 59, 59, tzinfo=CHILE)
    with time_machine.travel(last_second):
        tenth = opened(at=last_second)
        eleventh = opened(at=last_second + timedelta(seconds=1))
    eleventh.mark_closed(last_second + timedelta(hours=1), time="", zone="")
    names = {tenth.pk: "tenth", eleventh.pk: "eleventh"}
    page = staff.get(SESSIONS, parameters)
    assert {names[pk] for pk in listed(page)} == found


def test_a_date_that_is_none_is_said_beside_its_field(staff):
    page = staff.get(SESSIONS, {"abierta_desde": "ayer"}).content.decode()
    assert "Introduzca una fecha válida" in page or "Ingrese una fecha válida" in page


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("205", {"alone", "second"}),
        ("211", {"second"}),
        ("20", set()),
        ("", {"alone", "second", "without"}),
        ("sin-codigo", {"without"}),
        ("2.5", set()),
    ],
)
def test_errors_are_found_by_any_of_their_codes(staff, code, found):
    sessions = {
        refused(requested(), "205").pk: "alone",
        refused(requested(), "211; 205").pk: "second",
        refused(requested(), None).pk: "without",
        a_session_with_answers().pk: "flagged",
    }
    today = timezone.localdate().isoformat()
    page = staff.get(SESSIONS, {"error": code, "error_desde": today})
    assert {sessions[pk] for pk in listed(page)} == found
    answers = staff.get(changelist("sencecallback"), {"error": code, "error_hasta": today})
    shown = {row.verdict.session_id for row in answers.context["cl"].result_list}
    assert {sessions[pk] for pk in shown} == found


def test_errors_of_other_days_are_left_out(staff):
    session = refused(requested(), "205")
    tomorrow = (timezone.localdate() + timedelta(days=1)).isoformat()
    assert not listed(staff.get(SESSIONS, {"error": "205", "error_desde": tomorrow}))
    assert listed(staff.get(SESSIONS, {"error": "205", "error_hasta": tomorrow})) == {session.pk}


def test_sessions_are_found_by_action_course_and_line(staff):
    one, _ = session_of(), session_of()
    for parameters in (
        {"accion": one.action_code},
        {"curso": one.enrolment.action.course_id},
        {"accion": one.action_code, "linea": "3", "otec__id__exact": one.otec_id},
    ):
        assert listed(staff.get(SESSIONS, parameters)) == {one.pk}
    assert not listed(staff.get(SESSIONS, {"linea": "1"}))


def test_a_typed_filter_keeps_what_the_others_say(staff):
    requested()
    page = staff.get(SESSIONS, {"estado": "solicitada", "accion": "6000001"}).content.decode()
    assert '<input type="hidden" name="estado" value="solicitada">' in page


@pytest.mark.parametrize("field", ["student_session_id", "sence_session_id", "action_code"])
def test_sessions_are_found_by_the_ids_of_sence(staff, field):
    session = opened()
    requested()
    found = listed(staff.get(SESSIONS, {"q": getattr(session, field)}))
    assert found == {session.pk}


# The story


def test_the_story_tells_everything_in_order(staff):
    noon = datetime(2026, 11, 10, 12, tzinfo=CHILE)
    boss = get_user_model().objects.get()
    with time_machine.travel(noon, tick=False) as clock:
        session = requested()
        clock.shift(60)
        refused(session, "205;999")
        clock.shift(60)
        post(session, "open", answer(session, FechaHora="2026-11-10 12:02:07"))
        clock.shift(4 * 3600)
        reminder = SentMail.objects.create(
            key="x", kind=SentMail.Kind.REMINDER, session=session, recipients="ana@example.com",
            subject="Recuerde cerrar", body="Buenas tardes", created_at=timezone.now(),
            created_by=boss,
        )  # fmt: skip
        clock.shift(60)
        again(session).mark_resolved(boss, "Se cerró por teléfono", timezone.now())
    page = staff.get(detail(session))
    titles = [event.title for event in page.context["story"]]
    assert titles == [
        "El alumno eligió el curso",
        "Sence respondió al inicio: SENCE rechazó el inicio",
        "Sence respondió al inicio: Abrió la sesión",
        f"Correo: {reminder.get_kind_display()}",
        "Resuelta",
    ]
    text = page.content.decode()
    for said in (
        "10-11-2026 12:00:00", "2026-11-10 12:02:07 America/Santiago, 7 s adelantado", "Error 205",
        "Error 999", "Motivo: Se cerró por teléfono", "por jefa", "GlosaError=205%3B999",
        "Para: ana@example.com", "Recuerde cerrar", "Buenas tardes",
        "De ahí va a Sence con su navegador: que llegó lo muestra la respuesta.",
    ):  # fmt: skip
        assert said in text, said


def test_the_story_has_answers_that_were_not_applied_yet(staff):
    session = requested()
    SenceCallback.objects.create(
        received_at=timezone.now(), public_id=session.public_id, phase="open",
        announces_error=False, body=b"IdSesionSence=<b>1", body_length=18,
    )  # fmt: skip
    page = staff.get(detail(session)).content.decode()
    assert "Sin aplicar todavía" in page
    assert "IdSesionSence=&lt;b&gt;1" in page


@pytest.mark.parametrize("answers", [1, 10])
def test_a_story_takes_as_many_queries_however_long(staff, answers, django_assert_num_queries):
    session = requested()
    for _ in range(answers):
        post(session, "open", answer(session))
    staff.get(detail(session))
    with django_assert_num_queries(11):
        assert staff.get(detail(session)).status_code == 200


# Actions


@pytest.mark.parametrize("action", ["resolve", "remind", "export"])
@pytest.mark.parametrize("group", [*GROUPS, None])
def test_each_action_needs_its_own_permission(group, action):
    session = opened(at=timezone.now() - timedelta(hours=4))
    user = member(group)
    response = confirm(browser_of(user), action, session, reason="Motivo", format="csv")
    changed = {
        "resolve": again(session).resolved_at is not None,
        "remind": SentMail.objects.exists(),
        "export": response.get("Content-Disposition", "").startswith("attachment"),
    }
    permission = f"attendance.{action}_attendancesession"
    assert changed == {name: name == action and user.has_perm(permission) for name in changed}
    may = {"Coordinador": True, "Administrador": True, "Auditor": action == "export", None: False}
    assert user.has_perm(permission) is may[group]


@pytest.mark.parametrize("action", ["resolve", "remind", "export"])
def test_each_action_asks_before_it_does(staff, action):
    session = opened(at=timezone.now() - timedelta(hours=4))
    page = staff.post(SESSIONS, {"action": action, "_selected_action": [session.pk]})
    assert page.status_code == 200
    assert "1 sesión elegida" in page.content.decode()
    assert session.run in page.content.decode()
    assert again(session).resolved_at is None
    assert not SentMail.objects.exists()
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("action", ["resolve", "remind", "export"])
def test_no_action_is_done_by_a_link(staff, action):
    session = opened()
    query = {"action": action, "_selected_action": session.pk, "confirmada": "1", "reason": "x"}
    staff.get(SESSIONS, query)
    assert again(session).resolved_at is None
    assert not SentMail.objects.exists()


@pytest.mark.parametrize("action", ["resolve", "remind", "export"])
def test_actions_ask_for_the_csrf_token(action):
    session = opened()
    client = Client(enforce_csrf_checks=True)
    client.force_login(member("Coordinador"))
    assert confirm(client, action, session, reason="Motivo", format="csv").status_code == 403
    assert again(session).resolved_at is None


def test_resolving_keeps_who_and_why_and_says_which_were_refused(staff):
    late, closed = opened(at=timezone.now() - timedelta(hours=4)), opened()
    closed.mark_closed(timezone.now(), time="", zone="")
    page = confirm(staff, "resolve", late, closed, reason=" Llamó por teléfono ").content.decode()
    assert "Sesiones resueltas: 1." in page
    assert f"n.º {closed.pk}" in page
    assert "La sesión ya está resuelta o cerrada. (1)" in page
    late = again(late)
    assert (late.resolution, late.resolved_by.username) == ("Llamó por teléfono", "jefa")
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.user.username) == (str(late.pk), "jefa")
    assert again(closed).resolved_at is None


def test_resolving_from_a_filtered_list_counts_those_that_leave_it(staff):
    late = opened(at=timezone.now() - timedelta(hours=4))
    fields = {"action": "resolve", "_selected_action": [late.pk], "confirmada": "1", "reason": "x"}
    page = staff.post(f"{SESSIONS}?estado=excedida", fields, follow=True).content.decode()
    assert "Sesiones resueltas: 1." in page
    assert again(late).resolved_at


def test_a_reason_is_asked_for_until_there_is_one(staff):
    session = opened()
    page = confirm(staff, "resolve", session, reason="  ")
    assert "Este campo es obligatorio" in page.content.decode()
    assert again(session).resolved_at is None


def test_an_action_asked_for_on_a_sessions_page_comes_back_to_it(staff):
    session = opened()
    response = confirm(staff, "resolve", session, reason="x", desde_sesion="1")
    assert response.redirect_chain[-1][0] == detail(session)


def test_a_reminder_is_queued_once_and_says_why_not(staff):
    late = opened(at=timezone.now() - timedelta(hours=4))
    waiting = requested()
    page = confirm(staff, "remind", late, waiting).content.decode()
    assert "Recordatorios por enviar: 1." in page
    assert "La sesión no espera un cierre del alumno. (1)" in page
    assert SentMail.objects.get().session_id == late.pk
    assert "Recordatorios por enviar: 0." in confirm(staff, "remind", late).content.decode()
    assert not mail.outbox


@pytest.mark.parametrize("action", ["resolve", "remind", "export"])
def test_a_selection_outside_the_users_otecs_is_ignored(action):
    mine = opened(at=timezone.now() - timedelta(hours=4))
    other = opened(at=timezone.now() - timedelta(hours=4))
    client = browser_of(member("Coordinador", otecs=[mine.otec]))
    response = confirm(client, action, mine, other, reason="x", format="csv")
    assert again(other).resolved_at is None
    assert not SentMail.objects.filter(session=other).exists()
    if action == "export":
        text = b"".join(response).decode()
        assert mine.run in text
        assert other.run not in text


def test_a_selection_of_nobodys_numbers_is_refused(staff):
    fields = {"action": "resolve", "_selected_action": "x", "confirmada": "1", "reason": "x"}
    assert staff.post(SESSIONS, fields).status_code == 400


def test_more_sessions_than_can_be_resolved_in_one_go_are_refused(staff, monkeypatch):
    monkeypatch.setattr("backoffice.review.actions.MOST_AT_ONCE", 1)
    one, two = opened(), opened()
    page = staff.post(
        SESSIONS, {"action": "resolve", "_selected_action": [one.pk, two.pk]}, follow=True
    )
    assert "acote la lista" in page.content.decode()


def test_messages_name_no_run(staff):
    closed = opened()
    closed.mark_closed(timezone.now(), time="", zone="")
    fields = {"action": "resolve", "_selected_action": [closed.pk], "confirmada": 1, "reason": "x"}
    response = staff.post(SESSIONS, fields)
    assert closed.run not in str(response.cookies)


def test_a_long_list_says_where_it_is_cut(staff, monkeypatch):
    for _ in range(3):
        requested()
    monkeypatch.setattr("courses.long_lists.MOST_COUNTED", 3)
    page = staff.get(SESSIONS).content.decode()
    assert "3 sesiones" in page
    assert "la lista se corta" not in page
    monkeypatch.setattr("courses.long_lists.MOST_COUNTED", 2)
    page = staff.get(SESSIONS).content.decode()
    assert "Hay más de 2, y la lista se corta ahí" in page
    assert "más de 2 sesiones" in page
