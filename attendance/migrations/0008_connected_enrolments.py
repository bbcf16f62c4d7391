from django.db import migrations


class Migration(migrations.Migration):
    """Fill in what happened before there was a trigger, once every new session goes through it."""

    dependencies = [
        ('attendance', '0007_connections'),
    ]

    operations = [
        migrations.RunSQL(
            "UPDATE courses_enrolment enrolment SET connected_at = first.opened_at"
            " FROM (SELECT enrolment_id, min(opened_at) AS opened_at"
            "   FROM attendance_attendancesession WHERE opened_at IS NOT NULL GROUP BY 1) first"
            " WHERE first.enrolment_id = enrolment.id",
            migrations.RunSQL.noop,
        ),
    ]
