"""Django empties the tables between tests that commit; the append-only ones refuse that."""

import pgtrigger
from django.core.management.commands import flush


class Command(flush.Command):
    def handle(self, **options):
        with pgtrigger.ignore():
            super().handle(**options)
