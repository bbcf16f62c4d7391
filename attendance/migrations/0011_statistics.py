from django.db import migrations


class Migration(migrations.Migration):
    """Have PostgreSQL look at the column that 0009 added.

    Of one that it never looked at it supposes that half of the answers have it, and reads every one
    of them for the list of those to review: no autovacuum does it before a tenth of them changed.
    """

    dependencies = [
        ('attendance', '0010_day_counts'),
    ]

    operations = [
        migrations.RunSQL("ANALYZE attendance_callbackverdict", migrations.RunSQL.noop),
    ]
