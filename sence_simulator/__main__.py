"""`python -m sence_simulator`: starts both origins, or says in a sentence why it can't."""

import os
import sys

# Its own settings, whatever project the environment names.
os.environ["DJANGO_SETTINGS_MODULE"] = "sence_simulator.settings"

from sence_simulator.server import main

sys.exit(main())
