"""Tests that commit leave the tables to the next one as the migrations left them."""

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command

from errors_catalog.models import SenceError
from tests import migrated_rows
from tests.factories import EnrolmentFactory

pytestmark = pytest.mark.django_db(transaction=True)


def rows():
    return {
        model: sorted(map(repr, model._base_manager.values_list()))
        for model in migrated_rows.models()
    }


def test_emptied_tables_have_again_what_the_migrations_put_there():
    migrated = rows()
    EnrolmentFactory()
    SenceError.objects.all().delete()
    Group.objects.first().permissions.clear()

    call_command("flush", interactive=False, verbosity=0)

    assert rows() == migrated
    assert Group.objects.create(name="otro").pk > max(
        Group.objects.exclude(name="otro").values_list("pk", flat=True)
    )
