"""The security log: what is written, by whom, and that nobody unwrites it."""

from datetime import timedelta

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission, User
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from backoffice.models import SECURITY_EVENTS_KEPT, SecurityEvent
from courses.models import StaffScope
from tests.attendance_steps import requested
from tests.backoffice.staff import browser_of, member
from tests.backoffice.test_people import change, edited, password_page
from tests.factories import ActionFactory, OtecFactory

pytestmark = pytest.mark.django_db
PASSWORD = "una frase larga y propia"
TOKEN = "0A1B2C3D-1111-2222-3333-444455556666"
REFUSED = r"Cannot (update|delete|truncate)"
LIST = "/admin/backoffice/securityevent/"


def events(kind: str | None = None) -> list[SecurityEvent]:
    found = SecurityEvent.objects.select_related("by", "about").order_by("pk")
    return list(found.filter(kind=kind) if kind else found)


def log_in(name: str, password: str, client: str = "200.1.2.3"):
    browser = Client(REMOTE_ADDR=client)
    data = {"username": name, "password": password, "next": "/admin/"}
    return browser, browser.post("/admin/login/", data)


@pytest.fixture
def rosa():
    user = member("Coordinador", "rosa")
    user.set_password(PASSWORD)
    user.save()
    return user


def test_who_enters_and_leaves_is_written_with_where_from(rosa):
    browser, _ = log_in("rosa", PASSWORD)
    browser.post("/admin/logout/")
    entered, left = events("log_in")[-1], events("log_out")[-1]
    assert entered.by == left.by == rosa
    assert entered.client == "200.1.2.3"


def test_a_wrong_password_is_written_about_whose_it_was_and_never_itself(rosa):
    log_in("rosa", "mi otra clave")
    failed = events("log_in_failed")[-1]
    assert (failed.by, failed.about, failed.client) == (None, rosa, "200.1.2.3")
    log_in("clave-en-la-caja-equivocada", "x")
    failed = events("log_in_failed")[-1]
    assert failed.about is None
    assert "no existe" in failed.detail
    told = " ".join(f"{event.detail} {event.client}" for event in events())
    assert "clave" not in told.lower()


def test_a_lock_is_written(rosa):
    for _ in range(10):
        log_in("rosa", "x")
    assert events("locked_out")[-1].about == rosa


def test_who_tries_many_names_waits(settings):
    settings.GUESSED_NAMES_BY_CLIENT = 5
    answers = [log_in(f"nombre{number}", "x", "190.9.9.9")[1].status_code for number in range(8)]
    assert answers == [200] * 5 + [429] * 3
    assert len(events("log_in_failed")) == 5
    assert log_in("nombre9", "x", "200.1.2.3")[1].status_code == 200


def test_a_name_that_the_database_can_not_hold_is_a_wrong_name():
    assert log_in("ro\x00sa", "x")[1].status_code == 200


def test_groups_and_otecs_that_a_person_gets_and_loses_are_written():
    administrator, person = member("Administrador", "jefa"), member("Coordinador", "rosa")
    otec = OtecFactory()
    client = browser_of(administrator)
    before = len(events())
    client.post(change(person), edited(person, "Auditor", otecs=[otec]))
    new = events()[before:]
    assert {event.kind for event in new} == {"permissions"}
    assert {(event.by, event.about) for event in new} == {(administrator, person)}
    assert sorted(event.detail for event in new) == [
        f"agregó OTEC: {otec}.", "agregó grupo: Auditor.", "quitó grupo: Coordinador.",
    ]  # fmt: skip


def test_permissions_of_a_person_and_of_a_group_are_written_from_a_shell_too(rosa):
    permission = Permission.objects.get(codename="change_otec_token")
    rosa.user_permissions.add(permission)
    assert f"agregó permiso: {permission}. Desde un comando." == events()[-1].detail
    Group.objects.get(name="Auditor").permissions.add(permission)
    assert events()[-1].detail.startswith(f"Grupo Auditor: agregó permiso: {permission}.")
    Group.objects.get(name="Auditor").user_set.add(rosa)
    assert (events()[-1].about, events()[-1].kind) == (rosa, "permissions")
    rosa.groups.clear()
    assert events()[-1].detail == "quitó grupo: todos. Desde un comando."
    written = len(events())
    rosa.groups.set([])
    assert len(events()) == written


def test_what_makes_an_account_stronger_is_written(rosa):
    created = next(event for event in events("account") if event.about == rosa)
    assert created.detail == ("Creada. Cuenta activa. Entra a la coordinación. Desde un comando.")
    rosa.is_superuser = True
    rosa.save()
    assert events()[-1].detail == "Superusuario: sí. Desde un comando."
    rosa.is_active = False
    rosa.save(update_fields=["is_active"])
    assert events()[-1].detail == "Cuenta activa: no. Desde un comando."
    written = len(events())
    rosa.first_name = "Rosa"
    rosa.save()
    assert len(events()) == written


def test_a_new_password_is_written_and_its_newer_hash_is_not(rosa, settings):
    client = browser_of(member("Administrador", "jefa"))
    data = {"password1": PASSWORD * 2, "password2": PASSWORD * 2, "set-password": "1"}
    client.post(password_page(rosa), data)
    changed = events("password")[-1]
    assert (changed.by.username, changed.about) == ("jefa", rosa)
    # As when hashes are made stronger: the next log-in writes the password anew.
    settings.PASSWORD_HASHERS = [
        *settings.PASSWORD_HASHERS, "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    ]  # fmt: skip
    older = make_password(PASSWORD * 2, hasher="pbkdf2_sha256")
    User.objects.filter(pk=rosa.pk).update(password=older)
    written = len(events("password"))
    assert log_in("rosa", PASSWORD * 2)[1].status_code == 302
    assert User.objects.get(pk=rosa.pk).password != older
    assert len(events("password")) == written


def test_a_new_token_is_written_and_never_itself():
    administrator = member("Administrador", "jefa")
    otec = OtecFactory()
    data = {"name": otec.name, "rut": otec.rut, "alert_emails": "", "new_token": TOKEN}
    page = f"/admin/courses/otec/{otec.pk}/change/"
    assert browser_of(administrator).post(page, data).status_code == 302
    changed = events("token")[-1]
    assert (changed.by, changed.detail) == (administrator, f"{otec.name}.")
    data["new_token"] = ""
    browser_of(administrator).post(page, data | {"name": "Otro nombre"})
    assert len([event for event in events("token") if event.by]) == 1


def test_what_is_taken_out_is_written():
    requested()
    person = member("Auditor", "auditora")
    client = browser_of(person)
    form = {"format": "csv", "environment": "", "state": ""}
    answer = client.post("/admin/attendance/attendancesession/exportar/", form)
    assert answer.status_code == 200
    assert (events()[-1].kind, events()[-1].by) == ("export", person)
    assert events()[-1].detail.startswith("Asistencia:")
    client.get(f"/admin/tablero/{ActionFactory().pk}/planilla/")
    assert "Alumnos sin sesión" in events()[-1].detail


# Nobody unwrites it


@pytest.mark.parametrize("what", ["UPDATE {} SET detail = ''", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_database_itself_refuses_to_forget(rosa, what):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(DatabaseError, match=REFUSED):
            cursor.execute(what.format(SecurityEvent._meta.db_table))


def test_what_is_older_than_is_kept_may_go(rosa):
    old = SecurityEvent.objects.create(
        kind="log_in", by=rosa, at=timezone.now() - SECURITY_EVENTS_KEPT - timedelta(days=1)
    )
    SecurityEvent.objects.filter(pk=old.pk).delete()
    assert not SecurityEvent.objects.filter(pk=old.pk).exists()
    with (
        pytest.raises(DatabaseError, match=REFUSED),
        transaction.atomic(),
    ):
        SecurityEvent.objects.all().delete()


# Who reads it


def listed(client: Client) -> set[str]:
    page = client.get(LIST)
    return {event.detail for event in page.context["cl"].result_list}


def test_administrators_and_auditors_read_it(rosa):
    for group in ("Administrador", "Auditor"):
        page = browser_of(member(group, group)).get(LIST, {"q": "rosa"})
        assert page.status_code == 200
        assert "rosa" in page.content.decode()
    assert browser_of(member("Coordinador", "otra")).get(LIST).status_code == 403


def test_who_is_limited_to_some_otecs_reads_of_their_own_people():
    otec = OtecFactory()
    ours, theirs = member("Coordinador", "nuestra", [otec]), member("Coordinador", "ajena")
    for person in (ours, theirs):
        SecurityEvent.objects.create(kind="export", by=person, detail=person.username)
    limited = member("Administrador", "jefa")
    StaffScope.objects.create(user=limited).otecs.set([otec])
    told = listed(browser_of(limited))
    assert "nuestra" in told
    assert "ajena" not in told
