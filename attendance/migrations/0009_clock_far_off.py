from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # The index while the site writes: no answer of SENCE's waits for it.
    atomic = False

    dependencies = [
        ('attendance', '0008_connected_enrolments'),
    ]

    operations = [
        migrations.AddField(
            model_name='callbackverdict',
            name='clock_far_off',
            field=models.BooleanField(db_default=False, verbose_name='reloj lejos del nuestro'),
        ),
        AddIndexConcurrently(
            model_name='callbackverdict',
            index=models.Index(condition=models.Q(('clock_far_off', True)), fields=['decided_at'], name='verdict_clock_far_off'),
        ),
    ]
