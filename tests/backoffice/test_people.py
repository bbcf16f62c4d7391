"""Who manages people, how far they may go, and what the history tells of it."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from courses.models import StaffScope
from tests.backoffice.staff import browser_of, member
from tests.factories import ActionFactory, CourseFactory, OtecFactory, StudentFactory

pytestmark = pytest.mark.django_db
PASSWORD = "una-clave-de-prueba-91"
USERS = "admin:auth_user_changelist"
ADD = "admin:auth_user_add"
HISTORY = "admin:admin_logentry_changelist"


def change(person: User) -> str:
    return reverse("admin:auth_user_change", args=[person.pk])


def password_page(person: User) -> str:
    return reverse("admin:auth_user_password_change", args=[person.pk])


def group(name: str) -> Group:
    return Group.objects.get(name=name)


def scope_data(*otecs, of: User | None = None) -> dict:
    """The part of the form that says for whom the person works."""
    scope = StaffScope.objects.filter(user=of).first() if of else None
    return {
        "scope-TOTAL_FORMS": 1,
        "scope-INITIAL_FORMS": 1 if scope else 0,
        "scope-MIN_NUM_FORMS": 0,
        "scope-MAX_NUM_FORMS": 1,
        "scope-0-id": scope.pk if scope else "",
        "scope-0-user": of.pk if of else "",
        "scope-0-otecs": [otec.pk for otec in otecs],
    }


def new_person(*groups: str, otecs=(), **fields) -> dict:
    return {
        "username": "nueva",
        "password1": PASSWORD,
        "password2": PASSWORD,
        "groups": [group(name).pk for name in groups],
        **scope_data(*otecs),
        **fields,
    }


def edited(person: User, *groups: str, otecs=(), **fields) -> dict:
    return {
        "username": person.username,
        "is_active": "on",
        "groups": [group(name).pk for name in groups],
        **scope_data(*otecs, of=person),
        **fields,
    }


def listed(client, page: str = USERS, **query) -> set[str]:
    response = client.get(reverse(page, query=query))
    assert response.status_code == 200
    return {str(row) for row in response.context["cl"].result_list}


def reload(person: User) -> User:
    return User.objects.get(pk=person.pk)


# Who gets in


@pytest.mark.parametrize("name", ["Coordinador", "Auditor", None])
def test_who_is_no_administrator_has_nothing_to_do_with_users(name):
    person = member(name, "otra")
    client = browser_of(member(name))
    for page in (reverse(USERS), reverse(ADD), change(person), password_page(person)):
        assert client.get(page).status_code == 403
        assert client.post(page, {}).status_code == 403
    assert client.get(reverse("admin:auth_user_history", args=[person.pk])).status_code == 403
    assert client.get(reverse("admin:auth_group_changelist")).status_code == 403


def test_an_administrator_makes_a_coordinator_who_gets_in():
    client = browser_of(member("Administrador"))
    otec = OtecFactory()
    assert client.get(reverse(ADD)).status_code == 200
    data = new_person("Coordinador", otecs=[otec], first_name="Ana", email="ana@example.com")
    response = client.post(reverse(ADD), data)
    person = User.objects.get(username="nueva")
    assert response.url == change(person)
    assert person.is_staff
    assert not person.is_superuser
    assert person.check_password(PASSWORD)
    assert [str(g) for g in person.groups.all()] == ["Coordinador"]
    assert list(person.scope.otecs.all()) == [otec]
    page = client.get(change(person)).content.decode()
    assert person.password not in page
    assert PASSWORD not in page
    assert browser_of(person).get(reverse("admin:courses_action_changelist")).status_code == 200


def test_a_weak_password_is_refused():
    client = browser_of(member("Administrador"))
    page = client.post(reverse(ADD), new_person(password1="1234", password2="1234"))
    assert page.status_code == 200
    assert not User.objects.filter(username="nueva").exists()


def test_an_administrator_changes_groups_and_otecs_and_deactivates():
    client = browser_of(member("Administrador"))
    person, otec = member("Coordinador", "otra"), OtecFactory()
    theirs = browser_of(person)
    data = edited(person, "Auditor", otecs=[otec], last_name="Soto")
    assert client.post(change(person), data).status_code == 302
    person = reload(person)
    assert (person.last_name, [str(g) for g in person.groups.all()]) == ("Soto", ["Auditor"])
    assert list(person.scope.otecs.all()) == [otec]
    assert theirs.get(reverse("admin:index")).status_code == 200
    data = edited(person, "Auditor", otecs=[otec])
    del data["is_active"]
    assert client.post(change(person), data).status_code == 302
    assert theirs.get(reverse("admin:index")).status_code == 302


def test_an_administrator_sets_a_password_that_nobody_reads():
    client = browser_of(member("Administrador"))
    person = member("Coordinador", "otra")
    assert client.get(password_page(person)).status_code == 200
    data = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    assert client.post(password_page(person), data | {"set-password": "1"}).status_code == 302
    person = reload(person)
    assert person.check_password(PASSWORD)
    entry = LogEntry.objects.get()
    assert PASSWORD not in entry.change_message
    assert "contraseña" in entry.get_change_message()


def test_nobody_is_deleted(admin_client):
    person = member("Coordinador", "otra")
    page = reverse("admin:auth_user_delete", args=[person.pk])
    for client in (admin_client, browser_of(member("Administrador"))):
        assert client.get(page).status_code == 403
        assert client.post(page, {"post": "yes"}).status_code == 403
        data = {"action": "delete_selected", "_selected_action": [person.pk], "post": "yes"}
        client.post(reverse(USERS), data)
        assert User.objects.filter(pk=person.pk).exists()
        assert "deletelink" not in client.get(change(person)).content.decode()


# Nobody is raised


def test_a_tampered_form_gives_no_more_than_it_shows():
    client = browser_of(member("Administrador"))
    person = member("Coordinador", "otra")
    extra = {
        "is_superuser": "on",
        "user_permissions": [Permission.objects.get(codename="delete_user").pk],
        "password": "x",
        "last_login_0": "01-01-2020",
    }
    page = client.get(change(person)).content.decode()
    assert "is_superuser" not in page
    assert "user_permissions" not in page
    before = person.password
    assert client.post(change(person), edited(person, "Coordinador", **extra)).status_code == 302
    assert client.post(reverse(ADD), new_person("Coordinador", **extra)).status_code == 302
    for user in (reload(person), User.objects.get(username="nueva")):
        assert not user.is_superuser
        assert not user.user_permissions.exists()
    assert reload(person).password == before


def test_a_group_that_can_do_more_is_not_offered_nor_given():
    above = Group.objects.create(name="Gerencia")
    above.permissions.add(Permission.objects.get(codename="delete_user"))
    client = browser_of(member("Administrador"))
    person = member("Coordinador", "otra")
    assert "Gerencia" not in client.get(change(person)).content.decode()
    for page, data in [
        (change(person), edited(person, groups=[above.pk])),
        (reverse(ADD), new_person(groups=[above.pk])),
    ]:
        response = client.post(page, data)
        assert response.status_code == 200
        assert "Escoja una opción válida" in response.content.decode()
    assert [str(g) for g in reload(person).groups.all()] == ["Coordinador"]
    assert not User.objects.filter(username="nueva").exists()


def test_a_superuser_is_neither_seen_nor_touched(admin_user):
    client = browser_of(member("Administrador"))
    assert listed(client) == {"persona"}
    for page in (change(admin_user), password_page(admin_user)):
        for response in (client.get(page), client.post(page, edited(admin_user))):
            assert response.status_code in {302, 403, 404}
    data = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    client.post(password_page(admin_user), data | {"set-password": "1"})
    assert reload(admin_user).is_superuser
    assert not reload(admin_user).check_password(PASSWORD)
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("active", [True, False])
def test_who_can_do_more_is_looked_at_and_not_taken_over(active):
    """A new password, or an account brought back, would be a way to act as them."""
    above = member("Coordinador", "jefa")
    above.user_permissions.add(Permission.objects.get(codename="delete_user"))
    User.objects.filter(pk=above.pk).update(is_active=active)
    client = browser_of(member("Administrador"))
    page = client.get(change(above))
    assert page.status_code == 200
    assert 'name="username"' not in page.content.decode()
    assert client.post(change(above), edited(above, "Coordinador")).status_code == 403
    assert client.get(password_page(above)).status_code == 403
    assert client.post(password_page(above), {}).status_code == 403
    assert reload(above).is_active == active


def test_nobody_changes_their_own_groups():
    person = member("Administrador")
    client = browser_of(person)
    assert client.post(change(person), edited(person)).status_code == 403
    assert client.get(password_page(person)).status_code == 403
    assert reload(person).groups.count() == 1


@pytest.mark.parametrize(
    "query",
    [
        {"is_superuser__exact": 1},
        {"user_permissions": 1},
        {"user_permissions__exact": 1},
        {"password__startswith": "md5"},
    ],
)
def test_what_the_list_does_not_show_is_not_asked_of_it(query):
    client = browser_of(member("Administrador"))
    assert client.get(reverse(USERS, query=query)).status_code in {302, 400}


def test_a_superuser_keeps_the_whole_form(admin_client):
    person = member("Coordinador", "otra")
    person.set_password(PASSWORD)
    person.save()
    page = admin_client.get(change(person)).content.decode()
    assert person.password not in page
    assert 'name="password"' not in page
    for field in ("is_superuser", "user_permissions", "is_staff"):
        assert f'name="{field}"' in page
    assert 'name="usable_password"' in admin_client.get(reverse(ADD)).content.decode()
    data = edited(person, "Administrador", is_staff="on", is_superuser="on")
    data |= {"date_joined_0": "01-07-2026", "date_joined_1": "10:00"}
    response = admin_client.post(change(person), data)
    assert response.status_code == 302
    assert reload(person).is_superuser
    assert reload(person).check_password(PASSWORD)


# Two OTECs


def test_who_is_limited_sees_people_of_their_otecs_alone():
    mine, other = OtecFactory(), OtecFactory()
    client = browser_of(member("Administrador", otecs=[mine]))
    inside = member("Coordinador", "dentro", [mine])
    outside = [
        member("Coordinador", "fuera", [other]),
        member("Coordinador", "ambas", [mine, other]),
        member("Coordinador", "todas"),
    ]
    assert listed(client) == {"persona", "dentro"}
    assert listed(client, q="fuera") == set()
    page = client.get(change(inside)).content.decode()
    assert str(mine) in page
    assert str(other) not in page
    data = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    for person in outside:
        assert client.get(change(person)).status_code == 302
        assert client.post(change(person), edited(person, "Auditor")).status_code == 302
        response = client.post(password_page(person), data | {"set-password": "1"})
        assert response.status_code in {403, 404}
        assert client.get(reverse("admin:auth_user_history", args=[person.pk])).status_code == 302
        assert [str(g) for g in reload(person).groups.all()] == ["Coordinador"]
        assert not reload(person).check_password(PASSWORD)


def test_who_is_limited_makes_only_who_is_limited_to_those():
    mine, other = OtecFactory(), OtecFactory()
    client = browser_of(member("Administrador", otecs=[mine]))
    no_scope = {key: "" for key in scope_data() if key.startswith("scope-0")}
    for data in [
        new_person("Coordinador"),
        new_person("Coordinador", otecs=[other]),
        new_person("Coordinador", otecs=[mine, other]),
        new_person("Coordinador", otecs=[mine], **{"scope-TOTAL_FORMS": 0}),
        new_person("Coordinador", **no_scope, **{"scope-TOTAL_FORMS": 0}),
        {k: v for k, v in new_person("Coordinador").items() if not k.startswith("scope")},
    ]:
        client.post(reverse(ADD), data)
        assert not User.objects.filter(username="nueva").exists()
    assert client.post(reverse(ADD), new_person("Coordinador", otecs=[mine])).status_code == 302
    assert list(User.objects.get(username="nueva").scope.otecs.all()) == [mine]


def test_who_is_limited_widens_nobody():
    mine, other = OtecFactory(), OtecFactory()
    client = browser_of(member("Administrador", otecs=[mine]))
    person = member("Coordinador", "otra", [mine])
    tampered = edited(person, "Coordinador", otecs=[mine])
    for data in [
        edited(person, "Coordinador"),
        edited(person, "Coordinador", otecs=[other]),
        tampered | {"scope-0-otecs": [mine.pk, other.pk]},
        tampered | {"scope-0-DELETE": "on", "scope-0-otecs": []},
    ]:
        client.post(change(person), data)
        assert list(reload(person).scope.otecs.all()) == [mine]


def test_a_form_without_its_otecs_makes_nobody_unlimited():
    """Whoever lacks the permission for the OTECs' part of the form gets a form without it."""
    mine = OtecFactory()
    editor = member(None, otecs=[mine])
    wanted = Permission.objects.filter(codename__in=["view_user", "add_user", "change_user"])
    editor.user_permissions.set(wanted)
    response = browser_of(editor).post(reverse(ADD), new_person())
    assert response.status_code == 403
    assert not User.objects.filter(username="nueva").exists()


# Groups


def test_groups_are_looked_at_and_not_changed():
    client = browser_of(member("Administrador"))
    page = reverse("admin:auth_group_change", args=[group("Coordinador").pk])
    assert client.get(reverse("admin:auth_group_changelist")).status_code == 200
    text = client.get(page).content.decode()
    for permission in ("Puede cargar inscritos", "Puede ver alumno", "Puede crear curso"):
        assert permission in text
    assert ">Can " not in text
    assert client.post(page, {"name": "x"}).status_code == 403
    assert client.get(reverse("admin:auth_group_add")).status_code == 403
    delete = reverse("admin:auth_group_delete", args=[group("Coordinador").pk])
    assert client.post(delete, {"post": "yes"}).status_code == 403


def test_a_superuser_changes_groups(admin_client):
    page = reverse("admin:auth_group_change", args=[group("Coordinador").pk])
    assert 'name="permissions"' in admin_client.get(page).content.decode()


# The history


def test_the_history_tells_who_did_what_to_whom():
    boss = member("Administrador", "jefa")
    client = browser_of(boss)
    otec = OtecFactory(name="OTEC del Sur")
    client.post(reverse(ADD), new_person("Coordinador", otecs=[otec]))
    person = User.objects.get(username="nueva")
    data = edited(person, "Auditor")
    del data["is_active"]
    client.post(change(person), data)
    page = client.get(reverse(HISTORY)).content.decode()
    text = re.sub(r"\s+", " ", page)
    assert "<h1>Historial</h1>" in text
    assert "Creó" in text
    assert "Grupos: Coordinador. OTEC: OTEC del Sur. Cuenta activa." in text
    assert "Grupos: Auditor. OTEC: todos. Cuenta desactivada." in text
    assert text.count(">jefa<") >= 2
    own = client.get(reverse("admin:auth_user_history", args=[person.pk])).content.decode()
    assert "Grupos: Auditor" in own


def test_the_history_is_for_administrators_and_auditors():
    entry = entry_of(member("Administrador", "jefa"), OtecFactory())
    for name, status in [("Administrador", 200), ("Auditor", 200), ("Coordinador", 403)]:
        client = browser_of(member(name, name))
        assert client.get(reverse(HISTORY)).status_code == status
        page = reverse("admin:admin_logentry_change", args=[entry.pk])
        assert client.get(page).status_code == status
        assert client.post(page, {}).status_code == 403
        assert client.get(reverse("admin:admin_logentry_add")).status_code == 403
        delete = reverse("admin:admin_logentry_delete", args=[entry.pk])
        assert client.post(delete, {"post": "yes"}).status_code == 403


def entry_of(user: User, thing) -> LogEntry:
    LogEntry.objects.log_actions(user.pk, [thing], 2, "Cambio.")
    return LogEntry.objects.latest("pk")


def test_who_is_limited_reads_the_history_of_their_otecs_alone():
    mine, other = OtecFactory(), OtecFactory()
    boss = member("Administrador", "jefa")
    auditor = member("Auditor", otecs=[mine])
    seen = [
        mine,
        ActionFactory(course__otec=mine),
        CourseFactory(otec=mine),
        StudentFactory(),
        member("Coordinador", "dentro", [mine]),
    ]
    hidden = [
        other,
        ActionFactory(course__otec=other),
        CourseFactory(otec=other),
        member("Coordinador", "fuera", [other]),
        group("Auditor"),
    ]
    entries = {thing: entry_of(boss, thing) for thing in [*seen, *hidden]}
    own = entry_of(auditor, other)
    client = browser_of(auditor)
    rows = client.get(reverse(HISTORY)).context["cl"].result_list
    assert {row.pk for row in rows} == {own.pk, *(entries[thing].pk for thing in seen)}
    for thing in hidden:
        page = reverse("admin:admin_logentry_change", args=[entries[thing].pk])
        assert client.get(page).status_code == 302


@pytest.mark.parametrize("flag", ["1", "2", "3", "x", "\x00"])
def test_the_history_is_filtered_by_what_was_done(flag):
    entry_of(member("Administrador", "jefa"), OtecFactory())
    rows = listed(browser_of(member("Auditor")), HISTORY, hizo=flag)
    assert len(rows) == (0 if flag in "13" else 1)


# Figures


def queries(client, page: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(reverse(page)).status_code == 200
    return len(captured)


def test_the_lists_ask_the_database_the_same_with_1_row_and_with_30():
    otec = OtecFactory()
    client = browser_of(member("Administrador", "jefa", [otec]))
    counts = []
    for last in (1, 30):
        for number in range(last):
            person = member("Coordinador", f"persona-{last}-{number}", [otec])
            entry_of(person, person)
        counts.append((queries(client, USERS), queries(client, HISTORY)))
    assert counts == [(11, 11)] * 2
