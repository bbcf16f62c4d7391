import logging

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


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


class BackofficeAdminConfig(admin_apps.AdminConfig):
    """Django's admin, with the coordinators' desk as its site."""

    default_site = "backoffice.site.BackofficeSite"
    default = False
