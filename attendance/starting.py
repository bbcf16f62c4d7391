"""How a session starts: once per enrolment however often it is asked for, and never for a course
that SENCE would refuse."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from attendance import alerts
from attendance.models import AttendanceSession, session_limit
from attendance.sence.callback_urls import public_id
from attendance.sence.outgoing import Refusal, form_fields, form_url, refusals
from courses.models import Action, Enrolment, Environment, Student
from courses.tokens import TokenUnavailableError

NO_TOKEN = "token"  # noqa: S105 - the code of an alert


class StartRefusedError(Exception):
    """The student can't start. `key` names the text to show, `enrolment` says of which course."""

    def __init__(self, key: str, enrolment: Enrolment):
        super().__init__(key)
        self.key = key
        self.enrolment = enrolment


def start(enrolment_id: int, now: datetime) -> AttendanceSession:
    """Return the session that the student goes on with: open, requested, or a new one.

    Pressed twice, in two tabs or at once, it returns the same session. What is past the limit, or
    was requested with other data or long ago, is superseded. Raises StartRefusedError, with `key`
    one of withdrawn, exempt, not_started, ended, not_ready; Enrolment.DoesNotExist.
    """
    with transaction.atomic():
        enrolment = (
            Enrolment.objects.select_for_update(no_key=True, of=("self",))
            .select_related("student", "action__course__otec")
            .get(pk=enrolment_id)
        )
        return _continue_or_create(enrolment, now)


def _continue_or_create(enrolment: Enrolment, now: datetime) -> AttendanceSession:
    sessions = enrolment.sessions.filter(closed_at=None).unsettled()
    unfinished = list(sessions.exclude(opened_at=None, rejected_at__isnull=False))
    for session in unfinished:
        if session.opened_at and not session.is_past_limit(now):
            return session
    new = _snapshot(enrolment, now)
    _refuse_if_not_allowed(enrolment, new, now)
    live = [session for session in unfinished if session.is_live]
    for session in live:
        if session.matches(new) and session.requested_at >= now - session_limit():
            return session
    if live:
        sessions.live().update(superseded_at=now)
    new.save(force_insert=True)
    return new


def _snapshot(enrolment: Enrolment, now: datetime) -> AttendanceSession:
    action, course = enrolment.action, enrolment.action.course
    session = AttendanceSession(
        enrolment=enrolment,
        otec=course.otec,
        environment=action.environment,
        course_name=course.name,
        close_required=action.close_required,
        otec_rut=course.otec.rut,
        sence_code=course.sence_code,
        action_code=action.code,
        training_line=course.training_line,
        run=enrolment.student.run,
        requested_at=now,
    )
    session.public_id = public_id(session.nonce)
    return session


def _refuse_if_not_allowed(enrolment: Enrolment, session: AttendanceSession, now: datetime) -> None:
    today = timezone.localdate(now)
    if enrolment.withdrawn_at:
        raise StartRefusedError("withdrawn", enrolment)
    if enrolment.is_exempt:
        raise StartRefusedError("exempt", enrolment)
    if today < enrolment.action.starts_on:
        raise StartRefusedError("not_started", enrolment)
    if today > enrolment.action.ends_on:
        raise StartRefusedError("ended", enrolment)
    if preflight(session):
        raise StartRefusedError("not_ready", enrolment)


def preflight(session: AttendanceSession) -> list[Refusal]:
    """Return why SENCE would refuse to open this session; [] where nothing is known against it."""
    test = session.environment == Environment.TEST
    try:
        return refusals(sence_form(session, "open")["fields"], test=test)
    except TokenUnavailableError as error:
        # What else there is to correct is worth knowing at once.
        fields = form_fields(session, "open", token="", base_url=settings.PUBLIC_BASE_URL)
        others = [found for found in refusals(fields, test=test) if found.field != "Token"]
        return [Refusal(NO_TOKEN, "Token", str(error)), *others]


def preflight_action(action: Action) -> list[Refusal]:
    """Return why SENCE would refuse an action, whoever the student. Contacts and saves nothing."""
    anyone = Enrolment(action=action, student=Student(run="11111111-1"))
    return preflight(_snapshot(anyone, timezone.now()))


def alert_staff_of_preflight(enrolment: Enrolment, now: datetime) -> None:
    """Leave an alert for each reason for which the enrolment's course is not sent to SENCE."""
    session = _snapshot(enrolment, now)
    for refusal in preflight(session):
        alerts.raise_alert(session, refusal.code, refusal.reason, now)


def base_url(environment: str) -> str:
    """Return the configured address of SENCE for an environment, which ends in `/Registro/`."""
    return {
        Environment.PRODUCTION: settings.SENCE_PRODUCTION_URL,
        Environment.TEST: settings.SENCE_TEST_URL,
    }[Environment(environment)]


def sence_form(session: AttendanceSession, phase: str) -> dict:
    """Return the form that takes the student to SENCE: `url`, and `fields` with the token in them.

    Raises TokenUnavailableError where the OTEC has no token that can be read.
    """
    return {
        "url": form_url(base_url(session.environment), phase),
        "fields": form_fields(
            session, phase, token=session.otec.token(), base_url=settings.PUBLIC_BASE_URL
        ),
    }
