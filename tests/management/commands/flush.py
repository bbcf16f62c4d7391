"""Django empties the tables between tests that commit: append-only ones refuse, seeds are lost."""

import pgtrigger
from django.apps import apps
from django.core.management.commands import flush

from backoffice.groups import GROUPS, grant
from errors_catalog.seeding import seed_everything


class Command(flush.Command):
    def handle(self, **options):
        with pgtrigger.ignore():
            super().handle(**options)
        seed_everything(apps)
        for name, permissions in GROUPS.items():
            grant(apps, name, permissions)
