"""Who may do what: the groups that staff belong to, and what migrations give them."""

from typing import Any

from django.contrib.auth.management import create_permissions


def grant(apps: Any, group_name: str, permissions: list[str]) -> None:
    """Give the group, made where it is missing, what it lacks of `permissions` (`app.codename`).

    For migrations: permissions are created first, which Django does only after migrating. Each
    migration spells out what it grants, all of it of models that it depends on: a list kept
    elsewhere would come to name permissions that a new database does not have yet.
    """
    for app in {permission.partition(".")[0] for permission in permissions}:
        config = apps.get_app_config(app)
        # Without it Django takes the app, in a migration's own registry, for one without models.
        config.models_module = getattr(config, "models_module", None) or True
        create_permissions(config, apps=apps, verbosity=0)
    group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=group_name)
    wanted = apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label__in={name.partition(".")[0] for name in permissions},
        codename__in={name.partition(".")[2] for name in permissions},
    )
    found = {f"{row.content_type.app_label}.{row.codename}": row for row in wanted}
    group.permissions.add(*(found[name] for name in permissions))
