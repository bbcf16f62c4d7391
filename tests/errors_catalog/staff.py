"""Staff of each group, for tests of the catalogue's admin."""

from django.contrib.auth.models import Group, User
from django.test import Client


def member(group: str, **fields: str) -> User:
    user = User.objects.create(username=group.lower(), is_staff=True, **fields)
    user.groups.add(Group.objects.get(name=group))
    return user


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client
