from django.db import migrations

from backoffice.groups import grant


def show_history(apps, schema_editor):
    for group in ("Administrador", "Auditor"):
        grant(apps, group, ["admin.view_logentry"])


class Migration(migrations.Migration):
    dependencies = [
        ("backoffice", "0003_rosterupload"),
        ("admin", "0003_logentry_add_action_flag_choices"),
    ]

    operations = [migrations.RunPython(show_history, migrations.RunPython.noop)]
