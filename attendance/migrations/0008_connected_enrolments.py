from django.db import migrations

MANY = 10_000
FILL = """
    UPDATE courses_enrolment enrolment SET connected_at = first.opened_at
    FROM (
        SELECT enrolment_id, min(opened_at) AS opened_at FROM attendance_attendancesession
        WHERE opened_at IS NOT NULL AND enrolment_id >= %s AND enrolment_id < %s GROUP BY 1
    ) first
    WHERE first.enrolment_id = enrolment.id AND connected_at IS NULL
"""


def fill(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM courses_enrolment")
        (last,) = cursor.fetchone()
        for first in range(0, last + 1, MANY):
            cursor.execute(FILL, [first, first + MANY])


class Migration(migrations.Migration):
    """Fill in what happened before there was a trigger, once every new session goes through it.

    Some at a time, each committed: nobody waits for all of them.
    """

    atomic = False

    dependencies = [
        ('attendance', '0007_connections'),
    ]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
