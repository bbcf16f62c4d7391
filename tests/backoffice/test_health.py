"""What monitors are told: /healthz and /readyz."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from attendance.models import SentMail
from backoffice import health
from tests.attendance_steps import answer, post, requested
from tests.database_away import database_away

pytestmark = pytest.mark.django_db
WELL = dict.fromkeys(["base_de_datos", "migraciones", "respuestas_de_sence", "correos"], "ok")


def test_a_live_process_says_so_without_the_database(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = client.get("/healthz")
    assert (response.status_code, response.content) == (200, b"ok\n")


def test_a_site_on_which_all_is_well_is_ready(client):
    response = client.get("/readyz")
    assert (response.status_code, response.json()) == (200, WELL)
    assert "no-store" in response["Cache-Control"]


@pytest.mark.django_db(transaction=True)
def test_answers_on_disk_and_a_database_away_are_told(client):
    session = requested()
    with database_away():
        post(session, "open", answer(session))
        response = client.get("/readyz")
        assert client.get("/healthz").status_code == 200
    assert response.status_code == 503
    assert response.json()["base_de_datos"] == "La base de datos no responde."
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json() == WELL | {
        "respuestas_de_sence": "Respuestas de SENCE sin aplicar: 1 en disco, 0 en la base. Corra "
        "manage.py replay_callbacks."
    }
    assert str(session.public_id) not in response.content.decode()
    call_command("replay_callbacks")
    assert client.get("/readyz").status_code == 200


def test_a_mail_that_nobody_sends_is_told(client):
    mail = {"kind": "alert", "recipients": "a@example.com", "subject": "x", "body": "x"}
    now = timezone.now()
    SentMail.objects.create(key="new", created_at=now, **mail)
    assert client.get("/readyz").status_code == 200
    SentMail.objects.create(key="old", created_at=now - timedelta(minutes=16), **mail)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["correos"] == "Correos sin enviar: 1. Corra manage.py send_mails."


def test_a_release_whose_migrations_are_missing_is_told(client):
    health._require_migrations.cache_clear()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'attendance'")
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["migraciones"] == "Faltan migraciones: corra manage.py migrate."


def test_a_monitor_on_the_machine_itself_is_not_sent_to_https(client, settings):
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200
    assert client.get("/guia/").status_code == 301


def test_only_reads_are_answered(client):
    assert client.post("/healthz").status_code == 405
    assert client.post("/readyz").status_code == 405
