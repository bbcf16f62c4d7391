"""What a command of ours asks of the settings before it runs: what an application server asks."""

from django.core.management import base

CHECKS = ["attendance"]
"""The tag of the checks of what would lose answers of SENCE's. Others look at the code, for which
they load every page and the whole of admin: `manage.py check`, and whoever changes the code."""


class BaseCommand(base.BaseCommand):
    requires_system_checks = CHECKS
