"""An index of enrolments by student, beside the one that begins with the student.

Each row of a roster and each student's first session wrote it.
"""

from django.db import migrations, models

NAME = "courses_enrolment_student_id_7c383c66"


class Migration(migrations.Migration):
    # While the site writes.
    atomic = False

    dependencies = [("courses", "0009_actions_by_end")]

    operations = [
        migrations.SeparateDatabaseAndState(
            [
                migrations.RunSQL(
                    f'DROP INDEX CONCURRENTLY IF EXISTS "{NAME}"',
                    f'CREATE INDEX CONCURRENTLY IF NOT EXISTS "{NAME}"'
                    " ON courses_enrolment (student_id)",
                )
            ],
            [
                migrations.AlterField(
                    model_name="enrolment",
                    name="student",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=models.deletion.PROTECT,
                        related_name="enrolments",
                        to="courses.student",
                        verbose_name="alumno",
                    ),
                )
            ],
        ),
    ]
