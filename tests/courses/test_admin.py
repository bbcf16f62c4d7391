"""The coordinators' pages, each of them opened."""

from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from threading import Thread
from time import sleep
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.views.debug import ExceptionReporter

from attendance.models import AttendanceSession
from courses import long_lists
from courses.admin import REJECTED_ROWS_SHOWN
from courses.forms import OtecTokenForm
from courses.models import Action, Enrolment, Otec, RejectedRow, RosterImport, Student
from tests.courses.second_connection import ALIAS, second_connection
from tests.factories import (
    ActionFactory,
    CourseFactory,
    EnrolmentFactory,
    OtecFactory,
    StudentFactory,
    make_rut,
)

pytestmark = pytest.mark.django_db
OLD_TOKEN = "aaaaaaaa-1111-2222-3333-aaaaaaaaaaaa"
NEW_TOKEN = "BBBBbbbb-4444-5555-6666-CCCCccccCCCC"


def address(page: str, *args, **query) -> str:
    return reverse(f"admin:courses_{page}", args=args, query=query)


def found(client: Client, model: str, **query) -> set[int]:
    """Return the ids of the rows that a list shows."""
    response = client.get(address(f"{model}_changelist", **query))
    assert response.status_code == 200
    return {row.pk for row in response.context["cl"].result_list}


def coordinator(*permissions: str) -> Client:
    """Return the client of a coordinator who has these permissions of the app alone."""
    user = User.objects.create_user("coordinadora", is_staff=True)
    wanted = Permission.objects.filter(content_type__app_label="courses", codename__in=permissions)
    assert wanted.count() == len(permissions)
    user.user_permissions.set(wanted)
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    return client


def post(client: Client, page: str, data: dict):
    """Send a form of the page as a browser does, with the token that the page gave."""
    client.get(page)
    token = client.cookies["csrftoken"].value if "csrftoken" in client.cookies else ""
    return client.post(page, data | {"csrfmiddlewaretoken": token})


def roster_import(rejected: int = 0) -> RosterImport:
    name = f"nomina-{RosterImport.objects.count()}.csv"
    loaded = RosterImport.objects.create(file_name=name, digest="0" * 64, rows_rejected=rejected)
    RejectedRow.objects.bulk_create(
        RejectedRow(roster_import=loaded, line=n, column="rut", value="0-0", reason=f"{name}: {n}")
        for n in range(2, rejected + 2)
    )
    return loaded


def session_of(enrolment: Enrolment) -> AttendanceSession:
    action = enrolment.action
    fields = {
        "otec": action.course.otec,
        "environment": action.environment,
        "course_name": action.course.name,
        "close_required": True,
        "otec_rut": action.course.otec.rut,
        "sence_code": action.course.sence_code,
        "action_code": action.code,
        "training_line": action.course.training_line,
        "run": enrolment.student.run,
        "requested_at": timezone.now(),
        "public_id": uuid4(),
    }
    return AttendanceSession.objects.create(enrolment=enrolment, **fields)


MAKERS = {
    "otec": OtecFactory,
    "course": lambda: ActionFactory().course,
    "action": lambda: EnrolmentFactory().action,
    "student": lambda: EnrolmentFactory().student,
    "enrolment": EnrolmentFactory,
    "rosterimport": lambda: roster_import(rejected=1),
    "rejectedrow": lambda: RejectedRow.objects.get(roster_import=roster_import(rejected=1)),
}
QUERIES = {
    # Session, user and their OTECs, then the count and the rows; filters' and date bars' on top.
    "otec": 5,
    "course": 6,
    "action": 8,
    "student": 5,
    "enrolment": 6,
    "rosterimport": 7,
    "rejectedrow": 5,
}


@pytest.mark.parametrize("model", MAKERS)
def test_a_list_asks_the_database_the_same_with_1_row_and_with_30(admin_client, model):
    MAKERS[model]()
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            found(admin_client, model)
        counts.append(len(queries))
        for _ in range(29):
            MAKERS[model]()
    assert counts == [QUERIES[model]] * 2


@pytest.mark.parametrize("model", MAKERS)
def test_the_pages_of_a_row_open_and_bring_no_list_of_all_the_others(admin_client, model):
    rows = [MAKERS[model]() for _ in range(3)]
    page = admin_client.get(address(f"{model}_change", rows[0].pk))
    assert page.status_code == 200
    assert str(rows[2]) not in page.content.decode()
    assert admin_client.get(address(f"{model}_history", rows[0].pk)).status_code == 200


@pytest.mark.parametrize("model", ["otec", "course", "action", "student", "enrolment"])
def test_the_page_for_a_new_row_opens(admin_client, model):
    assert admin_client.get(address(f"{model}_add")).status_code == 200


@pytest.mark.parametrize("model", ["rosterimport", "rejectedrow"])
def test_what_the_importer_wrote_is_not_edited(admin_client, model):
    row = MAKERS[model]()
    assert admin_client.get(address(f"{model}_add")).status_code == 403
    assert admin_client.post(address(f"{model}_change", row.pk), {}).status_code == 403
    assert admin_client.post(address(f"{model}_delete", row.pk), {"post": "yes"}).status_code == 403


def test_the_index_shows_what_coordinators_work_with(admin_client):
    page = admin_client.get(reverse("admin:app_list", args=["courses"])).content.decode()
    for name in ["OTEC", "Cursos", "Acciones", "Alumnos", "Inscripciones", "Cargas de inscritos"]:
        assert f">{name}</a>" in page
    assert "rechazadas" not in page


# Searching


@pytest.mark.parametrize(
    "typed",
    [
        "12.345.678-5",
        "123456785",
        "12345678-5",
        "12345678",
        " 12345678-5 ",
        "12.345",
        "012345678-5",
    ],
)
def test_a_student_is_found_by_the_run_however_it_is_typed(admin_client, typed):
    student = StudentFactory(run="12345678-5")
    enrolment = EnrolmentFactory(student=student)
    EnrolmentFactory()
    assert found(admin_client, "student", q=typed) == {student.pk}
    assert found(admin_client, "enrolment", q=typed) == {enrolment.pk}


def test_a_whole_run_is_looked_up_not_searched_for_in_every_row(admin_client):
    EnrolmentFactory(student__run="12345678-5")
    for model in ("student", "enrolment"):
        with CaptureQueriesContext(connection) as queries:
            found(admin_client, model, q="12.345.678-5")
        assert not [query for query in queries if " ~ " in query["sql"]]


@pytest.mark.parametrize("typed", ["1000005-K", "1.000.005-k", "1000005k", "01000005K"])
def test_a_run_that_ends_in_k_is_found(admin_client, typed):
    student = StudentFactory(run="1000005-k")
    StudentFactory()
    assert found(admin_client, "student", q=typed) == {student.pk}


def test_a_number_that_happens_to_be_a_rut_still_finds_longer_ones(admin_client):
    assert make_rut(1_234_567) == "1234567-4"
    longer = StudentFactory(run=make_rut(12_345_674))
    assert found(admin_client, "student", q="12345674") == {longer.pk}


@pytest.mark.parametrize("typed", ["perez", "PÉREZ", "maria perez", "Pérez María", "nunez perez"])
def test_a_student_is_found_without_minding_accents_or_order(admin_client, typed):
    student = StudentFactory(given_names="MARÍA", surnames="Pérez Núñez")
    StudentFactory(given_names="María", surnames="Soto")
    assert found(admin_client, "student", q=typed) == {student.pk}


@pytest.mark.parametrize(
    "typed",
    [
        "%",
        "_",
        "'",
        '"',
        "\\",
        "\x00",
        "😀",
        "." * 500,
        "--",
        "[",
        "(a",
        "a)",
        "*",
        "ß",
        "\u0130",
    ],
)
def test_odd_searches_find_nothing_and_break_nothing(admin_client, typed):
    EnrolmentFactory()
    for model in ("student", "enrolment", "otec", "action", "course"):
        response = admin_client.get(address(f"{model}_changelist", q=typed))
        assert response.status_code == 200
    autocomplete = {"app_label": "courses", "model_name": "enrolment", "field_name": "student"}
    response = admin_client.get(reverse("admin:autocomplete"), autocomplete | {"term": typed})
    assert response.status_code == 200


def test_enrolments_are_found_by_action_course_and_student_at_once(admin_client):
    enrolment = EnrolmentFactory(
        action__course__name="APLICACIÓN DE EXCEL", student__surnames="Soto"
    )
    EnrolmentFactory(action=enrolment.action)
    assert found(admin_client, "enrolment", q=f"{enrolment.action.code} soto") == {enrolment.pk}
    assert found(admin_client, "enrolment", q="excel aplicacion SOTO") == {enrolment.pk}


def test_an_otec_is_found_by_name_or_rut(admin_client):
    otec = OtecFactory(name="Capacitación Ñuble", rut="76543210-3")
    OtecFactory()
    for typed in ("76.543.210-3", "capacitacion nuble"):
        assert found(admin_client, "otec", q=typed) == {otec.pk}


def test_the_form_of_an_enrolment_finds_students_by_run(admin_client):
    student = StudentFactory(run="12345678-5")
    StudentFactory()
    autocomplete = {"app_label": "courses", "model_name": "enrolment", "field_name": "student"}
    response = admin_client.get(
        reverse("admin:autocomplete"), autocomplete | {"term": "12.345.678-5"}
    )
    assert [row["id"] for row in response.json()["results"]] == [str(student.pk)]


# Filters


def test_actions_and_enrolments_are_filtered_by_period_to_the_day(admin_client):
    today, day = timezone.localdate(), timedelta(days=1)
    dates = {
        "terminada": [(today - 9 * day, today - day)],
        "en-curso": [(today - day, today), (today, today), (today, today + day)],
        "futura": [(today + day, today + 9 * day)],
    }
    enrolments = {
        period: [
            EnrolmentFactory(action__starts_on=starts, action__ends_on=ends)
            for starts, ends in pairs
        ]
        for period, pairs in dates.items()
    }
    for period, rows in enrolments.items():
        expected = {row.pk for row in rows}
        assert found(admin_client, "enrolment", vigencia=period) == expected
        expected = {row.action_id for row in rows}
        assert found(admin_client, "action", vigencia=period) == expected


@pytest.mark.parametrize("value", ["", "otra", "\x00"])
def test_a_filter_that_does_not_exist_filters_nothing(admin_client, value):
    enrolment = EnrolmentFactory()
    for name in ("vigencia", "estado"):
        assert found(admin_client, "enrolment", **{name: value}) == {enrolment.pk}


def test_enrolments_are_filtered_by_what_coordinators_ask_for(admin_client):
    plain = EnrolmentFactory(action__environment="production")
    exempt = EnrolmentFactory(is_exempt=True, action__course__training_line=6)
    withdrawn = EnrolmentFactory(withdrawn_at=timezone.now())
    for query, expected in [
        ({"estado": "activa"}, {plain, exempt}),
        ({"estado": "retirada"}, {withdrawn}),
        ({"is_exempt__exact": 1}, {exempt}),
        ({"action__environment__exact": "production"}, {plain}),
        ({"action__course__training_line__exact": 6}, {exempt}),
        ({"action__course__otec__id__exact": plain.action.course.otec_id}, {plain}),
        ({"action__id__exact": exempt.action_id}, {exempt}),
        ({"student__id__exact": withdrawn.student_id}, {withdrawn}),
    ]:
        assert found(admin_client, "enrolment", **query) == {row.pk for row in expected}


def test_imports_are_filtered_by_whether_they_rejected_rows(admin_client):
    clean, spotted = roster_import(), roster_import(rejected=2)
    assert found(admin_client, "rosterimport", rechazadas="con") == {spotted.pk}
    assert found(admin_client, "rosterimport", rechazadas="sin") == {clean.pk}


# The OTEC's token


def otec_data(otec: Otec, **fields) -> dict:
    return {"name": otec.name, "rut": otec.rut, "alert_emails": "", "new_token": ""} | fields


def everything_written(response) -> str:
    """Return what a save left in the answer, the messages and the admin's history."""
    history = "".join(f"{e.object_repr} {e.change_message}" for e in LogEntry.objects.all())
    told = "".join(str(message) for message in response.wsgi_request._messages)
    return response.content.decode() + str(response.headers) + history + told


def test_a_token_goes_in_and_never_comes_out(admin_client):
    otec = OtecFactory(token=OLD_TOKEN)
    page = address("otec_change", otec.pk)
    written = ""
    for response in [
        admin_client.post(page, otec_data(otec, new_token=f" {NEW_TOKEN} ")),
        admin_client.get(page),
        admin_client.get(address("otec_changelist")),
        admin_client.get(address("otec_history", otec.pk)),
        admin_client.post(page, otec_data(otec, rut="1-1", new_token=NEW_TOKEN)),
    ]:
        assert response.status_code in {200, 302}
        written += everything_written(response)
    otec.refresh_from_db()
    assert otec.token() == NEW_TOKEN
    assert "Token nuevo" in written
    assert "Configurado" in written
    for secret in (OLD_TOKEN, NEW_TOKEN, otec.token_ciphertext):
        parts = [part for part in secret.split("-") if len(part) >= 8]
        assert parts
        assert not any(part in written for part in parts)


def test_the_form_of_a_token_does_not_tell_it():
    otec = OtecFactory()
    form = OtecTokenForm(otec_data(otec, new_token=NEW_TOKEN), instance=otec)
    form.full_clean()
    assert NEW_TOKEN not in f"{form!r} {form.cleaned_data} {form.instance!r} {form.as_p()}"


def test_an_empty_field_keeps_the_token(admin_client):
    otec = OtecFactory(token=OLD_TOKEN)
    response = admin_client.post(address("otec_change", otec.pk), otec_data(otec, name="Otro"))
    assert response.status_code == 302
    otec.refresh_from_db()
    assert (otec.name, otec.token()) == ("Otro", OLD_TOKEN)


def test_a_new_otec_may_come_with_its_token_or_without(admin_client):
    for rut, token in [("76543210-3", NEW_TOKEN), ("77777777-7", "")]:
        data = {"name": "Nuevo", "rut": rut, "new_token": token}
        assert admin_client.post(address("otec_add"), data).status_code == 302
        assert Otec.objects.get(rut=rut).has_token is bool(token)
    page = admin_client.get(address("otec_changelist")).content.decode()
    assert page.count("Configurado") == page.count("Falta") == 1


@pytest.mark.parametrize(
    "typed",
    [NEW_TOKEN[:-1], NEW_TOKEN + "0", NEW_TOKEN.replace("-", ""), "{" + NEW_TOKEN + "}", "x" * 36,
     NEW_TOKEN.replace("B", "G"), "٣" * 8 + NEW_TOKEN[8:]],
)  # fmt: skip
def test_what_is_no_token_is_refused_without_repeating_it(admin_client, typed):
    otec = OtecFactory(token=OLD_TOKEN)
    response = admin_client.post(address("otec_change", otec.pk), otec_data(otec, new_token=typed))
    assert "El token tiene 36 caracteres" in response.content.decode()
    assert typed not in response.content.decode()
    otec.refresh_from_db()
    assert otec.token() == OLD_TOKEN


@pytest.mark.parametrize("keys", [[], ["corta"]])
def test_without_a_usable_key_the_form_says_so(admin_client, settings, keys):
    otec = OtecFactory()
    before = otec.token_ciphertext
    settings.TOKEN_ENCRYPTION_KEYS = keys
    response = admin_client.post(
        address("otec_change", otec.pk), otec_data(otec, new_token=NEW_TOKEN)
    )
    assert response.status_code == 200
    assert "No se pudo guardar el token. TOKEN_ENCRYPTION_KEYS" in response.content.decode()
    assert NEW_TOKEN not in response.content.decode()
    otec.refresh_from_db()
    assert otec.token_ciphertext == before


def test_an_otec_whose_key_was_lost_still_opens_and_saves(admin_client, settings):
    otec = OtecFactory()
    settings.TOKEN_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    assert admin_client.get(address("otec_changelist")).status_code == 200
    page = address("otec_change", otec.pk)
    assert admin_client.get(page).status_code == 200
    assert admin_client.post(page, otec_data(otec, new_token=NEW_TOKEN)).status_code == 302
    otec.refresh_from_db()
    assert otec.token() == NEW_TOKEN


def test_only_who_may_change_tokens_changes_them():
    otec = OtecFactory(token=OLD_TOKEN)
    page = address("otec_change", otec.pk)
    client = coordinator("view_otec", "change_otec")
    assert "Token nuevo" not in client.get(page).content.decode()
    assert post(client, page, otec_data(otec, name="Otro", new_token=NEW_TOKEN)).status_code == 302
    otec.refresh_from_db()
    assert (otec.name, otec.token()) == ("Otro", OLD_TOKEN)


def test_who_may_change_tokens_changes_them():
    otec = OtecFactory(token=OLD_TOKEN)
    page = address("otec_change", otec.pk)
    client = coordinator("view_otec", "change_otec", "change_otec_token")
    assert "Token nuevo" in client.get(page).content.decode()
    assert post(client, page, otec_data(otec, new_token=NEW_TOKEN)).status_code == 302
    otec.refresh_from_db()
    assert otec.token() == NEW_TOKEN


def test_who_only_looks_sees_whether_there_is_a_token():
    otec = OtecFactory()
    client = coordinator("view_otec", "change_otec_token")
    page = client.get(address("otec_change", otec.pk)).content.decode()
    assert "Configurado" in page
    assert "Token nuevo" not in page
    assert post(client, address("otec_change", otec.pk), otec_data(otec)).status_code == 403


def test_an_error_report_does_not_carry_the_token(admin_client, settings, mailoutbox):
    settings.DEBUG = False
    settings.ADMINS = [("Operadora", "operadora@example.com")]
    request = admin_client.post(
        address("otec_add"), {"name": "", "new_token": NEW_TOKEN}
    ).wsgi_request
    report = ExceptionReporter(request, ValueError, ValueError("x"), None)
    assert NEW_TOKEN not in report.get_traceback_text() + report.get_traceback_html()


# The OTEC's addresses


def test_an_otec_keeps_several_addresses_one_a_line(admin_client):
    otec = OtecFactory()
    data = otec_data(otec, alert_emails=" ana@example.com \r\n\r\nluz@example.com\nana@example.com")
    assert admin_client.post(address("otec_change", otec.pk), data).status_code == 302
    otec.refresh_from_db()
    assert otec.alert_emails == "ana@example.com\nluz@example.com"


def test_an_otecs_addresses_that_stay_the_same_are_no_change(admin_client):
    """A browser ends each line of a field with a return of its own."""
    otec = OtecFactory(alert_emails="ana@example.com\nluz@example.com")
    data = otec_data(otec, name="Otro", alert_emails="ana@example.com\r\nluz@example.com")
    assert admin_client.post(address("otec_change", otec.pk), data).status_code == 302
    assert LogEntry.objects.latest("action_time").get_change_message() == "Modificado Nombre."


@pytest.mark.parametrize("permissions", [[], ["change_otec_token"]])
def test_what_is_no_address_is_named_and_nothing_is_saved(permissions):
    otec = OtecFactory()
    client = coordinator("view_otec", "change_otec", *permissions)
    data = otec_data(otec, alert_emails="ana@example.com\nana, luz@\nb@example.com")
    page = post(client, address("otec_change", otec.pk), data).content.decode()
    assert "«ana, luz@» no es un correo. Escriba uno por línea." in page
    otec.refresh_from_db()
    assert otec.alert_emails == ""


# Students and enrolments


def test_a_student_is_saved_with_the_canonical_run(admin_client):
    data = {"run": "1.000.005-K", "given_names": "Ana", "surnames": "Soto", "email": ""}
    assert admin_client.post(address("student_add"), data).status_code == 302
    assert Student.objects.get().run == "1000005-k"
    again = admin_client.post(address("student_add"), data | {"run": "1000005k"})
    assert "Ya existe un alumno con este RUN." in again.content.decode()
    wrong = admin_client.post(address("student_add"), data | {"run": "1000005-1"})
    assert "El dígito verificador no corresponde" in wrong.content.decode()


def test_a_run_is_corrected_until_there_is_attendance_under_it(admin_client):
    enrolment = EnrolmentFactory(student__run="12345678-5")
    student = enrolment.student
    page = address("student_change", student.pk)
    data = {"run": "1000005-k", "given_names": "Ana", "surnames": "Soto", "email": ""}
    assert admin_client.post(page, data).status_code == 302
    session_of(enrolment)
    assert (
        admin_client.post(page, data | {"run": "7654321-6", "surnames": "Rojas"}).status_code == 302
    )
    student.refresh_from_db()
    assert (student.run, student.surnames) == ("1000005-k", "Rojas")
    assert 'name="run"' not in admin_client.get(page).content.decode()


def test_an_enrolment_keeps_its_student_and_action(admin_client):
    enrolment, other = EnrolmentFactory(), EnrolmentFactory()
    data = {"student": other.student_id, "action": other.action_id, "is_exempt": "on"}
    page = admin_client.get(address("enrolment_change", enrolment.pk)).content.decode()
    assert 'name="student"' not in page
    data |= {"withdrawn_at_0": "01/01/2026", "withdrawn_at_1": "10:00"}
    assert admin_client.post(address("enrolment_change", enrolment.pk), data).status_code == 302
    now = Enrolment.objects.get(pk=enrolment.pk)
    assert (now.student_id, now.action_id) == (enrolment.student_id, enrolment.action_id)
    assert now.is_exempt
    assert now.withdrawn_at is None


def test_a_student_is_enrolled_by_hand_once(admin_client):
    student, action = StudentFactory(), ActionFactory()
    data = {"student": student.pk, "action": action.pk}
    assert admin_client.post(address("enrolment_add"), data).status_code == 302
    again = admin_client.post(address("enrolment_add"), data)
    assert "El alumno ya está inscrito en esa acción." in again.content.decode()


def run_action(client: Client, action: str, *enrolments: Enrolment):
    data = {"action": action, "_selected_action": [row.pk for row in enrolments]}
    response = client.post(address("enrolment_changelist"), data, follow=True)
    return response.status_code, [str(message) for message in response.context["messages"]]


def test_enrolments_are_withdrawn_and_reinstated_and_counted(admin_client):
    before = datetime(2026, 1, 1, tzinfo=UTC)
    first, second, gone = (
        EnrolmentFactory(),
        EnrolmentFactory(),
        EnrolmentFactory(withdrawn_at=before),
    )
    untouched = EnrolmentFactory()
    assert run_action(admin_client, "withdraw", first, second, gone) == (
        200,
        ["Inscripciones retiradas: 2. Ya estaban retiradas, y no cambiaron: 1."],
    )
    gone.refresh_from_db()
    assert gone.withdrawn_at == before
    assert list(Enrolment.objects.active()) == [untouched]
    assert run_action(admin_client, "reinstate", first, untouched) == (
        200,
        ["Inscripciones reincorporadas: 1. Ya eran activas, y no cambiaron: 1."],
    )
    assert set(Enrolment.objects.active()) == {first, untouched}
    told = LogEntry.objects.order_by("pk").values_list("object_id", "change_message")
    expected = {(str(first.pk), "Retirada."), (str(second.pk), "Retirada.")}
    assert set(told) == expected | {(str(first.pk), "Reincorporada.")}


def test_withdrawing_a_whole_filtered_list_takes_as_many_queries_as_one_row(admin_client):
    counts = []
    for rows in (1, 30):
        EnrolmentFactory.create_batch(rows)
        data = {"action": "withdraw", "select_across": 1, "_selected_action": [0]}
        with CaptureQueriesContext(connection) as queries:
            admin_client.post(address("enrolment_changelist", estado="activa"), data)
        assert not Enrolment.objects.active().exists()
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("action", ["withdraw", "reinstate"])
def test_what_would_take_long_is_refused_whole(admin_client, monkeypatch, action):
    monkeypatch.setattr(long_lists, "MOST_COUNTED", 2)
    withdrawn_at = timezone.now() if action == "reinstate" else None
    chosen = EnrolmentFactory.create_batch(3, withdrawn_at=withdrawn_at)
    assert run_action(admin_client, action, *chosen) == (
        200,
        ["Se cambian hasta 2 a la vez y eligió más: acote la lista. No cambió nada."],
    )
    assert Enrolment.objects.filter(withdrawn_at=withdrawn_at).count() == 3
    assert not LogEntry.objects.exists()


def test_who_only_looks_at_enrolments_does_not_withdraw_them():
    enrolment = EnrolmentFactory()
    client = coordinator("view_enrolment")
    page = address("enrolment_changelist")
    assert "Retirar" not in client.get(page).content.decode()
    post(client, page, {"action": "withdraw", "_selected_action": [enrolment.pk]})
    assert Enrolment.objects.active().count() == 1


# Deleting


@pytest.mark.parametrize(
    ("model", "hanging"),
    [
        ("otec", "1 curso"),
        ("course", "1 acción"),
        ("action", "2 inscripciones"),
        ("student", "1 inscripción"),
        ("enrolment", "1 sesión de asistencia"),
    ],
)
def test_what_something_hangs_on_is_not_deleted_and_the_page_says_why(admin_client, model, hanging):
    enrolment = EnrolmentFactory()
    EnrolmentFactory(action=enrolment.action)
    session_of(enrolment)
    action = enrolment.action
    row = {
        "otec": action.course.otec,
        "course": action.course,
        "action": action,
        "student": enrolment.student,
        "enrolment": enrolment,
    }[model]
    for response in (
        admin_client.get(address(f"{model}_delete", row.pk)),
        admin_client.post(address(f"{model}_delete", row.pk), {"post": "yes"}),
    ):
        assert response.status_code == 200
        assert f"<li>{hanging}</li>" in response.content.decode()
    assert type(row).objects.filter(pk=row.pk).exists()


def test_an_enrolment_without_sessions_is_deleted(admin_client):
    enrolment = EnrolmentFactory()
    page = address("enrolment_delete", enrolment.pk)
    assert "Se eliminará lo siguiente" in admin_client.get(page).content.decode()
    assert admin_client.post(page, {"post": "yes"}).status_code == 302
    assert not Enrolment.objects.exists()


def test_nothing_is_deleted_in_bulk(admin_client):
    for model, maker in MAKERS.items():
        maker()
        assert (
            "delete_selected"
            not in admin_client.get(address(f"{model}_changelist")).content.decode()
        )


# Courses, actions and what the database refuses


def test_a_course_is_not_changed_into_what_its_actions_cannot_be(admin_client):
    action = ActionFactory(course__training_line=6, code="123456")
    course = action.course
    data = {"otec": course.otec_id, "name": course.name, "sence_code": course.sence_code}
    page = admin_client.post(address("course_change", course.pk), data | {"training_line": 3})
    assert "La acción 123456 lo impide." in page.content.decode()


def test_an_action_is_saved_and_its_rules_are_said(admin_client):
    course = CourseFactory()
    data = {"course": course.pk, "code": "6000001", "starts_on": "01-07-2026"}
    data |= {"ends_on": "31-07-2026", "environment": "test", "close_required": "on"}
    for wrong, sentence in [
        ({"code": "123456"}, "El código de acción tiene al menos 7 caracteres"),
        ({"ends_on": "30-06-2026"}, "La fecha de término es anterior a la de inicio."),
        ({"code": "-1", "environment": "production"}, "solo sirve en el ambiente de prueba"),
        ({"code": "600 0001"}, "no lleva espacios"),
    ]:
        page = admin_client.post(address("action_add"), data | wrong).content.decode()
        assert sentence in page
    assert admin_client.post(address("action_add"), data).status_code == 302
    assert Action.objects.get().ends_on.month == 7


@pytest.mark.parametrize("typed", ["03-07-2026", "03/07/2026", "2026-07-03", "3-7-2026"])
def test_a_date_is_typed_as_in_chile_day_first(admin_client, typed):
    data = {"course": CourseFactory().pk, "code": "6000001", "starts_on": typed}
    data |= {"ends_on": typed, "environment": "test"}
    assert admin_client.post(address("action_add"), data).status_code == 302
    action = Action.objects.get()
    assert action.ends_on == date(2026, 7, 3)
    page = admin_client.get(address("action_change", action.pk)).content.decode()
    assert 'value="03-07-2026"' in page


def test_a_date_that_is_not_one_is_refused(admin_client):
    data = {"course": CourseFactory().pk, "code": "6000001", "starts_on": "07-31-2026"}
    data |= {"ends_on": "31-02-2026", "environment": "test"}
    page = admin_client.post(address("action_add"), data).content.decode()
    assert page.count("Introduzca una fecha válida.") == 2


@contextmanager
def someone_else_saves(student: Student):
    """Another connection saves the student, and commits once this one waits for it."""
    with connection.cursor() as own:
        own.execute("SELECT pg_backend_pid()")
        waiting = own.fetchone()[0]
    with second_connection() as other, other.cursor() as cursor:

        def commit() -> None:
            for _ in range(200):
                cursor.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0", [waiting])
                if cursor.fetchone()[0]:
                    break
                sleep(0.05)
            cursor.execute("COMMIT")

        cursor.execute("BEGIN")
        student.save(using=ALIAS)
        other.inc_thread_sharing()
        thread = Thread(target=commit)
        thread.start()
        try:
            yield
        finally:
            thread.join()
            student.delete(using=ALIAS)


def test_a_student_whom_someone_else_saves_at_the_same_time_is_an_error_of_the_form(admin_client):
    data = {"run": "12345678-5", "given_names": "Ana", "surnames": "Soto", "email": ""}
    with someone_else_saves(Student(run="12345678-5")):
        response = admin_client.post(address("student_add"), data)
    assert response.status_code == 200
    assert "Ya existe un alumno con este RUN." in response.content.decode()
    assert 'value="Soto"' in response.content.decode()


def test_what_only_the_database_refuses_is_an_error_of_the_form(admin_client):
    student = StudentFactory()
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE courses_student ADD CONSTRAINT later CHECK (surnames <> 'Rojas')"
        )
    data = {"run": student.run, "given_names": "Ana", "surnames": "Rojas", "email": ""}
    response = admin_client.post(address("student_change", student.pk), data)
    assert response.status_code == 200
    assert "Revise la ficha y guarde de nuevo." in response.content.decode()
    assert not LogEntry.objects.exists()


def test_a_row_that_gets_something_hung_on_it_meanwhile_is_not_deleted(admin_client):
    student = StudentFactory()
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE later (student_id bigint REFERENCES courses_student);"
            "INSERT INTO later SELECT id FROM courses_student"
        )
    page = address("student_delete", student.pk)
    response = admin_client.post(page, {"post": "yes"}, follow=True)
    assert response.redirect_chain == [(address("student_change", student.pk), 302)]
    assert "Revise la ficha y guarde de nuevo." in response.content.decode()


# Imports


def test_an_import_shows_its_first_rejected_rows_and_leads_to_the_rest(admin_client):
    loaded, other = roster_import(rejected=REJECTED_ROWS_SHOWN + 100), roster_import(rejected=1)
    page = admin_client.get(address("rosterimport_change", loaded.pk)).content.decode()
    assert page.count("Línea ") == REJECTED_ROWS_SHOWN
    assert "Ver las 150 en una lista" in page
    rest = address("rejectedrow_changelist", roster_import__id__exact=loaded.pk)
    assert rest in page
    assert len(found(admin_client, "rejectedrow", roster_import__id__exact=loaded.pk)) == 50
    assert len(found(admin_client, "rejectedrow", roster_import__id__exact=other.pk)) == 1


def test_a_rejected_value_is_text_whatever_it_says(admin_client):
    loaded = roster_import()
    RejectedRow.objects.create(roster_import=loaded, line=2, value="<script>1</script>", reason="&")
    for page in (address("rosterimport_change", loaded.pk), address("rejectedrow_changelist")):
        assert "<script>1" not in admin_client.get(page).content.decode()


def test_who_sees_the_imports_sees_their_rejected_rows():
    roster_import(rejected=1)
    page = address("rejectedrow_changelist")
    assert coordinator("view_rosterimport").get(page).status_code == 200


def test_who_does_not_see_the_imports_does_not_see_their_rejected_rows():
    assert coordinator("view_rejectedrow").get(address("rejectedrow_changelist")).status_code == 403


def test_the_list_of_actions_leads_to_each_year_that_has_some(admin_client):
    for year in (2023, 2025, 2026):
        ActionFactory(starts_on=date(year, 3, 1), ends_on=date(year, 4, 1))
    page = admin_client.get(reverse("admin:courses_action_changelist")).content.decode()
    years = [year for year in range(2020, 2030) if f"starts_on__year={year}" in page]
    assert years == [2023, 2025, 2026]
    assert [day.year for day in Action.objects.dates("starts_on", "year", "DESC")] == [
        2026,
        2025,
        2023,
    ]
    assert list(Action.objects.none().dates("starts_on", "year")) == []
