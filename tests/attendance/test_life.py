"""A student's whole way through sessions, at random and through HTTP, beside a model of it.

Two tabs start, hours go by, SENCE's answers come to any of the sessions, in any order, late,
wrong, and each of them twice, and staff resolve some of the sessions. After each step the database
says what the model says.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from attendance.models import AttendanceSession, SenceCallback, State
from tests.attendance_steps import answer, choose, closing, post
from tests.backoffice.staff import browser_of, member
from tests.factories import EnrolmentFactory
from tests.fuzzing import examples

BEGIN = datetime(2026, 11, 2, 12, tzinfo=UTC)
LIMIT = timedelta(hours=3)
WAITS = [timedelta(minutes=1), timedelta(hours=1), LIMIT + timedelta(minutes=1)]
# Too old for the RUT's cookie.
WAITS_OR_SLEEPS = [*WAITS, timedelta(hours=13)]
GLOSAS = ["312", "208;999", ""]
WRONG = {"RunAlumno": "5126663-3", "IdSesionAlumno": "x", "CodigoCurso": "9999999"}

RESOLVE = "/admin/attendance/attendancesession/"

tabs = st.integers(0, 1)
sessions = st.integers(0, 2)
phases = st.sampled_from(["open", "close"])


@dataclass
class Expected:
    """What has to be true of a session."""

    row: AttendanceSession
    requested_at: datetime
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    is_rejected: bool = False
    is_set_aside: bool = False
    resolved_at: datetime | None = None
    sence_id: str = ""
    error: tuple[str, str] = ("", "")
    outcomes: list[str] = field(default_factory=list)
    errors: set[tuple] = field(default_factory=set)

    @property
    def state(self):
        if self.closed_at:
            return State.CLOSED
        if self.opened_at:
            return State.OPEN
        return State.REJECTED if self.is_rejected else State.REQUESTED

    @property
    def is_live(self):
        set_aside = self.is_set_aside or self.resolved_at
        return not set_aside and self.state in (State.REQUESTED, State.OPEN)

    @property
    def is_settled(self):
        """Resolved as it is: where SENCE opened it after that, the student goes on with it."""
        return bool(self.resolved_at and not (self.opened_at and self.opened_at > self.resolved_at))

    def is_open_within_limit(self, now):
        is_open = self.state == State.OPEN and not self.is_settled
        return is_open and now - self.opened_at <= LIMIT

    @property
    def facts(self):
        return (
            *(self.state, self.opened_at, self.closed_at, self.is_rejected, self.is_set_aside),
            *(self.resolved_at, self.sence_id, *self.error, self.outcomes),
        )


@dataclass(frozen=True)
class Sent:
    """An answer of SENCE's, as a student's browser may post it again."""

    number: int
    phase: str
    error: bool
    fields: tuple[tuple[str, str], ...]

    def get(self, name):
        return dict(self.fields).get(name, "")

    @property
    def is_contradiction(self):
        return any(self.get(name) == value for name, value in WRONG.items())


def staff_at_work():
    """Somebody of staff, however many hours go by."""
    browser = browser_of(member("Coordinador", f"persona-{User.objects.count()}"))
    session = browser.session
    session.set_expiry(timedelta(days=365))
    session.save()
    return browser


def facts_of(row):
    return (
        *(row.state, row.opened_at, row.closed_at, bool(row.rejected_at), bool(row.superseded_at)),
        *(row.resolved_at, row.sence_session_id, row.error_phase, row.error_glosa),
        [verdict.outcome for verdict in row.verdicts.order_by("pk")],
    )


class Life(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        cache.clear()
        self.traveller = time_machine.travel(BEGIN, tick=False)
        self.clock = self.traveller.start()
        self.browsers = [Client(), Client()]
        self.expected: list[Expected] = []
        self.sent: list[Sent] = []
        self.count = 0

    def teardown(self):
        self.traveller.stop()

    @initialize(
        close_required=st.booleans(), waits=st.lists(st.sampled_from(WAITS[1:]), max_size=2)
    )
    def enrolled(self, close_required, waits):
        self.staff = staff_at_work()
        self.enrolment = EnrolmentFactory(action__close_required=close_required)
        for wait in [*waits, WAITS[0]]:
            self.start(0)
            self.wait(wait)

    @rule(wait=st.sampled_from(WAITS_OR_SLEEPS))
    def wait(self, wait):
        self.clock.shift(wait)

    @rule(tab=tabs)
    def start(self, tab):
        """Type the RUT, which leads to a timer where there is one, and choose the course."""
        client = self.browsers[tab]
        typed = client.post("/", {"rut": self.enrolment.student.run})
        timer = self.to_come_back_to()
        assert typed["Location"] == (timer.row.get_absolute_url() if timer else "/cursos/")
        self.leads_on(choose(client, self.enrolment))

    @rule(tab=tabs, number=sessions)
    def start_again(self, tab, number):
        """Look at the page of any session, that of another tab for one, and press its button."""
        session = self.any(number)
        path = session.row.get_absolute_url()
        assert self.browsers[tab].get(path).status_code == 200
        assert self.browsers[tab].get(f"{path}reloj/").json()["state"] == session.state
        self.leads_on(self.browsers[tab].post(f"{path}reintentar/"))

    @rule(order=st.permutations([0, 1, 2]), sence_id=st.sampled_from(["sence-1", "sence-2"]))
    def open_all(self, order, sence_id):
        """The student logs in at SENCE at last, in tabs that were left there for hours."""
        for number in order[: len(self.expected)]:
            self.open(number, sence_id)

    @rule(number=sessions, sence_id=st.sampled_from(["sence-1", "sence-2", None]))
    def open(self, number, sence_id):
        self.answer(number, "open", IdSesionSence=sence_id)

    @rule(
        number=sessions,
        sence_id=st.sampled_from([None, None, "sence-1", "sence-2"]),
        error_late=st.booleans(),
    )
    def close(self, number, sence_id, error_late):
        number = self.opened(number)
        self.answer(number, "close", IdSesionSence=sence_id)
        if error_late:
            self.answer(number, "close", error=True, GlosaError="301")

    @rule(
        number=sessions,
        error=st.booleans(),
        glosa=st.sampled_from(GLOSAS),
        opens_late=st.booleans(),
    )
    def refuse_to_open(self, number, error, glosa, opens_late):
        self.answer(number, "open", error=error, GlosaError=glosa)
        if opens_late:
            self.answer(number, "open")

    @rule(number=sessions, error=st.booleans(), glosa=st.sampled_from(GLOSAS))
    def refuse_to_close(self, number, error, glosa):
        self.answer(self.opened(number), "close", error=error, GlosaError=glosa)

    @rule(number=sessions, phase=phases, error=st.booleans(), name=st.sampled_from(sorted(WRONG)))
    def contradict(self, number, phase, error, name):
        self.answer(number, phase, error=error, **{name: WRONG[name]})

    @rule(number=sessions, closes_first=st.booleans(), opens_late=st.booleans())
    def resolve(self, number, closes_first, opens_late):
        """Staff set a session aside; what SENCE says of it later is followed all the same."""
        if closes_first:
            number = self.opened(number)
            self.answer(number, "close")
        session = self.any(number)
        fields = {"action": "resolve", "_selected_action": [session.row.pk]}
        confirmed = {"confirmada": "1", "reason": "Se cerró por teléfono"}
        page = self.staff.post(RESOLVE, fields | confirmed, follow=True).content.decode()
        refused = session.resolved_at or session.closed_at
        assert f"Sesiones resueltas: {0 if refused else 1}." in page
        if not refused:
            session.resolved_at = timezone.now()
        self.clock.shift(timedelta(seconds=1))
        if opens_late:
            self.answer(number, "open")
            self.start(0)

    @precondition(lambda self: self.sent)
    @rule(which=st.integers(0, 20))
    def deliver_again(self, which):
        """The back button, long after."""
        self.deliver(self.sent[which % len(self.sent)])

    @invariant()
    def the_database_says_the_same(self):
        rows = AttendanceSession.objects.filter(enrolment__in=self.enrolments()).order_by("pk")
        assert [facts_of(row) for row in rows] == [session.facts for session in self.expected]
        assert len([row for row in rows if row.is_live]) <= 1
        kept = SenceCallback.objects.filter(public_id__in=[row.public_id for row in rows])
        assert kept.count() == self.count

    def enrolments(self):
        return [self.enrolment] if hasattr(self, "enrolment") else []

    def nth(self, number):
        return number % len(self.expected)

    def any(self, number):
        return self.expected[self.nth(number)]

    def opened(self, number):
        """One of those that were opened, or any before there are some."""
        were = [n for n, session in enumerate(self.expected) if session.opened_at]
        return were[number % len(were)] if were else number

    def answer(self, number, phase, *, error=False, **changes):
        row = self.any(number).row
        fields = (answer if phase == "open" else closing)(row, **changes)
        self.sent.append(Sent(self.nth(number), phase, error, tuple(fields.items())))
        self.deliver(self.sent[-1])
        before = [session.facts[:-1] for session in self.expected]
        self.deliver(self.sent[-1])
        # Of the model: that the database says the same is looked at next.
        assert [session.facts[:-1] for session in self.expected] == before

    def deliver(self, sent):
        self.clock.shift(timedelta(seconds=1))
        session = self.expected[sent.number]
        body = urlencode(sent.fields).encode()
        response = post(session.row, sent.phase, body, error=sent.error)
        assert response.status_code == 303
        assert response["Location"] == session.row.get_absolute_url()
        self.count += 1
        session.outcomes.append(self.becomes(session, sent))

    def leads_on(self, response):
        """Starting led to the session that goes on, or to a new one that sets aside the others."""
        now = timezone.now()
        assert response.status_code == 303
        going_on = self.going_on(now)
        if going_on:
            assert response["Location"] == going_on.row.get_absolute_url()
            return
        for session in self.expected:
            session.is_set_aside |= session.is_live
        row = AttendanceSession.objects.latest("pk")
        assert response["Location"] == row.get_absolute_url()
        self.expected.append(Expected(row, now))
        self.clock.shift(timedelta(seconds=1))

    def going_on(self, now):
        latest_first = self.expected[::-1]
        within = [session for session in latest_first if session.is_open_within_limit(now)]
        waiting = [
            session
            for session in latest_first
            if session.is_live and not session.opened_at and now - session.requested_at <= LIMIT
        ]
        return next(iter([*within, *waiting]), None)

    def to_come_back_to(self):
        """The timer that the student sees again: the last that was opened and waits for a close."""
        now = timezone.now()
        closes = self.enrolment.action.close_required
        unfinished = [
            session
            for session in self.expected
            if session.is_open_within_limit(now)
            or (session.state == State.OPEN and self.waits_for_its_close(session) and closes)
        ]
        return max(unfinished, key=lambda session: session.opened_at, default=None)

    def waits_for_its_close(self, session):
        return not session.is_set_aside and not session.is_settled

    def becomes(self, session, sent):
        """What the answer has to come to; the model is as it has to be after it."""
        failed = sent.error or sent.get("GlosaError")
        other = sent.get("IdSesionSence") not in ("", session.sence_id)
        if sent.is_contradiction or (sent.phase == "close" and session.opened_at and other):
            return "contradiction"
        if failed:
            return self.becomes_of_error(session, sent)
        if sent.phase == "open":
            return self.becomes_of_opening(session, sent)
        if not session.opened_at:
            return "anomaly"
        if session.closed_at:
            return "replay"
        session.closed_at, session.error = timezone.now(), ("", "")
        return "closed"

    def becomes_of_opening(self, session, sent):
        sence_id = sent.get("IdSesionSence")
        if not sence_id or session.sence_id not in ("", sence_id):
            return "anomaly"
        if session.opened_at:
            return "replay"
        was_live = session.is_live
        session.opened_at, session.sence_id, session.error = timezone.now(), sence_id, ("", "")
        others = [other for other in self.expected if other is not session and other.is_live]
        if not was_live and not session.resolved_at:
            # It takes its place back from one that nobody opened.
            session.is_set_aside = any(other.opened_at for other in others)
            for other in others:
                other.is_set_aside |= not other.opened_at
        return "opened"

    def becomes_of_error(self, session, sent):
        glosa = sent.get("GlosaError")
        before = {State.REQUESTED, State.REJECTED}
        if sent.phase == "close" and session.state in before:
            return "anomaly"
        this = (sent.phase, sent.error, sent.fields)
        is_known = this in session.errors
        if session.state == State.REJECTED and session.error == ("open", glosa):
            return "replay"
        session.errors.add(this)
        if is_known:
            return "replay"
        if session.closed_at or (sent.phase == "open" and session.opened_at):
            return "late_error"
        session.error = (sent.phase, glosa)
        session.is_rejected |= sent.phase == "open"
        return "rejected" if sent.phase == "open" else "close_failed"


@pytest.mark.hypothesis
@pytest.mark.django_db(transaction=True)
def test_a_life_at_random_is_as_the_model_says():
    run_state_machine_as_test(
        Life, settings=settings(max_examples=examples(16), stateful_step_count=10)
    )
