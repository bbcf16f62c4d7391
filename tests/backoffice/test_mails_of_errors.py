"""Our own errors: a code on the page, a mail for who operates the site, nobody's data in either."""

import logging
from datetime import timedelta

import pytest
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from attendance.models import SentMail
from backoffice.mails.errors import MailHandler
from tests.database_away import database_away

pytestmark = pytest.mark.django_db
OPERATOR = "operaciones@example.com"


@pytest.fixture(autouse=True)
def clock(settings, time_machine):
    settings.ROOT_URLCONF = "tests.broken_with_people"
    settings.ERROR_EMAILS = [OPERATOR]
    time_machine.move_to(timezone.now().replace(minute=10), tick=False)
    return time_machine


def fail():
    return Client(raise_request_exception=False).post(
        "/roto/", {"rut": "11111111-1", "name": "Rosa"}
    )


def test_the_page_tells_a_code_that_leads_to_the_log():
    response = fail()
    assert response.status_code == 500
    code = response["X-Request-ID"][:8].upper()
    assert f"diga este código: <strong>{code}</strong>" in response.content.decode()


def test_whoever_operates_the_site_is_mailed_without_anybodys_data():
    response = fail()
    call_command("send_mails", verbosity=0)
    (sent,) = mail.outbox
    assert sent.to == [OPERATOR]
    assert "error del sitio, LookupError" in sent.subject
    assert response["X-Request-ID"] in sent.body
    assert "broken_with_people.py" in sent.body
    for secret in ("11111111", "Rosa"):
        assert secret not in sent.subject + sent.body


def test_a_storm_of_the_same_error_is_one_mail_an_hour(clock):
    for _ in range(5):
        fail()
    assert SentMail.objects.count() == 1
    clock.shift(timedelta(hours=1))
    fail()
    assert SentMail.objects.count() == 2


def test_an_error_with_a_long_name_is_mailed_each_hour_too(clock):
    error = type("Long" * 100, (Exception,), {})
    record = logging.LogRecord("x", logging.ERROR, __file__, 1, "", None, (error, error(), None))
    for _ in range(2):
        MailHandler().emit(record)
        clock.shift(timedelta(hours=1))
    assert SentMail.objects.count() == 2


def test_without_an_address_nothing_is_kept(settings):
    settings.ERROR_EMAILS = []
    assert fail().status_code == 500
    assert not SentMail.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_where_the_mail_can_not_be_kept_the_log_says_so_and_names_nobody(capsys, caplog):
    with database_away():
        assert fail().status_code == 500
    told = [record.getMessage() for record in caplog.records if "mails" in record.name]
    assert told == ["No se pudo dejar por enviar el correo de un error: OperationalError."]
    # What passes the log by passes its masks by.
    assert capsys.readouterr().err == ""


def test_a_page_that_is_missing_is_no_error_of_ours():
    assert Client(raise_request_exception=False).get("/no-existe/").status_code == 404
    assert not SentMail.objects.exists()
