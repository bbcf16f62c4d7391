"""Indexes of sessions that nothing reads: each opening and each close wrote them anew.

By nonce and IdSesionAlumno nobody looks for a beginning (`_like`); by OTEC and instant there is
another one that begins with the OTEC; of a hundred sessions staff resolve one.
"""

from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.migrations.operations.base import Operation

TABLE = "attendance_attendancesession"


def drop(name: str, columns: str) -> Operation:
    return migrations.RunSQL(
        f'DROP INDEX CONCURRENTLY IF EXISTS "{name}"',
        f'CREATE INDEX CONCURRENTLY IF NOT EXISTS "{name}" ON {TABLE} ({columns})',
    )


class Migration(migrations.Migration):
    # While the site writes.
    atomic = False

    dependencies = [
        ("attendance", "0013_day_totals"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        drop(f"{TABLE}_nonce_8ce0f551_like", "nonce varchar_pattern_ops"),
        drop(
            f"{TABLE}_student_session_id_97d4f3cc_like", "student_session_id varchar_pattern_ops"
        ),
        migrations.SeparateDatabaseAndState(
            [drop(f"{TABLE}_otec_id_370ff6f6", "otec_id")],
            [
                migrations.AlterField(
                    model_name="attendancesession",
                    name="otec",
                    field=models.ForeignKey(
                        db_index=False,
                        editable=False,
                        on_delete=models.deletion.PROTECT,
                        to="courses.otec",
                        verbose_name="OTEC",
                    ),
                )
            ],
        ),
        # One that an interrupted migration left, perhaps half built.
        migrations.RunSQL(
            'DROP INDEX CONCURRENTLY IF EXISTS "session_by_resolver"', migrations.RunSQL.noop
        ),
        AddIndexConcurrently(
            model_name="attendancesession",
            index=models.Index(
                condition=models.Q(("resolved_by__isnull", False)),
                fields=["resolved_by"],
                name="session_by_resolver",
            ),
        ),
        migrations.SeparateDatabaseAndState(
            [drop(f"{TABLE}_resolved_by_id_09c21cad", "resolved_by_id")],
            [
                migrations.AlterField(
                    model_name="attendancesession",
                    name="resolved_by",
                    field=models.ForeignKey(
                        db_index=False,
                        editable=False,
                        null=True,
                        on_delete=models.deletion.PROTECT,
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="resuelta por",
                    ),
                )
            ],
        ),
    ]
