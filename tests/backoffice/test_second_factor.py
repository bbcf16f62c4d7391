"""The second factor of staff: who needs one, how it is given, and what if the phone is lost."""

import re
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from backoffice.models import SecurityEvent
from tests.backoffice.staff import browser_of, member

pytestmark = pytest.mark.django_db
PASSWORD = "una frase larga y propia"
OWN, VERIFY, SET_UP = (f"/admin/segundo-factor/{page}" for page in ("", "codigo/", "activar/"))
COURSES = "/admin/courses/course/"
NEXT = "?next=%2Fadmin%2Fcourses%2Fcourse%2F"


@pytest.fixture(autouse=True)
def clock(settings, time_machine):
    settings.SECOND_FACTOR_REQUIRED = True
    time_machine.move_to(timezone.now(), tick=False)
    return time_machine


def code_of(key: str) -> str:
    """What an app on a phone shows for the key."""
    return f"{totp(bytes.fromhex(key)):06}"


def set_up(client) -> tuple[str, list[str]]:
    """Set a second factor up, and return its key and the recovery codes that were shown."""
    assert client.get(SET_UP).status_code == 200
    key = client.session["second_factor_key"]
    response = client.post(SET_UP, {"code": code_of(key)})
    assert response.url == OWN
    shown = re.findall(r"<li>(\d{5} \d{5})</li>", client.get(OWN).content.decode())
    return key, shown


def later(clock) -> None:
    """Until the app shows another code: each is good once."""
    clock.shift(timedelta(seconds=60))


def wrong(key: str) -> str:
    return f"{(int(code_of(key)) + 500_000) % 1_000_000:06}"


def kinds() -> list[str]:
    return list(SecurityEvent.objects.order_by("pk").values_list("kind", flat=True))


def test_who_can_touch_tokens_gets_in_with_a_code_alone(clock):
    administrator = member("Administrador")
    client = browser_of(administrator)
    first = client.get(COURSES, follow=True)
    assert first.redirect_chain[-1][0] == SET_UP + NEXT
    assert "Su usuario puede cambiar tokens o usuarios" in first.content.decode()
    key, codes = set_up(client)
    assert len(codes) == 10
    assert client.get(COURSES).status_code == 200
    later(clock)
    again = browser_of(administrator)
    asked = again.get(COURSES, follow=True)
    assert asked.redirect_chain[-1][0] == VERIFY + NEXT
    answer = again.post(VERIFY, {"code": code_of(key), "next": COURSES})
    assert answer.url == COURSES
    assert again.get(COURSES).status_code == 200


@pytest.mark.parametrize("path", ["/admin/", COURSES, "/admin/auth/user/", "/admin/tablero/", OWN])
def test_before_the_code_no_page_is_shown(path):
    client = browser_of(member("Administrador"))
    response = client.get(path)
    assert response.status_code == 302
    assert response.url.startswith("/admin/login/?next=")
    page = client.get(response.url, follow=True)
    assert "main-nav" not in page.content.decode()


def test_the_code_is_asked_again_at_the_next_log_in_of_who_chose_to_have_one(clock):
    coordinator = member("Coordinador")
    client = browser_of(coordinator)
    assert client.get(COURSES).status_code == 200
    key, _ = set_up(client)
    assert client.get(COURSES).status_code == 200
    later(clock)
    again = browser_of(coordinator)
    assert again.get(COURSES).status_code == 302
    again.post(VERIFY, {"code": code_of(key)})
    assert again.get(COURSES).status_code == 200


def test_a_code_is_good_once(clock):
    person = member("Administrador")
    key, _ = set_up(browser_of(person))
    page = browser_of(person).post(VERIFY, {"code": code_of(key)})
    assert "Ese código no es el que muestra la aplicación ahora" in page.content.decode()


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("", "Escriba el código que muestra la aplicación."),
        ("abc123", "El código tiene solo números."),
        ("１２３４５６", "El código tiene solo números."),
        ("12345678901", "Ese código no es"),
    ],
)
def test_what_is_no_code_is_said_and_lets_nobody_in(typed, told):
    person = member("Administrador")
    set_up(browser_of(person))
    client = browser_of(person)
    assert told in client.post(VERIFY, {"code": typed}).content.decode()
    assert client.get(COURSES).status_code == 302


def test_wrong_codes_make_the_next_one_wait_longer_and_longer(clock):
    person = member("Administrador")
    key, _ = set_up(browser_of(person))
    client = browser_of(person)
    later(clock)
    for _ in range(5):
        client.post(VERIFY, {"code": wrong(key)})
        clock.shift(timedelta(seconds=20))
    page = client.post(VERIFY, {"code": wrong(key)})
    page = client.post(VERIFY, {"code": code_of(key)})
    assert "Espere 32 segundos" in page.content.decode()
    assert client.get(COURSES).status_code == 302
    clock.shift(timedelta(seconds=40))
    assert client.post(VERIFY, {"code": code_of(key)}).status_code == 302
    assert client.get(COURSES).status_code == 200


def test_a_recovery_code_lets_in_once_without_the_phone(clock):
    person = member("Administrador")
    _, codes = set_up(browser_of(person))
    client = browser_of(person)
    assert client.post(VERIFY, {"code": codes[0]}).status_code == 302
    assert client.get(COURSES).status_code == 200
    assert "<strong>9</strong>" in client.get(OWN).content.decode()
    assert browser_of(person).post(VERIFY, {"code": codes[0]}).status_code == 200


def test_recovery_codes_are_shown_once_and_new_ones_replace_them():
    person = member("Administrador")
    client = browser_of(person)
    _, old = set_up(client)
    assert not re.search(r"\d{5} \d{5}", client.get(OWN).content.decode())
    assert client.post(OWN, {"codes": "1"}).status_code == 302
    new = re.findall(r"<li>(\d{5} \d{5})</li>", client.get(OWN).content.decode())
    assert len(new) == 10
    assert not set(old) & set(new)
    assert browser_of(person).post(VERIFY, {"code": old[0]}).status_code == 200


def test_nobody_gives_up_what_they_need_and_others_may():
    administrator = browser_of(member("Administrador"))
    set_up(administrator)
    administrator.post(OWN, {"remove": "1"})
    assert TOTPDevice.objects.count() == 1
    coordinator = member("Coordinador", "otra")
    client = browser_of(coordinator)
    set_up(client)
    client.post(OWN, {"remove": "1"})
    assert not TOTPDevice.objects.filter(user=coordinator).exists()
    assert client.get(COURSES).status_code == 200
    assert browser_of(coordinator).get(COURSES).status_code == 200


def test_a_stolen_password_makes_no_second_factor_of_its_own():
    """Neither another, in place of the first, nor recovery codes, nor none."""
    person = member("Coordinador")
    thief, key = browser_of(person), set_up(browser_of(person))[0]
    for client in (thief, browser_of(person)):
        assert client.get(SET_UP).url == VERIFY
        assert client.post(SET_UP, {"code": "123456"}).url == VERIFY
        for what in ("codes", "remove"):
            client.post(OWN, {what: "1"})
    assert TOTPDevice.objects.get().key == key
    assert kinds().count("recovery_codes") == 1


def test_another_persons_code_lets_nobody_in(clock):
    key, codes = set_up(browser_of(member("Administrador")))
    other = member("Administrador", "otra")
    set_up(browser_of(other))
    later(clock)
    client = browser_of(other)
    for code in (code_of(key), codes[0]):
        assert client.post(VERIFY, {"code": code}).status_code == 200
        later(clock)
    assert client.get(COURSES).status_code == 302


@pytest.mark.parametrize("page", [OWN, VERIFY, SET_UP])
def test_whoever_did_not_log_in_is_sent_to_do_so(page):
    for client in (Client(), browser_of(not_staff())):
        response = client.get(page)
        assert response.status_code == 302
        assert response.url.startswith("/admin/login/")


def not_staff():
    person = member(None, "alguien")
    person.is_staff = False
    person.save()
    return person


def test_the_way_on_leads_nowhere_else(clock):
    person = member("Administrador")
    key, _ = set_up(browser_of(person))
    later(clock)
    client = browser_of(person)
    answer = client.post(VERIFY, {"code": code_of(key), "next": "https://example.com/"})
    assert answer.url == "/admin/"


def test_who_is_asked_for_a_code_can_leave():
    client = browser_of(member("Administrador"))
    assert client.post("/admin/segundo-factor/salir/").url == "/admin/login/"
    assert "_auth_user_id" not in client.session


def test_without_the_setting_nobody_needs_one(settings):
    settings.SECOND_FACTOR_REQUIRED = False
    assert browser_of(member("Administrador")).get(COURSES).status_code == 200


def test_an_administrator_takes_the_factor_of_who_lost_the_phone(clock):
    person = member("Coordinador", "rosa")
    set_up(browser_of(person))
    administrator = member("Administrador", "jefa")
    client = browser_of(administrator)
    set_up(client)
    data = {"action": "remove_second_factor", "_selected_action": [person.pk]}
    page = client.post("/admin/auth/user/", data, follow=True).content.decode()
    assert "Segundo factor quitado: rosa." in page
    assert browser_of(person).get(COURSES).status_code == 200
    entry = SecurityEvent.objects.get(kind="factor_removed")
    assert (entry.by, entry.about) == (administrator, person)
    page = client.post("/admin/auth/user/", data, follow=True).content.decode()
    assert "Nadie de los elegidos tenía" in page


def test_nobody_takes_their_own_or_that_of_who_can_do_more(admin_user):
    administrator = member("Administrador", "jefa")
    client = browser_of(administrator)
    set_up(client)
    set_up(browser_of(admin_user))
    ids = [administrator.pk, admin_user.pk]
    data = {"action": "remove_second_factor", "_selected_action": ids}
    page = client.post("/admin/auth/user/", data, follow=True).content.decode()
    assert "No puede quitárselo a: jefa." in page
    assert TOTPDevice.objects.count() == 2


def test_a_command_takes_it_where_nobody_can(capsys):
    person = member("Administrador", "jefa")
    set_up(browser_of(person))
    call_command("remove_second_factor", "jefa")
    assert not TOTPDevice.objects.exists()
    event = SecurityEvent.objects.get(kind="factor_removed")
    assert (event.by, event.about, event.detail) == (None, person, "Desde un comando.")
    with pytest.raises(CommandError, match="no tiene segundo factor"):
        call_command("remove_second_factor", "jefa")
    with pytest.raises(CommandError, match="No hay ningún usuario"):
        call_command("remove_second_factor", "nadie")


def test_keys_and_codes_are_in_no_list_of_admin(admin_client):
    for page in ("otp_totp/totpdevice/", "otp_static/staticdevice/"):
        assert admin_client.get(f"/admin/{page}").status_code in (302, 404)


def test_pages_with_a_key_or_codes_are_kept_nowhere():
    client = browser_of(member("Administrador"))
    assert "no-store" in client.get(SET_UP)["Cache-Control"]
    set_up(client)
    client.post(OWN, {"codes": "1"})
    assert "no-store" in client.get(OWN)["Cache-Control"]


def test_the_picture_says_what_the_typed_key_says():
    client = browser_of(member("Administrador", "jefa"))
    page = client.get(SET_UP).content.decode()
    typed = re.search(r'typed-key">([A-Z2-7 ]+)<', page)[1].replace(" ", "")
    device = TOTPDevice(user=member(None, "x"), key=client.session["second_factor_key"])
    assert f"secret={typed}&" in device.config_url
    assert "data:image/svg+xml" in page


def test_the_log_tells_the_story(clock):
    person = member("Administrador", "jefa")
    client = browser_of(person)
    key, _ = set_up(client)
    later(clock)
    again = browser_of(person)
    again.post(VERIFY, {"code": wrong(key)})
    later(clock)
    again.post(VERIFY, {"code": code_of(key)})
    told = kinds()
    assert told[told.index("log_in") :] == [
        "log_in", "factor_set", "recovery_codes", "log_in", "code_refused", "code_accepted",
    ]  # fmt: skip
