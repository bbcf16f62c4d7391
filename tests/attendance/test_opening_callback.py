"""SENCE's answer to an opening, posted to UrlRetoma and UrlError: what it may and may not do."""

import re
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from attendance import lookups
from attendance.models import SenceCallback, StaffAlert, State
from attendance.sence.callback_urls import public_id
from errors_catalog.models import SenceError
from tests.attendance_steps import (
    again,
    answer,
    facts,
    last_verdict,
    opened,
    outcomes,
    page,
    post,
    requested,
)
from tests.factories import ActionFactory, CourseFactory, EnrolmentFactory, StudentFactory

pytestmark = pytest.mark.django_db

ECHOED = {
    "IdSesionAlumno": "another-attempt",
    "RunAlumno": "5126663-3",
    # None that the factory gives to a course.
    "CodSence": "9900000001",
    "CodigoCurso": "9999999",
    "LineaCapacitacion": "6",
}


def test_a_success_opens_the_session_and_leads_to_its_page(browser_client):
    session = requested()
    fields = answer(session, FechaHora="2026-11-23 10:00:00")
    response = post(session, "open", fields, client=browser_client)
    assert response.status_code == 303
    assert response["Location"] == session.get_absolute_url()
    assert "Asistencia correctamente ingresada" in page(session)
    session = again(session)
    assert session.state == State.OPEN
    assert session.sence_session_id == "sence-1"
    assert session.opened_sence_time == "2026-11-23 10:00:00"
    assert session.opened_sence_zone == "America/Santiago"
    callback = SenceCallback.objects.get()
    assert session.opened_at == callback.received_at
    assert callback.origin == "https://sistemas.sence.cl"
    assert b"IdSesionSence=sence-1" in bytes(callback.body)


def test_an_exact_replay_is_kept_and_changes_nothing():
    session = requested()
    post(session, "open", answer(session))
    before = facts(session)
    assert post(session, "open", answer(session)).status_code == 303
    assert facts(session) == before
    assert outcomes(session) == ["opened", "replay"]
    assert SenceCallback.objects.count() == 2


@pytest.mark.parametrize("late", [timedelta(hours=1), timedelta(days=7)])
def test_a_success_long_after_the_start_opens(late):
    session = requested(at=timezone.now() - late)
    post(session, "open", answer(session))
    assert again(session).state == State.OPEN
    assert again(session).opened_at == SenceCallback.objects.get().received_at


def test_a_success_with_another_id_of_sence_is_flagged_and_changes_nothing():
    session = opened()
    before = facts(session)
    post(session, "open", answer(session, IdSesionSence="sence-2"))
    assert facts(session) == before
    assert outcomes(session) == ["anomaly"]
    assert last_verdict().reason == "Segundo inicio con otro IdSesionSence."
    assert "no corresponde a esta sesión" in page(session)


def test_a_forged_nonce_is_kept_as_unmatched_and_leads_nowhere(client):
    session = requested()
    forged = "A" * len(session.nonce)
    response = post(forged, "open", answer(session))
    assert response.status_code == 303
    assert response["Location"] == f"/asistencia/{public_id(forged)}/"
    found = client.get(response["Location"])
    assert found.status_code == 404
    assert "No encontramos esta página" in found.content.decode()
    assert last_verdict().outcome == "unmatched"
    assert last_verdict().session is None
    assert again(session).state == State.REQUESTED


@pytest.mark.parametrize("field", ECHOED)
@pytest.mark.parametrize("error", [False, True])
def test_a_contradicting_field_is_kept_with_the_reason_and_changes_nothing(field, error):
    session = requested()
    before = facts(session)
    post(session, "open", answer(session, **{field: ECHOED[field]}), error=error)
    assert facts(session) == before
    assert last_verdict().outcome == "contradiction"
    assert last_verdict().reason == f"No coincide con lo enviado: {field}."
    assert "no corresponde a esta sesión" in page(session)


def test_every_contradicting_field_is_named_without_its_value():
    session = requested()
    post(session, "open", answer(session, **ECHOED))
    assert last_verdict().reason == f"No coincide con lo enviado: {', '.join(ECHOED)}."


@pytest.mark.parametrize("k", ["k", "K"])
def test_the_case_of_the_check_digits_k_is_no_contradiction(k):
    enrolment = EnrolmentFactory(student=StudentFactory(run="10000013-k"))
    session = requested(enrolment)
    post(session, "open", answer(session, RunAlumno=f"10000013-{k}"))
    assert again(session).state == State.OPEN


@pytest.mark.parametrize(
    "field",
    ["CodSence", "CodigoCurso", "IdSesionAlumno", "RunAlumno", "FechaHora", "ZonaHoraria",
     "LineaCapacitacion"],
)  # fmt: skip
@pytest.mark.parametrize("value", [None, "", " "])
def test_a_field_that_did_not_come_is_tolerated_and_noted(field, value):
    session = requested()
    post(session, "open", answer(session, **{field: value}))
    assert again(session).state == State.OPEN
    # Line 1 sends CodSence empty: its absence says nothing.
    expected = "" if field == "CodSence" else f"No llegó: {field}."
    assert last_verdict().reason == expected


@pytest.mark.parametrize("value", [None, "", "  ", "x" * 150])
def test_a_success_without_a_usable_id_of_sence_never_opens(value):
    session = requested()
    before = facts(session)
    post(session, "open", answer(session, IdSesionSence=value))
    assert facts(session) == before
    assert last_verdict().outcome == "anomaly"


def test_the_longest_id_of_sence_opens():
    session = requested()
    post(session, "open", answer(session, IdSesionSence="x" * 149))
    assert again(session).sence_session_id == "x" * 149


def test_line_1_opens_with_an_empty_course_code():
    course = CourseFactory(training_line=1, sence_code="")
    session = requested(
        EnrolmentFactory(action=ActionFactory(course=course, code="RLAB-19-02-08-0071-1"))
    )
    fields = answer(session)
    assert fields["CodSence"] == ""
    post(session, "open", fields)
    assert again(session).state == State.OPEN


def test_line_1_contradicted_by_a_course_code_does_not_open():
    session = requested(EnrolmentFactory(action__course__training_line=1,
                                         action__course__sence_code=""))  # fmt: skip
    post(session, "open", answer(session, CodSence="1234567890"))
    assert last_verdict().reason == "No coincide con lo enviado: CodSence."
    assert again(session).state == State.REQUESTED


def test_stray_spaces_in_names_and_values_are_read_past():
    session = requested()
    fields = {f" {name} ": f"  {value} " for name, value in answer(session).items()}
    post(session, "open", fields)
    assert again(session).state == State.OPEN
    assert again(session).sence_session_id == "sence-1"
    assert last_verdict().reason == ""


def test_the_manuals_own_stray_space_after_the_lines_name_is_read_past():
    session = requested()
    fields = answer(session, LineaCapacitacion=None) | {"LineaCapacitacion ": "6"}
    post(session, "open", fields)
    assert last_verdict().reason == "No coincide con lo enviado: LineaCapacitacion."


def test_names_in_another_case_are_read():
    session = requested()
    post(session, "open", {name.upper(): value for name, value in answer(session).items()})
    assert again(session).state == State.OPEN


def test_a_field_repeated_with_the_same_value_is_one():
    session = requested()
    fields = [*answer(session).items(), *answer(session).items()]
    post(session, "open", fields)
    assert again(session).state == State.OPEN


@pytest.mark.parametrize("field", ECHOED)
def test_a_field_repeated_with_a_contradicting_value_contradicts(field):
    session = requested()
    fields = [*answer(session).items(), (field, ECHOED[field])]
    post(session, "open", fields)
    assert again(session).state == State.REQUESTED
    assert last_verdict().outcome == "contradiction"


def test_two_different_ids_of_sence_never_open():
    session = requested()
    post(session, "open", [*answer(session).items(), ("IdSesionSence", "sence-2")])
    assert again(session).state == State.REQUESTED
    assert last_verdict().outcome == "anomaly"


def test_an_error_rejects_the_session_and_says_what_to_do():
    session = requested()
    post(session, "open", answer(session, GlosaError="100", IdSesionSence=""), error=True)
    text = page(session)
    assert "Error en el inicio de asistencia Sence." in text
    for quoted in (
        *("Número Error:", "100", "Descripción:", "Contraseña incorrecta.", "Solución:"),
        *("Debe solicitar una nueva Cus, en la opción inferior", "Volver a intentar"),
    ):
        assert quoted in text
    session = again(session)
    assert session.state == State.REJECTED
    assert (session.error_glosa, session.error_phase) == ("100", "open")
    assert not StaffAlert.objects.exists()


def test_an_error_at_the_success_url_is_a_failure():
    session = requested()
    post(session, "open", answer(session, GlosaError="300"))
    assert again(session).state == State.REJECTED
    assert outcomes(session) == ["rejected"]


@pytest.mark.parametrize("glosa", [None, "", "  ", ";", " ; "])
def test_the_error_url_without_a_code_is_an_unknown_error_and_never_opens(glosa):
    session = requested()
    post(session, "open", answer(session, GlosaError=glosa), error=True)
    assert again(session).state == State.REJECTED
    assert "Sence respondió con un error, sin número." in page(session)


def test_an_empty_glosa_at_the_success_url_is_no_error():
    session = requested()
    post(session, "open", answer(session, GlosaError=""))
    assert again(session).state == State.OPEN


def test_several_codes_are_all_shown_and_alerted():
    session = requested()
    post(session, "open", answer(session, GlosaError="211;204"), error=True)
    text = page(session)
    assert text.index(">211<") < text.index("error 204.")
    assert last_verdict().glosa == "211;204"
    assert set(StaffAlert.objects.values_list("code", flat=True)) == {"211", "204"}


def test_the_code_that_the_student_can_act_on_comes_first():
    session = requested()
    post(session, "open", answer(session, GlosaError="300;311"), error=True)
    text = page(session)
    assert text.index(">311<") < text.index("error 300. Sence tuvo un error interno.")
    # One order alone: that of the other would contradict it.
    assert text.count("Solución:") == 1
    assert again(session).error_glosa == "300;311"
    assert list(StaffAlert.objects.values_list("code", flat=True)) == ["300"]


@pytest.mark.parametrize("code", ["999", "abc", "<b>x</b>", "9" * 60])
def test_an_unknown_code_gets_the_general_text_with_its_number_and_alerts_staff(code):
    session = requested()
    post(session, "open", answer(session, GlosaError=code), error=True)
    text = page(session)
    assert "que aún no conocemos" in text
    assert "<b>x</b>" not in text
    assert again(session).error_glosa == code
    assert StaffAlert.objects.get().code == code[:20]


def test_repeated_glosas_are_all_kept():
    session = requested()
    fields = [*answer(session, GlosaError="211").items(), ("GlosaError", "204")]
    post(session, "open", fields, error=True)
    assert again(session).error_glosa == "211;204"


def test_a_success_after_a_rejection_opens_and_clears_the_error():
    session = requested()
    post(session, "open", answer(session, GlosaError="312"), error=True)
    post(session, "open", answer(session))
    session = again(session)
    assert session.state == State.OPEN
    assert (session.error_glosa, session.error_phase, session.error_at) == ("", "", None)
    assert outcomes(session) == ["rejected", "opened"]
    assert "312" not in page(session)


def test_an_error_that_arrives_while_open_leaves_it_open():
    session = opened()
    before = facts(session)
    post(session, "open", answer(session, GlosaError="312", IdSesionSence=""), error=True)
    assert facts(session) == before
    assert outcomes(session) == ["late_error"]
    assert "Asistencia correctamente ingresada" in page(session)


def test_another_error_after_a_rejection_is_the_one_shown():
    session = requested()
    for glosa in ("312", "312", "208"):
        post(session, "open", answer(session, GlosaError=glosa), error=True)
    assert again(session).error_glosa == "208"
    assert outcomes(session) == ["rejected", "replay", "rejected"]


def test_an_alert_of_the_same_code_is_counted_once_an_hour(time_machine):
    time_machine.move_to("2026-11-23T13:05:00Z", tick=False)
    enrolment = EnrolmentFactory()
    for minutes in (0, 50, 5):
        time_machine.shift(timedelta(minutes=minutes))
        session = requested(enrolment)
        post(session, "open", answer(session, GlosaError="212"), error=True)
    hours = StaffAlert.objects.order_by("hour").values_list("code", "count")
    assert list(hours) == [("212", 2), ("212", 1)]


def test_a_late_success_takes_its_place_back_from_a_requested_sibling():
    enrolment = EnrolmentFactory()
    old = requested(enrolment, at=timezone.now() - timedelta(hours=4))
    new = requested(enrolment)
    assert new.pk != old.pk
    assert again(old).superseded_at
    post(old, "open", answer(old))
    assert again(old).is_live
    assert again(old).state == State.OPEN
    assert again(new).superseded_at
    assert not again(new).is_live


def test_a_late_success_beside_an_open_sibling_opens_and_stays_set_aside():
    enrolment = EnrolmentFactory()
    old = requested(enrolment, at=timezone.now() - timedelta(hours=4))
    new = requested(enrolment)
    post(new, "open", answer(new))
    post(old, "open", answer(old, IdSesionSence="sence-old"))
    assert again(old).state == State.OPEN
    assert again(old).superseded_at
    assert again(new).is_live


def test_a_late_success_after_a_rejected_start_and_a_new_one_takes_its_place_back():
    enrolment = EnrolmentFactory()
    old = requested(enrolment)
    post(old, "open", answer(old, GlosaError="312"), error=True)
    new = requested(enrolment)
    assert new.pk != old.pk
    post(old, "open", answer(old))
    assert again(old).is_live
    assert not again(new).is_live


def test_the_superseded_sibling_of_a_late_success_may_open_too_without_harm():
    enrolment = EnrolmentFactory()
    old = requested(enrolment, at=timezone.now() - timedelta(hours=4))
    new = requested(enrolment)
    post(old, "open", answer(old))
    post(new, "open", answer(new, IdSesionSence="sence-new"))
    assert again(old).is_live
    assert again(new).state == State.OPEN
    assert not again(new).is_live


def test_a_code_that_nobody_knows_becomes_a_draft_for_staff_to_write():
    session = requested()
    post(session, "open", answer(session, GlosaError="999;311"), error=True)
    assert [error.code for error in SenceError.objects.filter(is_draft=True)] == ["999"]


def test_an_error_that_comes_again_after_another_one_is_a_replay():
    session = requested()
    first, second = answer(session, GlosaError="204"), answer(session, GlosaError="311")
    post(session, "open", first, error=True)
    post(session, "open", second, error=True)
    before = facts(session)
    post(session, "open", first, error=True)
    assert outcomes(session) == ["rejected", "rejected", "replay"]
    assert facts(session) == before


@pytest.mark.django_db(transaction=True)
def test_a_success_asks_the_database_three_things():
    session = requested()
    # SQL is made once.
    lookups.unlocked(session.public_id)
    with CaptureQueriesContext(connection) as captured:
        post(session, "open", answer(session))
    assert outcomes(session) == ["opened"]
    asked = [query["sql"].split()[0] for query in captured]
    assert asked == ["INSERT", "SELECT", "WITH"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("glosa", ["", "211"])
def test_the_answer_waits_for_the_disk_and_what_follows_from_it_does_not(glosa):
    session = requested()
    waits = {}

    def look(execute, sql, *rest):
        if not (insert := re.search(r'INSERT INTO "(\w+)"', sql)):
            return execute(sql, *rest)
        # The transaction that the statement may be by itself.
        with transaction.atomic():
            found = execute(sql, *rest)
            waits[insert[1]] = synchronous_commit()
        return found

    with connection.execute_wrapper(look):
        post(session, "open", answer(session, GlosaError=glosa), error=bool(glosa))
    assert waits["attendance_sencecallback"] == "on"
    assert waits["attendance_callbackverdict"] == "off"
    assert synchronous_commit() == "on"


def synchronous_commit():
    return connection.connection.execute("SHOW synchronous_commit").fetchone()[0]
