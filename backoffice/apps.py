import logging
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin import apps as admin_apps
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core import checks


class BackofficeConfig(AppConfig):
    name = "backoffice"
    verbose_name = "Coordinación"
    # Django finds two configurations in this module, and asks which one is the app's.
    default = True

    def ready(self) -> None:
        # They hear signals.
        from backoffice import second_factor, security_log  # noqa: F401, PLC0415
        from backoffice.mails.errors import MailHandler  # noqa: PLC0415

        # What no view of ours caught.
        logging.getLogger("django.request").addHandler(MailHandler(logging.ERROR))


class BackofficeAdminConfig(admin_apps.SimpleAdminConfig):
    """Django's admin, with the coordinators' desk as its site; `usecap_sence.urls` fills it."""

    default_site = "backoffice.site.BackofficeSite"
    default = False

    def ready(self) -> None:
        checks.register(check_dependencies, checks.Tags.admin)
        checks.register(check_filled_admin, checks.Tags.admin)


def check_filled_admin(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """What Django checks of admin, once it is filled: checks run in no order."""
    import_module(settings.ROOT_URLCONF)
    return check_admin_app(app_configs, **kwargs)
