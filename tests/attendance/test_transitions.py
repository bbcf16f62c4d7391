"""Each transition, from each state: it works from the right ones and changes nothing elsewhere."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from attendance.models import State, WrongStateError
from tests.attendance_steps import again, facts, opened, requested

pytestmark = pytest.mark.django_db

CLOCK = {"time": "2026-11-23 10:00:00", "zone": "America/Santiago"}


def in_state(state, now):
    session = requested() if state in (State.REQUESTED, State.REJECTED) else opened()
    if state == State.REJECTED:
        session.mark_rejected("312", now)
    if state == State.CLOSED:
        session.mark_closed(now, **CLOCK)
    assert session.state == state
    return session


TRANSITIONS = {
    "mark_opened": (
        lambda session, now: session.mark_opened("sence-2", now, **CLOCK),
        {State.REQUESTED: State.OPEN, State.REJECTED: State.OPEN},
    ),
    "mark_rejected": (
        lambda session, now: session.mark_rejected("208", now),
        {State.REQUESTED: State.REJECTED, State.REJECTED: State.REJECTED},
    ),
    "mark_close_failed": (
        lambda session, now: session.mark_close_failed("301", now),
        {State.OPEN: State.OPEN},
    ),
    "mark_closed": (
        lambda session, now: session.mark_closed(now, **CLOCK),
        {State.OPEN: State.CLOSED},
    ),
}


@pytest.mark.parametrize("name", TRANSITIONS)
@pytest.mark.parametrize("state", State)
def test_a_transition_works_from_its_states_and_refuses_the_others(name, state):
    now = timezone.now()
    transition, leads = TRANSITIONS[name]
    session = in_state(state, now)
    before = facts(session)
    if state in leads:
        transition(session, now)
        assert again(session).state == leads[state]
        assert facts(session) != before or (name, state) == ("mark_rejected", State.REJECTED)
    else:
        with pytest.raises(WrongStateError):
            transition(session, now)
        assert facts(session) == before
        session.save()
        assert facts(session) == before


@pytest.mark.parametrize("state", [State.REQUESTED, State.OPEN, State.REJECTED])
def test_staff_resolve_a_session_by_name_and_with_a_reason(state, admin_user):
    now = timezone.now()
    session = in_state(state, now)
    session.mark_resolved(admin_user, " SENCE no respondió. ", now)
    session = again(session)
    assert session.resolved_at == now
    assert session.resolved_by == admin_user
    assert session.resolution == "SENCE no respondió."
    assert session.state == state
    assert not session.is_live


def test_a_resolved_or_closed_session_is_not_resolved_again(admin_user):
    now = timezone.now()
    resolved, closed = in_state(State.OPEN, now), in_state(State.CLOSED, now)
    resolved.mark_resolved(admin_user, "Una razón.", now)
    for session in (resolved, closed):
        before = facts(session)
        with pytest.raises(WrongStateError):
            session.mark_resolved(admin_user, "Otra razón.", now)
        assert facts(session) == before


@pytest.mark.parametrize("reason", ["", "   ", "\n\t"])
def test_a_resolution_without_a_reason_is_refused(reason, admin_user):
    session = requested()
    before = facts(session)
    with pytest.raises(ValueError, match="motivo"):
        session.mark_resolved(admin_user, reason, timezone.now())
    assert facts(session) == before


def test_a_resolution_without_a_name_is_refused():
    session = requested()
    before = facts(session)
    with pytest.raises(IntegrityError), transaction.atomic():
        session.mark_resolved(None, "Una razón.", timezone.now())
    assert facts(session) == before


def test_a_resolved_session_that_opens_late_stays_resolved(admin_user):
    now = timezone.now()
    session = in_state(State.REQUESTED, now)
    session.mark_resolved(admin_user, "No volvió.", now)
    session.mark_opened("sence-1", now, **CLOCK)
    session = again(session)
    assert session.state == State.OPEN
    assert session.resolved_at
    assert not session.is_live


def test_the_duration_is_ours_and_never_negative():
    now = timezone.now()
    assert requested().duration(now) == timedelta(0)
    session = opened(at=now)
    assert session.duration(now + timedelta(minutes=5)) == timedelta(minutes=5)
    assert session.duration(now - timedelta(minutes=5)) == timedelta(0)
    session.mark_closed(now + timedelta(hours=1), **CLOCK)
    assert session.duration(now + timedelta(days=1)) == timedelta(hours=1)
