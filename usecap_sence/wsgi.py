"""What an application server loads."""

import logging
import os
from importlib import import_module

from django.conf import settings
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.core.wsgi import get_wsgi_application
from django.db import connections
from django.template import engines
from django.utils import formats

from usecap_sence import commands, locks

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "usecap_sence.settings")

application = get_wsgi_application()
locks.give_up_soon()
# The whole code now and not at the first request, before which an upgrade may have put another
# release's beside what is loaded.
import_module(settings.ROOT_URLCONF)
engines.all()
formats.get_format("DATE_FORMAT")

# Application servers don't run the system checks by themselves, and a site whose settings
# contradict each other would lose answers of SENCE's.
if errors := [e for e in run_checks(tags=commands.CHECKS) if e.is_serious()]:
    raise ImproperlyConfigured("\n".join(f"{e.id}: {e.msg} {e.hint or ''}" for e in errors))

# What SENCE answered while nobody could apply it, the first of it: each worker passes here, and the
# command that runs by the clock goes on. The site starts whatever comes of this, a database that
# isn't migrated yet included: one that is up keeps answers, one that is down loses them.
try:
    call_command("replay_callbacks", most=100)
except (Exception, SystemExit) as problem:
    # Of what is no sentence of ours the kind alone: the database's own words may quote a row.
    said = problem if isinstance(problem, CommandError | SystemExit) else type(problem).__name__
    logging.getLogger(__name__).warning("replay_callbacks al iniciar: %s", said)
finally:
    # An application server may fork from here.
    connections.close_all()
