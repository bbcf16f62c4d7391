"""“Recuperar Clave Única” leads to the page where it is recovered (guide, 2.2)."""

from django.db import migrations
from django.utils import timezone

LABEL = "Recuperar Clave Única"
BEFORE = "https://claveunica.gob.cl/"
AFTER = "https://claveunica.gob.cl/recuperar"


def correct(apps, schema_editor=None):
    """Correct the link as we shipped it, and record that; one that staff changed is theirs."""
    links = apps.get_model("errors_catalog", "HelpLink").objects
    history = apps.get_model("errors_catalog", "HistoricalHelpLink").objects
    for link in links.filter(label=LABEL, url=BEFORE):
        link.url = AFTER
        link.save()
        columns = {field.attname: getattr(link, field.attname) for field in link._meta.fields}
        history.create(
            **columns,
            history_date=timezone.now(),
            history_type="~",
            history_change_reason="Dirección corregida",
        )


class Migration(migrations.Migration):
    dependencies = [("errors_catalog", "0005_texts_after_errors")]

    operations = [migrations.RunPython(correct, migrations.RunPython.noop, elidable=False)]
