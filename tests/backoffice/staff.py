"""Members of staff as tests need them."""

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client

from courses.models import StaffScope

GROUPS = ["Coordinador", "Administrador", "Auditor"]


def member(group: str | None, name: str = "persona", otecs=()):
    """A member of staff: of a group, of none, limited to some OTECs where they are given."""
    user = get_user_model().objects.create_user(name, is_staff=True)
    if group:
        user.groups.add(Group.objects.get(name=group))
    if otecs:
        StaffScope.objects.create(user=user).otecs.set(otecs)
    return user


def browser_of(user) -> Client:
    client = Client()
    client.force_login(user)
    return client
