"""The coordinators' daily mail."""

import re
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.core import mail
from django.core.management import CommandError, call_command

from attendance.models import SentMail
from backoffice.mails.digest import queue_digests
from errors_catalog import catalogue
from tests.attendance_steps import answer, closing, opened, post, requested
from tests.factories import ActionFactory, EnrolmentFactory, OtecFactory

pytestmark = pytest.mark.django_db

# Eight in the morning in Chile, in summer; the day before ended at three of the night, UTC.
NOW = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
YESTERDAY = date(2026, 11, 22)
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def an_otec(name, emails):
    return OtecFactory(name=name, alert_emails=emails)


def enrolled(otec, **kwargs):
    dates = {"starts_on": date(2026, 11, 1), "ends_on": date(2026, 11, 25)}
    return EnrolmentFactory(action=ActionFactory(course__otec=otec, **(dates | kwargs)))


def digest(*arguments):
    out = StringIO()
    call_command("send_daily_digest", *arguments, stdout=out)
    return out.getvalue()


def bodies():
    return {row.recipients: row.body for row in SentMail.objects.filter(kind="digest")}


def a_busy_day(otec, clock):
    """One opened and closed, one refused twice, one without an answer, one overlong."""
    clock.move_to(MIDNIGHT - timedelta(hours=5))
    done = requested(enrolled(otec))
    post(done, "open", answer(done))
    post(done, "close", closing(done))
    refused = requested(enrolled(otec))
    post(refused, "open", answer(refused, GlosaError="208;309"), error=True)
    post(refused, "open", answer(refused, GlosaError="208"), error=True)
    requested(enrolled(otec))
    opened(enrolled(otec))
    clock.move_to(NOW)
    return done


def test_the_digest_tells_yesterday_and_now_in_numbers(clock):
    a_busy_day(an_otec("OTEC Uno", "ana@example.com\nluis@example.com"), clock)
    said = digest()
    assert said == (
        "Resúmenes del 22-11-2026 por enviar: 1. Ya pedidos antes: 0. Sin novedades: 0.\n"
    )
    body = bodies()["ana@example.com\nluis@example.com"]
    assert body.startswith("Resumen del domingo 22 de noviembre de 2026\nOTEC Uno")
    yesterday, now = body.split("Sesiones al 23-11-2026 a las 08:00")
    assert "- Abiertas: 2 <" in yesterday
    assert "- Cerradas: 1 <" in yesterday
    assert "- Solicitadas que siguen sin respuesta: 1 <" in yesterday
    assert "- Abiertas: 1 <" in now
    assert "- Abiertas más tiempo que el límite, por revisar: 1 <" in now
    assert "- 208, Su Rut no está autorizado en Sence para este curso: 1 sesión <" in now
    assert "- 309, Hoy está fuera de las fechas del curso comunicadas a Sence: 1 sesión <" in now
    assert re.search(r"- Acción \d+, error 208: 2 veces <", now)
    assert ": 1 de 1 sin ninguna sesión, quedan 3 días (termina el 25-11-2026) <" in now


@pytest.mark.parametrize("group", ["Coordinador", "Auditor"])
def test_every_number_of_the_digest_is_a_link_to_exactly_what_it_counts(client, clock, group):
    otec = an_otec("OTEC Uno", "ana@example.com")
    a_busy_day(otec, clock)
    a_busy_day(an_otec("OTEC Dos", "otra@example.com"), clock)
    digest()
    staff = User.objects.create_user("ana", is_staff=True)
    staff.groups.add(Group.objects.get(name=group))
    client.force_login(staff)
    seen = 0
    for line in bodies()["ana@example.com"].splitlines():
        if not (found := re.fullmatch(r"- .*?: (\d+)(.*) <http://localhost:8000(.*)>", line)):
            continue
        count, rest, link = found.groups()
        page = client.get(link)
        assert page.status_code == 200, line
        if "sin ninguna sesión" in rest:
            assert page.context["row"].missing == int(count), line
        elif "staffalert" in link:
            assert sum(row.count for row in page.context["cl"].result_list) == int(count), line
        else:
            assert page.context["cl"].result_count == int(count), line
        seen += 1
    assert seen == 5 + 2 + 2 + 2


def test_the_digests_of_two_otecs_tell_nothing_of_each_other(clock):
    otecs = [an_otec("OTEC Uno", "uno@example.com"), an_otec("OTEC Dos", "dos@example.com")]
    sessions = [a_busy_day(otec, clock) for otec in otecs]
    digest()
    for own, other in [(0, 1), (1, 0)]:
        body = bodies()[otecs[own].alert_emails]
        assert otecs[other].name not in body
        assert f"otec__id__exact={otecs[other].pk}" not in body
        others = otecs[other].courses.values_list("name", "actions__code")
        assert not [text for pair in others for text in pair if text in body.split()]
        assert sessions[own].run not in body


def test_the_digest_goes_once_a_day_however_often_and_late_it_is_asked_for(clock):
    enrolled(an_otec("OTEC Uno", "ana@example.com"))
    digest()
    assert "por enviar: 0. Ya pedidos antes: 1." in digest()
    assert "por enviar: 0. Ya pedidos antes: 1." in digest("--date", "2026-11-22")
    assert "por enviar: 0. Ya pedidos antes: 1." in digest("--date", "22-11-2026")
    clock.move_to(NOW + timedelta(days=1))
    assert "Resúmenes del 23-11-2026 por enviar: 1." in digest()
    assert "Resúmenes del 20-11-2026 por enviar: 1." in digest("--date", "2026-11-20")
    assert SentMail.objects.count() == 3
    call_command("send_mails", verbosity=0)
    call_command("send_mails", verbosity=0)
    assert len(mail.outbox) == 3


@pytest.mark.parametrize(
    ("at", "count"),
    [
        (MIDNIGHT - timedelta(days=1) - SECOND, 0),
        (MIDNIGHT - timedelta(days=1), 1),
        (MIDNIGHT - SECOND, 1),
        (MIDNIGHT, 0),
    ],
)
def test_the_day_is_chiles_to_the_second(at, count):
    opened(enrolled(an_otec("OTEC Uno", "ana@example.com")), at=at)
    digest()
    yesterday, _, _ = bodies()["ana@example.com"].partition("Sesiones al")
    assert f"- Abiertas: {count} <" in yesterday


def test_an_otec_with_nothing_to_read_gets_no_digest(clock):
    otec = an_otec("OTEC Uno", "ana@example.com")
    enrolled(otec, starts_on=date(2026, 12, 1), ends_on=date(2026, 12, 31))
    enrolled(otec, ends_on=date(2026, 11, 22))
    connected = requested(enrolled(otec), at=MIDNIGHT - timedelta(days=3))
    post(connected, "open", answer(connected))
    post(connected, "close", closing(connected))
    clock.move_to(NOW + timedelta(days=2))
    assert "por enviar: 0. Ya pedidos antes: 0. Sin novedades: 1." in digest()
    assert not SentMail.objects.exists()


@pytest.mark.parametrize("close_required", [True, False])
def test_what_stays_open_for_good_is_told_for_as_long_as_it_is_to_be_closed(close_required):
    otec = an_otec("OTEC Uno", "ana@example.com")
    start = date(2025, 1, 1)
    session_of = enrolled(otec, starts_on=start, close_required=close_required)
    opened(session_of, at=NOW - timedelta(days=365))
    digest()
    assert bool(bodies()) == close_required


def test_neither_exempt_nor_withdrawn_students_are_missed():
    otec = an_otec("OTEC Uno", "ana@example.com")
    action = ActionFactory(course__otec=otec)
    EnrolmentFactory(action=action, is_exempt=True)
    EnrolmentFactory(action=action, withdrawn_at=NOW)
    digest()
    assert not SentMail.objects.exists()
    EnrolmentFactory(action=action)
    digest()
    assert "1 de 1 sin ninguna sesión" in bodies()["ana@example.com"]


@pytest.mark.parametrize("day", ["2026-11-23", "2026-11-24"])
def test_a_day_that_is_not_over_has_no_digest_yet(day):
    with pytest.raises(CommandError, match="aún no termina"):
        digest("--date", day)


@pytest.mark.parametrize("day", ["ayer", "2026-02-30", "11/22/2026"])
def test_what_is_no_date_is_said(day):
    with pytest.raises(CommandError, match="no es una fecha"):
        digest("--date", day)


def test_an_otec_without_coordinators_has_its_digest_kept():
    enrolled(an_otec("OTEC Uno", ""))
    digest()
    assert SentMail.objects.get().recipients == ""


def test_a_digest_of_many_actions_lists_the_most_urgent_and_links_to_the_others():
    otec = an_otec("OTEC Uno", "ana@example.com")
    for _ in range(33):
        enrolled(otec)
    last = enrolled(otec, ends_on=date(2026, 11, 23))
    digest()
    lines = [line for line in bodies()["ana@example.com"].splitlines() if "sin ninguna" in line]
    assert len(lines) == 31
    assert lines[1].startswith(f"- {last.action.code} ·")
    assert "último día" in lines[1]
    assert (
        f"- Otras acciones con alumnos sin conexión: 4 "
        f"<http://localhost:8000/admin/tablero/?otec={otec.pk}>" in bodies()["ana@example.com"]
    )


def test_the_digest_asks_the_same_of_the_database_however_many_otecs(
    clock, django_assert_num_queries
):
    # The catalogue is asked for twice a minute at most.
    catalogue.current()
    for count, day in ((1, YESTERDAY), (12, YESTERDAY - timedelta(days=1))):
        for number in range(count):
            a_busy_day(an_otec(f"OTEC {count}-{number}", f"{count}@example.com"), clock)
        with django_assert_num_queries(8):
            queue_digests(day, NOW)
