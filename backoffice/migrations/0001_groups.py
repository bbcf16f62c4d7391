from django.db import migrations

from backoffice.groups import GROUPS, grant


def make_groups(apps, schema_editor):
    for name, permissions in GROUPS.items():
        grant(apps, name, permissions)


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("courses", "0003_staff_scope"),
        ("attendance", "0001_initial"),
        ("errors_catalog", "0002_seed"),
    ]

    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
