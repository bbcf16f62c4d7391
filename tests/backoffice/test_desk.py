"""The admin's first page: today in numbers, each with the address of exactly what it counts."""

from datetime import date, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from attendance import alerts, sence_state
from attendance.models import AttendanceSession
from backoffice import desk as desk_module
from courses import long_lists
from courses.models import Action
from tests.attendance_steps import answer, closing, post, requested
from tests.backoffice.staff import GROUPS, browser_of, member
from tests.factories import ActionFactory, EnrolmentFactory, OtecFactory

pytestmark = pytest.mark.django_db

CHILE = ZoneInfo("America/Santiago")
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=CHILE)
DESK = "/admin/"
SESSIONS = "/admin/attendance/attendancesession/"


@pytest.fixture(autouse=True)
def _monday_afternoon():
    with time_machine.travel(NOW, tick=False):
        yield


def at(moment, step, *arguments, **options):
    """Do the step at another moment of the clock."""
    with time_machine.travel(moment, tick=False):
        return step(*arguments, **options)


def enrolment(otec, **facts):
    return EnrolmentFactory(
        **facts,
        action__course__otec=otec,
        action__starts_on=date(2026, 1, 1),
        action__ends_on=date(2026, 12, 31),
    )


def asked(otec, moment=NOW, **facts):
    return at(moment, requested, enrolment(otec, **facts), moment)


def opened(otec, moment=NOW, **facts):
    session = asked(otec, moment, **facts)
    at(moment, post, session, "open", at(moment, answer, session))
    return session


def closed(otec, moment, closed_at):
    session = opened(otec, moment)
    at(closed_at, post, session, "close", at(closed_at, closing, session))
    return session


def refused(otec, glosa, moment=NOW):
    session = asked(otec, moment)
    fields = at(moment, answer, session, GlosaError=glosa)
    at(moment, post, session, "open", fields, error=True)
    return session


def a_day_of(otec):
    """Sessions in every state, of today and of other days."""
    opened(otec)
    opened(otec, NOW - timedelta(hours=4))
    opened(otec, NOW - timedelta(days=40), action__close_required=False)
    closed(otec, NOW - timedelta(hours=3), NOW - timedelta(hours=2))
    closed(otec, NOW - timedelta(days=2), NOW - timedelta(days=2, hours=-1))
    closed(otec, NOW - timedelta(days=20), NOW - timedelta(days=20, hours=-1))
    asked(otec)
    asked(otec, NOW - timedelta(days=3))
    refused(otec, "211;204")
    refused(otec, "204", NOW - timedelta(days=6))
    refused(otec, "204", NOW - timedelta(days=8))
    refused(otec, "", NOW - timedelta(days=1))
    refused(otec, " ; 999;; 204 ", NOW - timedelta(days=1))
    contradicted = asked(otec)
    post(contradicted, "open", answer(contradicted, CodigoCurso="9999999"))
    alerts.raise_alert(contradicted, "205", "motivo", NOW - timedelta(days=6))
    alerts.raise_alert(contradicted, "205", "motivo", NOW - timedelta(days=8))


@pytest.fixture
def two_otecs():
    mine, other = OtecFactory(), OtecFactory()
    a_day_of(mine)
    a_day_of(other)
    a_day_of(other)
    return mine, other


def desk(client, **query):
    response = client.get(DESK, query)
    assert response.status_code == 200
    return response.context["desk"]


def numbers(shown):
    return {number.label: number.count for number in shown.numbers}


def listed(client, url):
    """How many rows the page at the address lists."""
    response = client.get(url)
    assert response.status_code == 200, url
    if "cl" in response.context:
        return response.context["cl"].result_count
    return response.context["total"]["missing"]


OF_ONE_OTEC = {
    "Alumnos sin ninguna sesión": 8,
    "Abiertas hoy": 3,
    "Cerradas hoy": 1,
    "Abiertas ahora": 2,
    "Abiertas más que el límite": 1,
    "Solicitadas sin respuesta": 3,
    "Sin respuesta, de hoy": 2,
    "Respuestas observadas": 1,
    "Avisos al personal": 7,
}


def test_the_desk_counts_what_happened_today_in_chile(two_otecs):
    mine, _ = two_otecs
    shown = desk(browser_of(member("Coordinador", otecs=[mine])))
    assert numbers(shown) == OF_ONE_OTEC
    assert {error.code: error.count for error in shown.errors} == {
        "204": 3, "211": 1, "999": 1, "": 1,
    }  # fmt: skip


def test_who_works_for_every_otec_sees_the_numbers_of_all(two_otecs):
    everything = numbers(desk(browser_of(member("Coordinador"))))
    assert everything == {label: 3 * count for label, count in OF_ONE_OTEC.items()}


@pytest.mark.parametrize("is_limited", [True, False])
@pytest.mark.parametrize("hours_of", ["hoy", "semana"])
def test_every_number_leads_to_exactly_what_it_counts(two_otecs, is_limited, hours_of):
    client = browser_of(member("Coordinador", otecs=two_otecs[:1] if is_limited else []))
    shown = desk(client, dias="30", horas=hours_of)
    columns = [*shown.by_day.columns, *shown.by_hour.columns]
    assert sum(column.point.opened for column in columns) > 0
    # Of the empty ones, two will do.
    columns = [c for c in columns if c.point.opened or c.point.closed] + columns[:2]
    links = [
        *((number.url, number.count) for number in shown.numbers),
        *((error.url, error.count) for error in shown.errors),
        (shown.ending_url, shown.ending_count),
        *((column.point.opened_url, column.point.opened) for column in columns),
        *((column.point.closed_url, column.point.closed) for column in columns),
    ]
    assert [(url, listed(client, url)) for url, _ in links] == links


def test_a_session_refused_twice_with_a_code_counts_once_for_it():
    otec = OtecFactory()
    session = refused(otec, "204")
    for glosa in ("308; 204", "", "204"):
        post(session, "open", answer(session, GlosaError=glosa), error=True)
    refused(otec, "204")
    client = browser_of(member("Coordinador"))
    errors = desk(client).errors
    assert [(error.code, error.count) for error in errors] == [("204", 2), ("", 1), ("308", 1)]
    assert [listed(client, error.url) for error in errors] == [2, 1, 1]


@pytest.mark.parametrize(
    "glosa", ["2" * 500, "Error interno. Llame al 2 3322 1100, opción (4)", "ñ+"]
)
def test_whatever_sence_puts_for_a_code_leads_to_the_sessions_that_had_it(glosa):
    refused(OtecFactory(), glosa)
    client = browser_of(member("Coordinador"))
    [error] = desk(client).errors
    assert (error.code, listed(client, error.url)) == (glosa, 1)


def test_numbers_are_counted_as_far_as_the_lists_are(two_otecs, monkeypatch):
    monkeypatch.setattr(long_lists, "MOST_COUNTED", 2)
    client = browser_of(member("Coordinador"))
    open_now = next(n for n in desk(client).numbers if n.label == "Abiertas ahora")
    assert str(open_now.count) == "más de 2"
    assert str(listed(client, open_now.url)) == "más de 2"
    assert "más de 2<" in client.get(DESK).content.decode()


def test_what_today_opened_and_closed_is_counted_whole_as_in_the_charts(two_otecs, monkeypatch):
    monkeypatch.setattr(long_lists, "MOST_COUNTED", 2)
    found = numbers(desk(browser_of(member("Coordinador"))))
    assert (str(found["Abiertas hoy"]), str(found["Cerradas hoy"])) == ("9", "3")


def test_the_page_shows_every_number_as_a_link(two_otecs):
    client = browser_of(member("Coordinador"))
    page = client.get(DESK).content.decode()
    shown = client.get(DESK).context["desk"]
    for url in [shown.ending_url, *(number.url for number in shown.numbers)]:
        assert f'href="{url}"'.replace("&", "&amp;") in page


def test_a_day_begins_and_ends_at_midnight_in_chile():
    otec, midnight = OtecFactory(), datetime(2026, 11, 23, tzinfo=CHILE)
    opened(otec, midnight - timedelta(seconds=1))
    opened(otec, midnight)
    client = browser_of(member("Coordinador"))
    with time_machine.travel(midnight + timedelta(hours=23, minutes=59), tick=False):
        shown = desk(client)
    assert numbers(shown)["Abiertas hoy"] == 1
    assert [column.point.opened for column in shown.by_day.columns][-2:] == [1, 1]
    assert [column.point.opened for column in shown.by_hour.columns] == [1] + [0] * 23


@pytest.mark.parametrize(
    ("day", "hours"),
    [(datetime(2026, 4, 4, 22, tzinfo=CHILE), 25), (datetime(2026, 9, 6, 22, tzinfo=CHILE), 23)],
    ids=["of 25 hours", "of 23 hours"],
)
@pytest.mark.parametrize("hours_of", ["hoy", "semana"])
def test_on_the_days_when_the_clocks_change_numbers_and_lists_agree(day, hours, hours_of):
    otec = OtecFactory()
    start = timezone.make_aware(datetime(day.year, day.month, day.day), CHILE)  # noqa: DTZ001
    for hour in range(-1, 26):
        opened(otec, start.astimezone(ZoneInfo("UTC")) + timedelta(hours=hour, minutes=30))
    client = browser_of(member("Coordinador"))
    with time_machine.travel(day, tick=False):
        shown = desk(client, horas=hours_of)
        columns = [*shown.by_day.columns[-2:], *shown.by_hour.columns[:2]]
        columns += shown.by_hour.columns[-2:]
        for column in columns:
            assert listed(client, column.point.opened_url) == column.point.opened
        assert numbers(shown)["Abiertas hoy"] == shown.by_day.columns[-1].point.opened == hours
        # The last hour of the day before belongs to the week.
        assert shown.by_hour.total == hours + (hours_of == "semana")


def test_the_charts_span_what_is_asked_for_and_anything_else_is_the_usual():
    client = browser_of(member("Coordinador"))
    assert len(desk(client).by_day.columns) == 14
    assert len(desk(client, dias="30").by_day.columns) == 30
    assert len(desk(client, dias="9999999", horas="siempre").by_day.columns) == 14


def test_actions_that_end_within_seven_days_are_named_the_next_to_end_first():
    today = timezone.localdate()
    for days in (0, 6, 7):
        ActionFactory(code=f"650000{days}", ends_on=today + timedelta(days=days))
    ActionFactory(starts_on=today - timedelta(days=30), ends_on=today - timedelta(days=1))
    shown = desk(browser_of(member("Coordinador")))
    assert [row.code for row in shown.ending] == ["6500000", "6500006"]
    assert shown.ending_count == 2


def test_of_many_actions_that_end_the_first_are_shown_and_all_are_counted(monkeypatch):
    monkeypatch.setattr(desk_module, "MOST_ENDING", 2)
    today = timezone.localdate()
    for number, days in enumerate((5, 0, 3, 3)):
        ActionFactory(code=f"650000{number}", ends_on=today + timedelta(days=days))
    # Of those that end on one day, the one with the most students without a session.
    EnrolmentFactory(action=Action.objects.get(code="6500003"))
    client = browser_of(member("Coordinador"))
    shown = desk(client)
    assert [row.code for row in shown.ending] == ["6500001", "6500003"]
    assert shown.ending_count == listed(client, shown.ending_url) == 4
    assert "Ver las 4 en una lista" in client.get(DESK).content.decode()


def test_without_anything_to_show_the_desk_says_so():
    page = browser_of(member("Coordinador")).get(DESK).content.decode()
    assert "Ninguna hasta el domingo 29 de noviembre." in page


@pytest.mark.parametrize("group", GROUPS)
def test_every_group_sees_the_desk(two_otecs, group):
    shown = desk(browser_of(member(group, otecs=[two_otecs[0]])))
    assert numbers(shown) == OF_ONE_OTEC
    assert shown.by_day
    assert shown.by_hour


def test_who_has_no_permissions_sees_no_number_nor_chart(two_otecs):
    client = browser_of(member(None))
    shown = desk(client)
    assert shown.numbers == []
    assert (shown.by_day, shown.by_hour, shown.errors, shown.ending) == (None, None, None, None)
    assert two_otecs[0].name not in client.get(DESK).content.decode()


def test_who_is_not_staff_is_asked_to_log_in(client):
    assert client.get(DESK).status_code == 302


# The session and the user, three of permissions and scope, and the desk's own: the actions that end
# soon by day and one by one, the days that have ended and today, the errors, the numbers at once.
@pytest.mark.parametrize("times", [1, 3])
def test_the_desk_asks_the_same_of_the_database_however_much_there_is(
    times, django_assert_num_queries
):
    for _ in range(times):
        a_day_of(OtecFactory())
    client = browser_of(member("Coordinador"))
    client.get(DESK)
    with django_assert_num_queries(11):
        client.get(DESK)


def test_the_charts_figures_stand_in_a_table_too(two_otecs):
    page = browser_of(member("Coordinador")).get(DESK).content.decode()
    assert "Lunes 23 de noviembre" in page
    assert 'role="img"' in page
    assert "style=" not in page.split("<main", 1)[1].split("</main>", 1)[0]


def test_the_charts_numbers_are_svgs_and_not_chiles(two_otecs):
    page = browser_of(member("Coordinador")).get(DESK).content.decode()
    bars = page.split('<svg class="bars"')[1].split("</svg>")[0]
    assert not [part for part in bars.split('"')[1::2] if "," in part]


def test_links_keep_filters_that_the_lists_know(two_otecs):
    shown = desk(browser_of(member("Coordinador")))
    by_label = {number.label: number.url for number in shown.numbers}
    assert urlsplit(by_label["Abiertas hoy"]).path == SESSIONS
    assert parse_qs(urlsplit(by_label["Abiertas hoy"]).query) == {
        "abierta_desde": ["2026-11-23"],
        "abierta_hasta": ["2026-11-23"],
    }


def test_the_admin_speaks_of_usecap_and_leads_to_desk_board_and_site():
    page = browser_of(member("Coordinador")).get(DESK).content.decode()
    for part in (
        "USECAP", "Conocimiento a tu alcance", "Coordinación", "Sitio de los alumnos",
        f'href="{reverse("admin:board")}"', 'lang="es-cl"',
    ):  # fmt: skip
        assert part in page


@pytest.mark.parametrize(
    ("group", "shown"),
    [
        ("Administrador", {"Por revisar", "Historial"}),
        ("Coordinador", {"Por revisar"}),
        ("Auditor", {"Por revisar", "Historial"}),
        (None, set()),
    ],
)
def test_the_bar_leads_to_what_waits_for_review_and_to_the_history(group, shown):
    client = browser_of(member(group))
    bar = {entry["label"]: entry["url"] for entry in client.get(DESK).context["navigation"]}
    assert {"Por revisar", "Historial"} & set(bar) == shown
    for label in shown:
        page = client.get(bar[label]).content.decode()
        assert f'href="{bar[label]}" aria-current="page"' in page
        assert "ntradas de registro" not in page


def test_the_log_in_page_carries_the_name_too(client):
    page = client.get(reverse("admin:login")).content.decode()
    assert "Conocimiento a tu alcance" in page
    assert "Sin conexión" not in page


def test_nothing_of_the_desk_changes_what_it_counts(two_otecs):
    before = list(AttendanceSession.objects.order_by("pk").values())
    desk(browser_of(member("Coordinador")))
    assert list(AttendanceSession.objects.order_by("pk").values()) == before


def test_the_desk_says_that_starts_fail_for_everyone_as_students_read_it():
    client = browser_of(member("Coordinador"))
    otec = OtecFactory()
    for _ in range(3):
        assert desk(client).sence_failing == []
        sence_state.forget()
        refused(otec, "300")
    assert desk(client).sence_failing == ["Prueba"]
    page = client.get(DESK).content.decode()
    assert "Sence responde con errores propios a todos los que intentan iniciar" in page
    opened(otec)
    sence_state.forget()
    assert desk(client).sence_failing == []
