"""SENCE's `FechaHora` more than a day from our clock: followed all the same, and staff see it."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from django.urls import reverse

from attendance import callbacks, spool
from attendance.models import SenceCallback, State
from attendance.sence.times import CHILE
from tests.attendance_steps import again, answer, closing, last_verdict, page, post, requested
from tests.backoffice.staff import browser_of, member

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 23, 15, tzinfo=UTC)
NOTE = "FechaHora difiere de nuestro reloj en más de un día."
A_DAY, A_SECOND = timedelta(days=1), timedelta(seconds=1)


@pytest.fixture(autouse=True)
def clock(time_machine):
    time_machine.move_to(NOON, tick=False)
    return time_machine


def wall(moment):
    return f"{moment.astimezone(CHILE):%Y-%m-%d %H:%M:%S}"


def opens(session, sence_time, **fields):
    post(session, "open", answer(session, FechaHora=sence_time, **fields))
    return last_verdict()


@pytest.mark.parametrize(
    ("sence_time", "note"),
    [
        (wall(NOON + A_DAY), ""),
        (wall(NOON - A_DAY), ""),
        (wall(NOON + A_DAY + A_SECOND), NOTE),
        (wall(NOON - A_DAY - A_SECOND), NOTE),
        ("1999-01-01 00:00:00", NOTE),
        ("9999-12-31 10:00:00", NOTE),
        # In no calendar of UTC's, and no date at all: there is nothing to compare.
        ("9999-12-31 23:59:59", ""),
        ("23-11-1999 10:00", ""),
    ],
)
def test_more_than_a_day_apart_is_noted_and_opens_all_the_same(sence_time, note):
    session = requested()
    verdict = opens(session, sence_time)
    assert (verdict.outcome, verdict.reason) == ("opened", note)
    assert verdict.clock_far_off == bool(note)
    session = again(session)
    assert (session.state, session.opened_at) == (State.OPEN, NOON)
    assert session.opened_sence_time == sence_time


def test_the_other_note_stands_beside_it():
    verdict = opens(requested(), "1999-01-01 00:00:00", ZonaHoraria=None)
    assert verdict.reason == f"No llegó: ZonaHoraria. {NOTE}"


def test_a_close_is_noted_too_and_closes_all_the_same(clock):
    session = requested()
    opens(session, wall(NOON))
    clock.shift(timedelta(hours=1))
    post(session, "close", closing(session, FechaHora="1999-01-01 00:00:00"))
    assert (last_verdict().outcome, last_verdict().reason) == ("closed", NOTE)
    assert again(session).duration(NOON) == timedelta(hours=1)


def test_a_close_with_its_openings_time_days_later_is_as_the_manual_says(clock):
    session = requested()
    opens(session, wall(NOON))
    clock.shift(timedelta(days=3))
    post(session, "close", closing(session, FechaHora=wall(NOON)))
    assert (last_verdict().outcome, last_verdict().reason) == ("closed", "")


@pytest.mark.parametrize(("phase", "outcome"), [("open", "rejected"), ("close", "close_failed")])
def test_so_is_an_error(phase, outcome):
    session = requested()
    if phase == "close":
        opens(session, wall(NOON))
    fields = answer(session, FechaHora="1999-01-01 00:00:00", GlosaError="300")
    post(session, phase, fields, error=True)
    assert (last_verdict().outcome, last_verdict().reason) == (outcome, NOTE)


@pytest.mark.parametrize("where", ["on disk", "in the database"])
def test_what_is_applied_days_later_is_compared_with_when_it_came(clock, where):
    session = requested()
    body = urlencode(answer(session, FechaHora=wall(NOON))).encode()
    receipt = spool.Receipt(
        received_at=NOON, public_id=session.public_id, phase="open", announces_error=False,
        body=body, body_length=len(body), content_type="", origin="",
    )  # fmt: skip
    if where == "on disk":
        spool.put(receipt)
    else:
        SenceCallback.objects.create(**asdict(receipt))
    clock.shift(timedelta(days=5))
    assert callbacks.replay() == (1, 0)
    assert (last_verdict().outcome, last_verdict().reason) == ("opened", "")


def test_staff_read_it_in_the_sessions_story_and_in_the_list_of_answers():
    session = requested()
    opens(session, wall(NOON - timedelta(days=400)))
    client = browser_of(member("Coordinador"))
    for address in (
        reverse("admin:attendance_attendancesession_change", args=[session.pk]),
        reverse("admin:attendance_sencecallback_changelist"),
    ):
        assert NOTE in client.get(address).content.decode()


def test_staff_have_it_to_review_until_they_say_that_they_looked_at_it():
    far, near = requested(), requested()
    opens(near, wall(NOON))
    opens(far, wall(NOON - timedelta(days=400)))
    client = browser_of(member("Coordinador"))

    def counted():
        numbers = client.get(reverse("admin:index")).context["desk"].numbers
        return next(n.count for n in numbers if n.label == "Respuestas observadas")

    def listed(model, **query):
        page = client.get(reverse(f"admin:{model}_changelist"), query)
        return [row.verdict.session_id for row in page.context["cl"].result_list]

    def to_review():
        return [
            listed("backoffice_callbacktoreview"),
            listed("attendance_sencecallback", resultado="revisar"),
        ]

    assert (counted(), to_review()) == (1, [[far.pk]] * 2)
    assert listed("backoffice_callbacktoreview", resultado="reloj") == [far.pk]
    sessions = client.get(
        reverse("admin:attendance_attendancesession_changelist"), {"estado": "observada"}
    )
    assert [row.pk for row in sessions.context["cl"].result_list] == [far.pk]
    assert "Pendiente" in client.get(answer_page(far)).content.decode()
    assert "Pendiente" not in client.get(answer_page(near)).content.decode()

    fields = {"action": "mark_reviewed", "_selected_action": [far.verdicts.get().callback_id]}
    client.post(
        reverse("admin:backoffice_callbacktoreview_changelist"),
        fields | {"confirmada": "1", "reason": "El reloj de Sence estaba mal"},
    )
    assert (counted(), to_review()) == (0, [[], []])
    assert listed("attendance_sencecallback", resultado="reloj") == [far.pk]


def answer_page(session):
    return reverse(
        "admin:attendance_sencecallback_change", args=[session.verdicts.get().callback_id]
    )


def test_staff_of_another_otec_have_nothing_to_review():
    session, other = requested(), requested()
    opens(session, wall(NOON - timedelta(days=400)))
    client = browser_of(member("Coordinador", otecs=[other.otec]))
    page = client.get(reverse("admin:backoffice_callbacktoreview_changelist"))
    assert not page.context["cl"].result_list
    assert client.get(reverse("admin:index")).context["desk"].numbers[-2].count == 0


def test_the_student_is_told_nothing_of_it():
    session = requested()
    opens(session, wall(NOON - timedelta(days=400)))
    text = page(session)
    assert "Asistencia correctamente ingresada" in text
    assert NOTE not in text
