"""Logging in to the back office: who guesses waits, and nobody can lock others out."""

from datetime import timedelta

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from tests.backoffice.staff import member

pytestmark = pytest.mark.django_db

PASSWORD = "una frase larga y propia"
OFFICE, ATTACKER = "200.1.2.3", "190.9.9.9"


@pytest.fixture(autouse=True)
def coordinator():
    user = member("Coordinador", "rosa")
    user.set_password(PASSWORD)
    user.save()
    return user


@pytest.fixture(autouse=True)
def now(time_machine):
    time_machine.move_to(timezone.now())


def log_in(client=OFFICE, password=PASSWORD, name="rosa"):
    return Client(REMOTE_ADDR=client).post(
        "/admin/login/", {"username": name, "password": password, "next": "/admin/"}
    )


def guess(times, **kwargs):
    return [log_in(password=f"wrong {number}", **kwargs).status_code for number in range(times)]


def test_who_guesses_is_locked_out_for_a_quarter_of_an_hour(time_machine):
    assert guess(12, client=ATTACKER) == [200] * 9 + [429] * 3
    refused = log_in(client=ATTACKER)
    assert refused.status_code == 429
    assert refused["Retry-After"] == "900"
    assert "Hubo demasiados intentos seguidos." in refused.content.decode()
    time_machine.shift(timedelta(minutes=16))
    assert log_in(client=ATTACKER).status_code == 302


def test_guessing_locks_out_neither_the_person_elsewhere_nor_colleagues_here():
    guess(12, client=ATTACKER)
    assert log_in().status_code == 302
    colleague = member("Coordinador", "ana")
    colleague.set_password(PASSWORD)
    colleague.save()
    assert log_in(client=ATTACKER, name="ana").status_code == 302


def test_a_header_does_not_make_a_guesser_another_client(settings):
    settings.TRUSTED_PROXIES = 0
    for number in range(12):
        response = Client(REMOTE_ADDR=ATTACKER).post(
            "/admin/login/",
            {"username": "rosa", "password": "wrong"},
            headers={"x-forwarded-for": f"10.0.0.{number}"},
        )
    assert response.status_code == 429


def test_a_right_password_forgets_the_wrong_ones():
    guess(8)
    assert log_in().status_code == 302
    assert guess(8) == [200] * 8


def test_an_operator_unlocks_by_a_command():
    guess(12)
    call_command("axes_reset_username", "rosa")
    assert log_in().status_code == 302


def test_a_name_that_nobody_has_reads_as_a_wrong_password():
    unknown, wrong = log_in(name="nadie"), log_in(password="wrong")
    assert unknown.status_code == wrong.status_code == 200
    errors = [page.context["form"].non_field_errors() for page in (unknown, wrong)]
    assert errors[0] == errors[1]


def test_who_guesses_which_name_is_in_no_log(caplog):
    caplog.set_level("INFO")
    guess(12)
    assert "rosa" not in caplog.text
    assert OFFICE not in caplog.text


def test_a_session_ends_with_the_browser_and_with_the_working_day(time_machine):
    browser = Client()
    logged_in = browser.post(
        "/admin/login/", {"username": "rosa", "password": PASSWORD, "next": "/admin/"}
    )
    assert logged_in.cookies["sessionid"]["max-age"] == ""
    assert browser.get("/admin/").status_code == 200
    time_machine.shift(timedelta(hours=11))
    assert browser.get("/admin/").status_code == 302


@pytest.mark.parametrize("password", ["corta", "12345678901234", "password1234"])
def test_a_weak_password_is_refused(coordinator, password):
    with pytest.raises(ValidationError):
        validate_password(password, coordinator)
    validate_password(PASSWORD, coordinator)
