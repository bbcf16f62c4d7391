"""/metrics: what Prometheus reads, and who may."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from attendance import spool
from tests.attendance_steps import answer, post, requested
from tests.database_away import database_away

pytestmark = pytest.mark.django_db
TOKEN = "a-token-of-the-tests"


@pytest.fixture(autouse=True)
def token(settings):
    settings.METRICS_TOKEN = TOKEN


def read(client) -> dict[tuple, float]:
    response = client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    assert response.status_code == 200
    return {
        (sample.name.removeprefix("usecap_sence_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(response.content.decode())
        for sample in family.samples
    }


def test_nobody_reads_them_without_the_token(client, settings):
    assert client.get("/metrics").status_code == 404
    for wrong in ("", "Bearer ", "Bearer x", TOKEN, "Bearer ñ"):
        assert client.get("/metrics", headers={"authorization": wrong}).status_code == 404
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics", headers={"authorization": "Bearer "}).status_code == 404


def test_they_count_answers_sessions_and_codes(client):
    opened, refused, waits = requested(), requested(), requested()
    post(opened, "open", answer(opened))
    post(refused, "open", answer(refused, GlosaError="211;204"), error=True)
    told = read(client)
    assert told["callbacks_last_hour", "opened"] == 1
    assert told["callbacks_last_hour", "rejected"] == 1
    assert told["callbacks_last_hour", "unmatched"] == 0
    assert told["error_codes_last_hour", "211"] == told["error_codes_last_hour", "204"] == 1
    assert told["sessions", "open"] == 1
    assert told["sessions_last_hour", "requested"] == 1
    assert told["sessions_last_hour", "opened"] == 1
    assert told["database_up",] == 1
    assert told["pending_callbacks",] == told["spool_entries",] == 0
    text = client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"}).content.decode()
    for session in (opened, refused, waits):
        assert session.run not in text
        assert session.nonce not in text


@pytest.mark.django_db(transaction=True)
def test_without_the_database_the_disk_is_told(client):
    session = requested()
    with database_away():
        post(session, "open", answer(session))
        told = read(client)
    assert told["spool_entries",] == 1
    assert told["database_up",] == 0
    assert ("pending_callbacks",) not in told
    assert sum(1 for _ in spool.entries()) == 1


def test_what_they_ask_does_not_grow_with_the_sessions(client, django_assert_num_queries):
    for _ in range(3):
        session = requested()
        post(session, "open", answer(session))
    with django_assert_num_queries(9):
        read(client)
