"""Nobody walks through RUTs, no classroom is hindered, and no answer of SENCE's is refused."""

import logging
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client, RequestFactory
from stdnum.cl import rut as stdnum_rut

from attendance import spool
from attendance.models import SenceCallback, State
from attendance.sence.callback_urls import public_id
from tests.attendance_steps import again, answer, post, requested
from tests.database_away import database_away
from tests.factories import EnrolmentFactory
from usecap_sence.client import client_of

pytestmark = pytest.mark.django_db

CLASSROOM, ATTACKER = "200.1.2.3", "190.9.9.9"


@pytest.fixture(autouse=True)
def at_the_beginning_of_an_hour(time_machine):
    time_machine.move_to(datetime(2026, 11, 24, 13, 0, tzinfo=UTC))


def rut(number: int) -> str:
    return f"{number}-{stdnum_rut.calc_check_digit(str(number)).lower()}"


def look_up(run: str, client: str) -> int:
    """The status with which a new browser at that address reads a RUT's courses, or is refused."""
    browser = Client(REMOTE_ADDR=client)
    typed = browser.post("/", {"rut": run})
    return browser.get("/cursos/").status_code if typed.status_code == 303 else typed.status_code


def walk(number: int, client: str = ATTACKER) -> list[int]:
    return [look_up(rut(15_000_000 + step), client) for step in range(number)]


def test_who_walks_through_ruts_is_stopped_and_told_when_to_come_back(settings, time_machine):
    settings.RUT_MISSES_BY_CLIENT = 5
    assert walk(10) == [200] * 6 + [429] * 4
    enrolled = EnrolmentFactory().student.run
    assert look_up(enrolled, ATTACKER) == 429
    refused = Client(REMOTE_ADDR=ATTACKER).post("/", {"rut": enrolled})
    assert 0 < int(refused["Retry-After"]) <= 3600
    assert "Hubo demasiados intentos seguidos." in refused.content.decode()
    time_machine.shift(timedelta(hours=1))
    assert look_up(enrolled, ATTACKER) == 200


def test_a_classroom_behind_one_address_is_never_hindered():
    """Forty students who mistype, come back and reload, with the limits as we ship them."""
    students = [EnrolmentFactory().student.run for _ in range(40)]
    for seat, run in enumerate(students):
        browser = Client(REMOTE_ADDR=CLASSROOM)
        for typed in ("", "1-1", "12345678-9", rut(16_000_000 + seat)):
            assert browser.post("/", {"rut": typed}).status_code in (200, 303)
        for _ in range(3):
            assert browser.post("/", {"rut": run}).status_code == 303
            assert browser.get("/cursos/").status_code == 200


def test_the_same_rut_without_courses_counts_once(settings):
    settings.RUT_MISSES_BY_CLIENT = 1
    assert [look_up(rut(17_000_000), CLASSROOM) for _ in range(5)] == [200] * 5


def test_who_walks_from_many_addresses_has_less_left_at_each_and_others_lose_nothing(settings):
    settings.RUT_MISSES_IN_TOTAL = 30
    for number in range(15):
        for step in range(2):
            look_up(rut(18_000_000 + 100 * number + step), f"190.0.0.{number}")
    settings.RUT_MISSES_BY_CLIENT = 10
    assert look_up(rut(19_000_000), "190.0.0.1") == 429
    assert look_up(EnrolmentFactory().student.run, CLASSROOM) == 200
    assert look_up(rut(19_000_001), CLASSROOM) == 200


def test_who_walks_through_ruts_that_have_courses_is_stopped_too(settings):
    settings.RUT_LOOKUPS_BY_CLIENT = 3
    runs = [EnrolmentFactory().student.run for _ in range(5)]
    assert [look_up(run, ATTACKER) for run in runs] == [200, 200, 200, 429, 429]


def test_what_is_counted_with_tells_nobody_apart(settings):
    from django.core.cache import cache  # noqa: PLC0415

    run = rut(20_000_000)
    look_up(run, CLASSROOM)
    kept = f"{cache._cache.keys()}"
    assert "attendance:limits:" in kept
    assert run not in kept
    assert CLASSROOM not in kept


@pytest.fixture
def redis_that_is_away(settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }


@pytest.mark.usefixtures("redis_that_is_away")
def test_a_cache_that_is_away_refuses_nobody(settings):
    settings.RUT_MISSES_BY_CLIENT = 0
    assert walk(3) == [200] * 3


@pytest.mark.usefixtures("redis_that_is_away")
def test_who_asks_from_nobody_knows_where_is_taken_like_others():
    """Redis is asked for no counter at all."""
    unknown = Client(REMOTE_ADDR="")
    session = requested()
    assert post(session, "open", answer(session), client=unknown).status_code == 303
    assert again(session).state == State.OPEN
    assert unknown.get("/admin/login/").status_code == 200


def test_invented_answers_are_refused_after_some_and_not_kept(settings, caplog):
    settings.INVENTED_ANSWERS_BY_CLIENT = 3
    caplog.set_level(logging.CRITICAL)
    client = Client(REMOTE_ADDR=ATTACKER)
    statuses = [
        post(f"{number:024}", "open", {"IdSesionSence": "1"}, client=client).status_code
        for number in range(6)
    ]
    assert statuses == [303] * 3 + [429] * 3
    assert SenceCallback.objects.count() == 3


def test_an_answer_to_an_address_of_ours_is_taken_from_anybody(settings):
    settings.INVENTED_ANSWERS_BY_CLIENT = 0
    session = requested()
    client = Client(REMOTE_ADDR=ATTACKER)
    assert post(session, "open", answer(session), client=client).status_code == 303
    assert again(session).state == State.OPEN


@pytest.mark.django_db(transaction=True)
def test_while_the_database_is_away_every_answer_may_be_ours(settings):
    settings.INVENTED_ANSWERS_BY_CLIENT = 0
    session = requested()
    client = Client(REMOTE_ADDR=ATTACKER)
    with database_away():
        assert post(session, "open", answer(session), client=client).status_code == 303
        assert any(spool.entries(public_id(session.nonce)))
    for path in spool.entries(None):
        path.unlink()


@pytest.mark.parametrize(
    ("proxies", "forwarded", "client"),
    [
        (0, "1.1.1.1", "10.0.0.9"),
        (1, "1.1.1.1", "1.1.1.1"),
        (1, "6.6.6.6, 1.1.1.1", "1.1.1.1"),
        (2, "6.6.6.6, 1.1.1.1, 10.0.0.8", "1.1.1.1"),
        (2, "1.1.1.1", "10.0.0.9"),
        (1, "", "10.0.0.9"),
        (1, "no address", ""),
        (1, "::ffff:1.1.1.1", "1.1.1.1"),
        (1, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
    ],
)
def test_the_client_is_who_our_own_proxies_saw(settings, proxies, forwarded, client):
    settings.TRUSTED_PROXIES = proxies
    headers = {"x-forwarded-for": forwarded} if forwarded else {}
    request = RequestFactory().get("/", headers=headers, REMOTE_ADDR="10.0.0.9")
    assert client_of(request) == client
