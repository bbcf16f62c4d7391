"""The texts that help students where they need it: back from SENCE, near the limit, offline."""

from django.db import migrations

from errors_catalog import defaults
from errors_catalog.seeding import add_missing

KEYS = (
    "no_answer_yet", "notify_denied", "notify_on", "offline", "own_sessions_note",
    "own_sessions_refused", "sence_failing", "window_note_open",
)  # fmt: skip


def seed(apps, schema_editor):
    add_missing(apps, texts={key: defaults.TEXTS[key] for key in KEYS})


class Migration(migrations.Migration):
    dependencies = [("errors_catalog", "0003_history_and_drafts")]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop, elidable=False)]
