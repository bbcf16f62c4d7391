"""Who may do what: the three groups that staff belong to."""

from typing import Any

from django.contrib.auth.management import create_permissions

READ = [
    f"{app}.view_{model}"
    for app, models in {
        "courses": ["otec", "course", "action", "student", "enrolment", "rosterimport"],
        "attendance": [
            "attendancesession", "sencecallback", "callbackverdict", "staffalert", "sentmail",
        ],
        "errors_catalog": [
            "senceerror", "helpsection", "helplink", "helptext", "contactdetails",
        ],
    }.items()
    for model in models
]  # fmt: skip
DAILY = [
    *READ,
    *(
        f"courses.{verb}_{model}"
        for verb in ("add", "change", "delete")
        for model in ("course", "action", "student", "enrolment")
    ),
    "courses.load_rosterimport",
    "attendance.resolve_attendancesession",
    "attendance.remind_attendancesession",
    "attendance.export_attendancesession",
    *(
        f"errors_catalog.{verb}_{model}"
        for verb in ("add", "change", "delete")
        for model in ("senceerror", "helpsection", "helplink")
    ),
    "errors_catalog.change_helptext",
    "errors_catalog.change_contactdetails",
]
GROUPS = {
    "Coordinador": DAILY,
    "Administrador": [
        *DAILY,
        *(f"courses.{verb}_otec" for verb in ("add", "change", "delete")),
        "courses.change_otec_token",
        *(f"courses.{verb}_staffscope" for verb in ("view", "add", "change", "delete")),
        *(f"auth.{verb}_user" for verb in ("view", "add", "change")),
    ],
    "Auditor": [*READ, "attendance.export_attendancesession"],
}


def grant(apps: Any, group_name: str, permissions: list[str]) -> None:
    """Give the group, made where it is missing, what it lacks of `permissions` (`app.codename`).

    For migrations: permissions are created first, which Django does only after migrating.
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
