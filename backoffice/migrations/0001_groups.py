"""The three groups and what they may do. Later permissions come with migrations of their own."""

from django.db import migrations

from backoffice.groups import grant

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
