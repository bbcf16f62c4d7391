"""SENCE's answer to a close: what it may and may not do."""

from datetime import timedelta

import pytest
from django.utils import timezone

from attendance.models import StaffAlert, State
from tests.attendance_steps import (
    again,
    answer,
    closing,
    facts,
    last_verdict,
    opened,
    outcomes,
    page,
    post,
    requested,
)
from tests.factories import EnrolmentFactory, StudentFactory

pytestmark = pytest.mark.django_db

ECHOED = {
    "IdSesionAlumno": "another-attempt",
    "IdSesionSence": "another-session",
    "RunAlumno": "5126663-3",
    # None that the factory gives to a course.
    "CodSence": "9900000001",
    "CodigoCurso": "9999999",
    "LineaCapacitacion": "6",
}


def test_a_success_closes_the_session_and_says_so():
    session = opened()
    response = post(session, "close", closing(session, FechaHora="2026-11-23 10:00:00"))
    assert response.status_code == 303
    assert response["Location"] == session.get_absolute_url()
    text = page(session)
    assert "Sesión correctamente cerrada" in text
    assert "Cerrar ventana" in text
    session = again(session)
    assert session.state == State.CLOSED
    assert session.closed_sence_time == "2026-11-23 10:00:00"
    assert session.closed_sence_zone == "America/Santiago"


def test_the_duration_comes_from_our_clock_not_from_sences():
    session = opened(at=timezone.now() - timedelta(hours=2))
    post(session, "close", closing(session, FechaHora="1999-01-01 00:00:00"))
    duration = again(session).duration(timezone.now())
    assert timedelta(hours=2) <= duration < timedelta(hours=2, minutes=5)


def test_an_exact_replay_is_kept_and_changes_nothing():
    session = opened()
    post(session, "close", closing(session))
    before = facts(session)
    post(session, "close", closing(session))
    assert facts(session) == before
    assert outcomes(session) == ["closed", "replay"]


def test_an_opening_replayed_after_the_close_changes_nothing():
    session = opened()
    post(session, "close", closing(session))
    before = facts(session)
    post(session, "open", answer(session))
    assert facts(session) == before
    assert outcomes(session) == ["closed", "replay"]


@pytest.mark.parametrize("field", ECHOED)
@pytest.mark.parametrize("error", [False, True])
def test_a_contradicting_field_is_kept_with_the_reason_and_changes_nothing(field, error):
    session = opened()
    before = facts(session)
    post(session, "close", closing(session, **{field: ECHOED[field]}), error=error)
    assert facts(session) == before
    assert last_verdict().outcome == "contradiction"
    assert last_verdict().reason == f"No coincide con lo enviado: {field}."


def test_the_right_id_of_sence_in_a_close_is_no_contradiction():
    session = opened()
    post(session, "close", closing(session, IdSesionSence="sence-1"))
    assert again(session).state == State.CLOSED


def test_the_case_of_the_check_digits_k_is_no_contradiction():
    session = opened(EnrolmentFactory(student=StudentFactory(run="10000013-k")))
    post(session, "close", closing(session, RunAlumno="10000013-K"))
    assert again(session).state == State.CLOSED


@pytest.mark.parametrize(
    "field",
    ["CodigoCurso", "IdSesionAlumno", "RunAlumno", "FechaHora", "ZonaHoraria", "LineaCapacitacion"],
)
def test_a_field_that_did_not_come_is_tolerated_and_noted(field):
    session = opened()
    post(session, "close", closing(session, **{field: None}))
    assert again(session).state == State.CLOSED
    assert last_verdict().reason == f"No llegó: {field}."


def test_a_close_on_a_session_that_never_opened_is_kept_as_an_anomaly():
    session = requested()
    before = facts(session)
    post(session, "close", closing(session))
    assert facts(session) == before
    assert last_verdict().outcome == "anomaly"


def test_a_close_on_a_rejected_session_is_kept_as_an_anomaly():
    session = requested()
    post(session, "open", answer(session, GlosaError="312"), error=True)
    before = facts(session)
    post(session, "close", closing(session))
    assert facts(session) == before
    assert last_verdict().outcome == "anomaly"


def test_a_close_error_on_a_session_that_never_opened_is_an_anomaly():
    session = requested()
    before = facts(session)
    post(session, "close", closing(session, GlosaError="301"), error=True)
    assert facts(session) == before
    assert last_verdict().outcome == "anomaly"


def test_a_close_without_any_field_of_sences_closes_nothing():
    session = opened()
    post(session, "close", b"")
    assert again(session).state == State.OPEN
    assert last_verdict().outcome == "anomaly"


def test_a_close_error_keeps_the_session_open_and_offers_the_close_again():
    session = opened()
    post(session, "close", closing(session, GlosaError="301"), error=True)
    assert again(session).state == State.OPEN
    text = page(session)
    assert "Error en el cierre de asistencia Sence." in text
    assert ">301<" in text
    assert "Cerrar Sesión Sence" in text
    assert 'name="IdSesionSence" value="sence-1"' in text
    assert StaffAlert.objects.get().code == "301"


def test_a_close_after_a_close_error_closes_and_clears_the_error():
    session = opened()
    post(session, "close", closing(session, GlosaError="301"), error=True)
    post(session, "close", closing(session))
    session = again(session)
    assert session.state == State.CLOSED
    assert (session.error_glosa, session.error_phase, session.error_at) == ("", "", None)
    assert outcomes(session) == ["close_failed", "closed"]


def test_an_error_at_the_success_url_does_not_close():
    session = opened()
    post(session, "close", closing(session, GlosaError="312"))
    assert again(session).state == State.OPEN
    assert outcomes(session) == ["close_failed"]


@pytest.mark.parametrize("fields", [{}, {"GlosaError": ""}])
def test_the_error_url_without_a_code_does_not_close(fields):
    session = opened()
    post(session, "close", closing(session) | fields, error=True)
    assert again(session).state == State.OPEN
    assert "Sence respondió con un error, sin número." in page(session)


def test_a_late_error_after_the_close_changes_nothing():
    session = opened()
    post(session, "close", closing(session))
    before = facts(session)
    post(session, "close", closing(session, GlosaError="301"), error=True)
    assert facts(session) == before
    assert outcomes(session) == ["closed", "late_error"]


def test_a_close_that_sence_confirms_later_closes_a_superseded_overlong_session():
    enrolment = EnrolmentFactory()
    old = opened(enrolment, at=timezone.now() - timedelta(hours=5))
    new = requested(enrolment)
    assert again(old).superseded_at
    post(old, "close", closing(old))
    assert again(old).state == State.CLOSED
    assert again(new).is_live


def test_a_close_that_sence_confirms_later_closes_what_staff_resolved(admin_user):
    session = opened(at=timezone.now() - timedelta(hours=5))
    session.mark_resolved(admin_user, "No volvió.", timezone.now())
    post(session, "close", closing(session))
    session = again(session)
    assert session.state == State.CLOSED
    assert session.resolution == "No volvió."


def test_an_answer_posted_to_the_other_phases_url_does_not_open():
    session = requested()
    post(session, "close", answer(session))
    assert again(session).state == State.REQUESTED


def test_an_answer_without_an_id_of_sence_posted_to_the_opening_url_does_not_close():
    session = opened()
    post(session, "open", closing(session))
    assert again(session).state == State.OPEN
    assert last_verdict().outcome == "anomaly"


def test_the_same_error_again_is_a_replay_and_alerts_nobody_again():
    session = opened()
    fields = closing(session, GlosaError="301")
    post(session, "close", fields, error=True)
    before = facts(session)
    post(session, "close", fields, error=True)
    assert outcomes(session) == ["close_failed", "replay"]
    assert facts(session) == before
    assert StaffAlert.objects.get().count == 1


def test_a_close_that_failed_again_later_is_no_replay():
    session = opened()
    for time in ("2026-11-23 12:00:00", "2026-11-23 12:10:00"):
        fields = closing(session, GlosaError="301", FechaHora=time)
        post(session, "close", fields, error=True)
    assert outcomes(session) == ["close_failed", "close_failed"]
    assert StaffAlert.objects.get().count == 2
