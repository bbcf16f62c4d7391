"""What each text said before, and the codes that SENCE sent and nobody has written yet."""

import django.core.validators
import django.db.models.deletion
import errors_catalog.placeholders
import errors_catalog.seeding
import simple_history.models
from django.conf import settings
from django.db import migrations, models


def record_what_is_there(apps, schema_editor):
    errors_catalog.seeding.start_history(apps)


class Migration(migrations.Migration):

    dependencies = [
        ('errors_catalog', '0002_seed'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='senceerror',
            name='is_draft',
            field=models.BooleanField(default=False, editable=False, verbose_name='por escribir'),
        ),
        migrations.AlterField(
            model_name='helplink',
            name='url',
            field=models.CharField(max_length=300, validators=[django.core.validators.RegexValidator('^(https?://|/)\\S*\\Z', 'Una dirección https:// o una ruta del sitio.')], verbose_name='dirección'),
        ),
        migrations.AlterField(
            model_name='senceerror',
            name='code',
            field=models.CharField(help_text='El número que Sence da en la glosa del error (manual de integración, anexo).', max_length=20, unique=True, validators=[django.core.validators.RegexValidator('^[0-9A-Za-z_-]+\\Z', 'Solo letras, números y guiones.')], verbose_name='código'),
        ),
        migrations.AlterField(
            model_name='senceerror',
            name='description',
            field=models.TextField(help_text='Qué pasó, para el alumno.', validators=[errors_catalog.placeholders.check_error_text], verbose_name='descripción'),
        ),
        migrations.AlterField(
            model_name='senceerror',
            name='solution',
            field=models.TextField(help_text='Qué hacer ahora, para el alumno.', validators=[errors_catalog.placeholders.check_error_text], verbose_name='solución'),
        ),
        migrations.CreateModel(
            name='HistoricalContactDetails',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('email', models.EmailField(max_length=254, verbose_name='correo para alumnos')),
                ('phones', models.TextField(help_text='Uno por línea.', verbose_name='teléfonos')),
                ('alert_emails', models.TextField(blank=True, help_text='Uno por línea.', verbose_name='correos para avisos al personal')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'cambio de datos de contacto',
                'verbose_name_plural': 'cambios de datos de contacto',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalHelpLink',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('label', models.CharField(max_length=80, verbose_name='texto del botón')),
                ('url', models.CharField(max_length=300, validators=[django.core.validators.RegexValidator('^(https?://|/)\\S*\\Z', 'Una dirección https:// o una ruta del sitio.')], verbose_name='dirección')),
                ('position', models.PositiveSmallIntegerField(default=0, verbose_name='orden')),
                ('is_visible', models.BooleanField(default=True, verbose_name='visible')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('section', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='errors_catalog.helpsection', verbose_name='sección')),
            ],
            options={
                'verbose_name': 'cambio de enlace de ayuda',
                'verbose_name_plural': 'cambios de enlaces de ayuda',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalHelpSection',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('key', models.SlugField(verbose_name='clave')),
                ('title', models.CharField(max_length=120, verbose_name='título')),
                ('position', models.PositiveSmallIntegerField(default=0, verbose_name='orden')),
                ('before_rut', models.BooleanField(default=True, help_text='También si el RUT no tiene cursos.', verbose_name='en la página del RUT')),
                ('after_rut', models.BooleanField(default=True, verbose_name='en las páginas que siguen')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'cambio de sección de ayuda',
                'verbose_name_plural': 'cambios de secciones de ayuda',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalHelpText',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('key', models.SlugField(editable=False, verbose_name='clave')),
                ('where', models.CharField(editable=False, max_length=200, verbose_name='dónde aparece')),
                ('text', models.TextField(verbose_name='texto')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'cambio de texto de pantalla',
                'verbose_name_plural': 'cambios de textos de pantalla',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalSenceError',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('code', models.CharField(db_index=True, help_text='El número que Sence da en la glosa del error (manual de integración, anexo).', max_length=20, validators=[django.core.validators.RegexValidator('^[0-9A-Za-z_-]+\\Z', 'Solo letras, números y guiones.')], verbose_name='código')),
                ('description', models.TextField(help_text='Qué pasó, para el alumno.', validators=[errors_catalog.placeholders.check_error_text], verbose_name='descripción')),
                ('solution', models.TextField(help_text='Qué hacer ahora, para el alumno.', validators=[errors_catalog.placeholders.check_error_text], verbose_name='solución')),
                ('responsible', models.CharField(choices=[('student', 'El alumno'), ('enrolment', 'Coordinación: la inscripción'), ('course', 'Coordinación: los datos del curso o de la acción'), ('otec', 'Coordinación: los datos del OTEC'), ('system', 'Soporte de este sistema'), ('sence', 'SENCE')], max_length=20, verbose_name='quién debe actuar')),
                ('alerts_staff', models.BooleanField(help_text='Cada aparición deja un aviso para el personal.', verbose_name='avisa a coordinación')),
                ('is_draft', models.BooleanField(default=False, editable=False, verbose_name='por escribir')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'cambio de error de SENCE',
                'verbose_name_plural': 'cambios de errores de SENCE',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.RunPython(record_what_is_there, migrations.RunPython.noop, elidable=False),
    ]
