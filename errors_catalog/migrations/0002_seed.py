"""The catalogue as we ship it: SENCE's codes, help links, contact details, texts of the screens."""

from django.db import migrations

from errors_catalog.seeding import seed_everything


class Migration(migrations.Migration):
    dependencies = [("errors_catalog", "0001_initial")]

    # Rows stay when it is reversed: the table goes with 0001, and staff's edits are theirs.
    operations = [migrations.RunPython(seed_everything, migrations.RunPython.noop, elidable=False)]
