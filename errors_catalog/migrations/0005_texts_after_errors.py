"""The texts after an error: what is registered, what to do, and what a new session leaves behind."""

from django.db import migrations

from errors_catalog import defaults
from errors_catalog.seeding import add_missing

KEYS = (
    "close_error_before", "close_flagged", "new_session_note", "not_registered", "still_open",
)  # fmt: skip


def seed(apps, schema_editor):
    add_missing(apps, texts={key: defaults.TEXTS[key] for key in KEYS})


class Migration(migrations.Migration):
    dependencies = [("errors_catalog", "0004_texts_of_help")]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop, elidable=False)]
