"""Pressing start: who may, when, and which session comes of it."""

from datetime import date, datetime, timedelta

import pytest
from cryptography.fernet import Fernet
from django.test import Client
from django.utils import timezone

from attendance.models import AttendanceSession, StaffAlert, State
from attendance.starting import StartRefusedError, start
from courses.models import Enrolment
from tests.attendance_steps import (
    again,
    answer,
    choose,
    closing,
    facts,
    identified,
    opened,
    page,
    post,
    requested,
)
from tests.factories import ActionFactory, CourseFactory, EnrolmentFactory, OtecFactory

pytestmark = pytest.mark.django_db

LIMIT = timedelta(hours=3)
SECOND = timedelta(seconds=1)


def utc(text):
    return datetime.fromisoformat(f"{text}+00:00")


def refusal_of(enrolment, at=None):
    with pytest.raises(StartRefusedError) as refused:
        start(enrolment.pk, at or timezone.now())
    assert not enrolment.sessions.exists()
    return refused.value.key


def test_start_leads_to_a_page_with_the_form_for_sence():
    enrolment = EnrolmentFactory()
    client = identified(enrolment)
    response = choose(client, enrolment)
    session = AttendanceSession.objects.get()
    assert response.status_code == 303
    assert response["Location"] == session.get_absolute_url()
    assert session.state == State.REQUESTED
    assert "Inicia tu tiempo de asistencia Sence" in page(session, client)


def test_pressed_twice_it_is_the_same_session_with_the_same_ids():
    enrolment = EnrolmentFactory()
    client = identified(enrolment)
    first = choose(client, enrolment)
    before = facts(AttendanceSession.objects.get())
    second = choose(client, enrolment)
    assert first["Location"] == second["Location"]
    assert facts(AttendanceSession.objects.get()) == before


def test_in_two_tabs_or_on_two_phones_it_is_the_same_session():
    enrolment = EnrolmentFactory()
    tabs = [identified(enrolment), identified(enrolment)]
    pages = [choose(tab, enrolment)["Location"] for tab in tabs]
    assert pages[0] == pages[1]


def test_while_one_is_open_start_leads_to_it():
    session = opened()
    client = identified(session.enrolment)
    assert choose(client, session.enrolment)["Location"] == session.get_absolute_url()
    assert AttendanceSession.objects.count() == 1


def test_after_a_close_a_new_one_may_start_at_once():
    session = opened()
    post(session, "close", closing(session))
    assert start(session.enrolment_id, timezone.now()).pk != session.pk


def test_after_a_rejection_a_new_one_may_start_at_once():
    session = requested()
    post(session, "open", answer(session, GlosaError="312"), error=True)
    new = start(session.enrolment_id, timezone.now())
    assert new.pk != session.pk
    assert new.nonce != session.nonce
    assert new.student_session_id != session.student_session_id
    assert not again(session).superseded_at


@pytest.mark.parametrize(
    ("open_for", "is_new"), [(LIMIT - SECOND, False), (LIMIT, False), (LIMIT + SECOND, True)]
)
def test_an_open_session_is_kept_up_to_the_limit_and_superseded_past_it(
    time_machine, open_for, is_new
):
    time_machine.move_to("2026-11-23T12:00:00Z", tick=False)
    session = opened(EnrolmentFactory())
    time_machine.shift(open_for)
    new = start(session.enrolment_id, timezone.now())
    assert (new.pk != session.pk) == is_new
    session = again(session)
    assert session.superseded_at == (timezone.now() if is_new else None)
    assert session.state == State.OPEN
    assert session.is_overlong(timezone.now()) == is_new


@pytest.mark.parametrize(("waited", "is_new"), [(LIMIT, False), (LIMIT + SECOND, True)])
def test_a_stale_request_is_superseded(time_machine, waited, is_new):
    time_machine.move_to("2026-11-23T12:00:00Z", tick=False)
    session = requested(EnrolmentFactory())
    time_machine.shift(waited)
    new = start(session.enrolment_id, timezone.now())
    assert (new.pk != session.pk) == is_new
    assert bool(again(session).superseded_at) == is_new


def test_the_limit_is_a_setting(settings, time_machine):
    settings.SENCE_SESSION_HOURS = 5
    time_machine.move_to("2026-11-23T12:00:00Z", tick=False)
    session = opened(EnrolmentFactory())
    time_machine.shift(timedelta(hours=5))
    assert start(session.enrolment_id, timezone.now()).pk == session.pk
    time_machine.shift(SECOND)
    assert start(session.enrolment_id, timezone.now()).pk != session.pk


def test_a_request_whose_course_changed_is_superseded_and_the_new_data_sent():
    session = requested(EnrolmentFactory(action__code="7000001"))
    action = session.enrolment.action
    action.code = "7000002"
    action.save()
    new = start(session.enrolment_id, timezone.now())
    assert new.pk != session.pk
    assert again(session).superseded_at
    assert again(session).action_code == "7000001"
    assert 'name="CodigoCurso" value="7000002"' in page(new)


def test_an_open_session_whose_course_changed_goes_on():
    session = opened()
    action = session.enrolment.action
    action.code = "7000002"
    action.save()
    assert start(session.enrolment_id, timezone.now()).pk == session.pk


def test_a_superseded_session_still_open_is_what_start_leads_to():
    enrolment = EnrolmentFactory()
    old = requested(enrolment, at=timezone.now() - timedelta(hours=4))
    new = opened(enrolment)
    post(old, "open", answer(old, IdSesionSence="sence-old"))
    post(new, "close", closing(new))
    assert again(old).superseded_at
    assert start(enrolment.pk, timezone.now()).pk == old.pk


def test_a_resolved_session_is_out_of_the_way(admin_user):
    session = opened()
    session.mark_resolved(admin_user, "SENCE la cerró.", timezone.now())
    assert start(session.enrolment_id, timezone.now()).pk != session.pk


def test_an_exempt_student_is_not_sent():
    assert refusal_of(EnrolmentFactory(is_exempt=True)) == "exempt"


def test_a_withdrawn_student_is_not_sent():
    assert refusal_of(EnrolmentFactory(withdrawn_at=timezone.now())) == "withdrawn"


def test_a_withdrawn_student_may_still_close_what_is_open():
    session = opened()
    Enrolment.objects.withdraw(timezone.now())
    assert start(session.enrolment_id, timezone.now()).pk == session.pk


SUMMER_DAY = date(2026, 11, 23)
REPEATED = date(2027, 4, 3)
AFTER_SKIPPED = date(2027, 9, 5)


@pytest.mark.parametrize(
    ("day", "moment", "key"),
    [
        # UTC-3 in summer: the day begins and ends at 03:00 UTC.
        (SUMMER_DAY, "2026-11-23T02:59:59", "not_started"),
        (SUMMER_DAY, "2026-11-23T03:00:00", None),
        (SUMMER_DAY, "2026-11-24T02:59:59", None),
        (SUMMER_DAY, "2026-11-24T03:00:00", "ended"),
        # UTC-4 in winter.
        (date(2027, 7, 1), "2027-07-01T03:59:59", "not_started"),
        (date(2027, 7, 1), "2027-07-01T04:00:00", None),
        (date(2027, 7, 1), "2027-07-02T03:59:59", None),
        (date(2027, 7, 1), "2027-07-02T04:00:00", "ended"),
        # In April the hour from 23:00 comes twice, before midnight.
        (REPEATED, "2027-04-04T02:59:59", None),
        (REPEATED, "2027-04-04T03:00:00", None),
        (REPEATED, "2027-04-04T03:59:59", None),
        (REPEATED, "2027-04-04T04:00:00", "ended"),
        (date(2027, 4, 4), "2027-04-04T03:59:59", "not_started"),
        (date(2027, 4, 4), "2027-04-04T04:00:00", None),
        # In September the day begins at 01:00.
        (AFTER_SKIPPED, "2027-09-05T03:59:59", "not_started"),
        (AFTER_SKIPPED, "2027-09-05T04:00:00", None),
        (date(2027, 9, 4), "2027-09-05T03:59:59", None),
        (date(2027, 9, 4), "2027-09-05T04:00:00", "ended"),
    ],
)
def test_the_days_of_an_action_are_those_of_chiles_calendar(day, moment, key):
    enrolment = EnrolmentFactory(action__starts_on=day, action__ends_on=day)
    if key:
        assert refusal_of(enrolment, utc(moment)) == key
    else:
        assert start(enrolment.pk, utc(moment)).requested_at == utc(moment)


def test_a_session_opened_on_the_last_day_is_closed_after_it(time_machine):
    time_machine.move_to("2026-11-24T02:00:00Z", tick=False)
    session = opened(EnrolmentFactory(action__starts_on=SUMMER_DAY, action__ends_on=SUMMER_DAY))
    time_machine.shift(timedelta(hours=2))
    assert "Cerrar Sesión Sence" in page(session)
    post(session, "close", closing(session))
    assert again(session).state == State.CLOSED


def test_a_course_without_a_token_is_not_sent_and_staff_are_told_once_an_hour(time_machine):
    time_machine.move_to("2026-11-23T13:10:00Z", tick=False)
    enrolment = EnrolmentFactory()
    otec = enrolment.action.course.otec
    otec.token_ciphertext = ""
    otec.save()
    client = identified(enrolment)
    for minutes in (0, 20, 40):
        time_machine.shift(timedelta(minutes=minutes))
        response = choose(client, enrolment)
        assert response.status_code == 200
        assert "todavía no se puede enviar a Sence" in response.content.decode()
        assert "cursos@usecap.cl" in response.content.decode()
    assert not AttendanceSession.objects.exists()
    alerts = StaffAlert.objects.order_by("hour")
    assert [(a.code, a.count) for a in alerts] == [("token", 2), ("token", 1)]
    assert alerts[0].action_code == enrolment.action.code
    assert alerts[0].reason == "El OTEC no tiene token. Ingréselo en la ficha del OTEC."


def test_a_token_that_is_no_guid_is_not_sent():
    otec = OtecFactory(token="no-es-un-guid")
    enrolment = EnrolmentFactory(action__course=CourseFactory(otec=otec))
    response = choose(identified(enrolment), enrolment)
    assert "todavía no se puede enviar a Sence" in response.content.decode()
    assert StaffAlert.objects.get().code == "303"
    assert "no-es-un-guid" not in StaffAlert.objects.get().reason


def test_callback_urls_too_long_for_sence_are_not_sent(settings):
    settings.PUBLIC_BASE_URL = "https://" + "a" * 60 + ".cl"
    enrolment = EnrolmentFactory()
    assert refusal_of(enrolment) == "not_ready"
    choose(identified(enrolment), enrolment)
    assert set(StaffAlert.objects.values_list("code", flat=True)) == {"202", "203"}


def test_the_unverified_codes_go_to_sences_test_environment():
    course = CourseFactory(sence_code="-1")
    enrolment = EnrolmentFactory(action=ActionFactory(course=course, code="-1"))
    text = page(requested(enrolment))
    assert 'name="CodSence" value="-1"' in text
    assert 'name="CodigoCurso" value="-1"' in text


def test_a_lost_key_stops_starts_with_a_clear_text_and_never_a_callback(settings):
    enrolment = EnrolmentFactory()
    waiting, running = requested(), opened()
    settings.TOKEN_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    response = choose(identified(enrolment), enrolment)
    assert "todavía no se puede enviar a Sence" in response.content.decode()
    assert not enrolment.sessions.exists()
    for session in (waiting, running):
        text = page(session)
        assert "todavía no se puede enviar a Sence" in text
        assert 'name="Token"' not in text
    post(waiting, "open", answer(waiting))
    assert again(waiting).state == State.OPEN
    post(running, "close", closing(running))
    assert again(running).state == State.CLOSED
    post(waiting, "close", closing(waiting, GlosaError="301"), error=True)
    assert again(waiting).error_glosa == "301"


@pytest.mark.parametrize("keys", [[], ["mal-formada"]])
def test_missing_or_malformed_keys_are_no_error_500(settings, keys):
    session = requested()
    settings.TOKEN_ENCRYPTION_KEYS = keys
    assert "todavía no se puede enviar a Sence" in page(session)
    client = identified(session.enrolment)
    assert choose(client, session.enrolment).status_code == 200


def test_retrying_from_the_page_starts_anew_and_needs_csrf():
    session = requested()
    post(session, "open", answer(session, GlosaError="312"), error=True)
    client = Client(enforce_csrf_checks=True)
    url = f"{session.get_absolute_url()}reintentar/"
    assert client.post(url).status_code == 403
    assert AttendanceSession.objects.count() == 1
    client.get(session.get_absolute_url())
    token = client.cookies["csrftoken"].value
    response = client.post(url, headers={"x-csrftoken": token})
    assert response.status_code == 303
    assert response["Location"] == AttendanceSession.objects.live().get().get_absolute_url()
    # "Volver a intentar", where the database was away: nothing is started by a link.
    assert client.get(url)["Location"] == session.get_absolute_url()
    assert AttendanceSession.objects.count() == 2
