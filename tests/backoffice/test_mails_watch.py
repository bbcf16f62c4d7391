"""The day-one watch: a course that starts badly is told at once, and once."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import mail
from django.core.cache import cache
from django.core.management import call_command
from django.utils import timezone

from attendance.models import SentMail
from backoffice.mails import watch
from errors_catalog.models import ContactDetails
from tests.attendance_steps import answer, post, requested
from tests.backoffice.staff import browser_of, member
from tests.factories import ActionFactory, EnrolmentFactory, OtecFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 12, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock():
    ContactDetails.objects.update(alert_emails="general@example.com")
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def refused(action, glosa="208"):
    session = requested(EnrolmentFactory(action=action))
    post(session, "open", answer(session, GlosaError=glosa), error=True)
    return session


def succeeds(action):
    session = requested(EnrolmentFactory(action=action))
    post(session, "open", answer(session))
    return session


def told() -> list[SentMail]:
    """The mails that the watch wrote, oldest first."""
    watch.queue_watch(timezone.now())
    found = SentMail.objects.filter(key__regex="^alert:(first|share):").order_by("pk")
    return list(found)


def test_an_action_whose_first_students_all_fail_alike_is_told():
    action = ActionFactory()
    for _ in range(2):
        refused(action)
    assert told() == []
    session = refused(action)
    (mail_,) = told()
    assert mail_.otec == action.course.otec
    assert mail_.recipients == "general@example.com"
    assert action.code in mail_.subject
    assert "Los primeros 3 alumnos" in mail_.body
    assert "error 208" in mail_.body
    assert session.run not in mail_.body
    refused(action)
    assert len(told()) == 1


def test_it_goes_with_the_next_run_of_send_mails():
    action = ActionFactory()
    for _ in range(3):
        refused(action)
    call_command("send_mails", verbosity=0)
    assert any("Nadie ha podido iniciar" in message.subject for message in mail.outbox)


def test_one_success_is_enough_to_say_nothing():
    action = ActionFactory()
    succeeds(action)
    for _ in range(4):
        refused(action)
    assert told() == []


def test_different_errors_and_one_student_who_insists_are_no_pattern():
    action, other = ActionFactory(), ActionFactory()
    for glosa in ("208", "208", "204"):
        refused(action, glosa)
    enrolment = EnrolmentFactory(action=other)
    for _ in range(4):
        session = requested(enrolment)
        post(session, "open", answer(session, GlosaError="208"), error=True)
    assert told() == []


def test_more_than_a_tenth_of_the_hours_starts_refused_is_told_once_an_hour(clock):
    good, bad = ActionFactory(), ActionFactory()
    for _ in range(18):
        succeeds(good)
    succeeds(bad)
    refused(bad)
    assert told() == []
    refused(bad)
    refused(bad)
    (mail_,) = told()
    assert "3 de 22" in mail_.subject
    assert mail_.otec is None
    refused(bad)
    assert len(told()) == 1
    clock.shift(timedelta(hours=2))
    assert len(told()) == 1


def test_a_few_starts_say_nothing_of_a_share():
    bad, good = ActionFactory(), ActionFactory()
    for action in (good, bad):
        succeeds(action)
    for _ in range(4):
        refused(bad)
    assert told() == []


def desk_of(user) -> str:
    cache.clear()
    return browser_of(user).get("/admin/").content.decode()


def test_the_desk_says_it_for_as_long_as_it_is_true():
    action, boss = ActionFactory(course__name="Cocina <b>"), member("Coordinador")
    for _ in range(2):
        refused(action)
    assert "Por resolver ahora" not in desk_of(boss)
    session = refused(action)
    page = desk_of(boss)
    for part in (
        f"Nadie ha podido iniciar en la acción {action.code}", "Cocina &lt;b&gt;",
        "los 3 alumnos que lo intentaron", "error 208", "Compare el RUN del alumno",
        f"accion={action.code}&amp;otec__id__exact={action.course.otec_id}",
    ):  # fmt: skip
        assert part in page
    assert session.run not in page.split("Por resolver ahora")[1].split("</section>")[0]
    succeeds(action)
    assert "Por resolver ahora" not in desk_of(boss)


def test_a_warm_desk_asks_the_database_nothing_for_it(django_assert_num_queries):
    for _ in range(3):
        refused(ActionFactory())
    boss = member("Coordinador")
    boss.has_perm("x")
    watch.standing(boss, timezone.now())
    with django_assert_num_queries(0):
        watch.standing(boss, timezone.now())


def test_the_desk_tells_each_of_their_own_otecs(clock):
    mine, other = ActionFactory(), ActionFactory()
    for action in (mine, other):
        for _ in range(3):
            refused(action)
    for _ in range(20):
        refused(other)
    limited = desk_of(member("Coordinador", "uno", otecs=[mine.course.otec]))
    assert f"iniciar en la acción {mine.code}" in limited
    assert other.code not in limited
    # That one is of every OTEC's starts.
    assert "Muchos inicios" not in limited
    everything = desk_of(member("Coordinador", "dos"))
    assert f"iniciar en la acción {other.code}" in everything
    assert "Muchos inicios terminan en error: 26 de 26 en la última hora" in everything
    assert "Por resolver ahora" not in desk_of(member("Coordinador", "tres", otecs=[OtecFactory()]))
    assert "Por resolver ahora" not in desk_of(member(None, "nadie"))
    clock.shift(timedelta(hours=2))
    assert "Muchos inicios" not in desk_of(member("Coordinador", "cuatro"))


def test_many_actions_at_once_leave_room_for_the_rest_of_the_desk():
    for _ in range(7):
        action = ActionFactory()
        for _ in range(3):
            refused(action)
    page = desk_of(member("Coordinador"))
    assert page.count("Nadie ha podido iniciar") == 5
    assert "Lo mismo pasa en otras acciones: 2." in page


def test_an_error_of_semicolons_alone_stops_no_mail():
    action = ActionFactory()
    for _ in range(3):
        refused(action, ";")
    (mail_,) = told()
    assert "error sin número" in mail_.subject
    assert "error sin número" in desk_of(member("Coordinador"))
