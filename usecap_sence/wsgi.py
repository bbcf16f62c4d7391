"""What an application server loads."""

import logging
import os

from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.core.wsgi import get_wsgi_application
from django.db import connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "usecap_sence.settings")

application = get_wsgi_application()

# Application servers don't run the system checks by themselves, and a site whose settings
# contradict each other would lose answers of SENCE's.
if errors := [e for e in run_checks(tags=["attendance"]) if e.is_serious()]:
    raise ImproperlyConfigured("\n".join(f"{e.id}: {e.msg} {e.hint or ''}" for e in errors))

# What SENCE answered while nobody could apply it. The site starts whatever comes of this.
try:
    call_command("replay_callbacks")
except (CommandError, SystemExit) as problem:
    logging.getLogger(__name__).warning("replay_callbacks al iniciar: %s", problem)
finally:
    # An application server may fork from here.
    connections.close_all()
