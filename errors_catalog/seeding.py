"""Fill the catalogue's tables from migrations, without ever touching what is already there.

A migration that adds texts names them and no others, so that what staff deleted stays deleted:

    def seed(apps, schema_editor):
        add_missing(apps, texts={"new_key": defaults.TEXTS["new_key"]})
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils import timezone

from errors_catalog import defaults

RECORDED = ("SenceError", "HelpSection", "HelpLink", "HelpText", "ContactDetails")


def add_missing(
    apps: Any,
    *,
    errors: Mapping[str, defaults.ErrorText] | None = None,
    sections: Iterable[defaults.HelpLinks] = (),
    texts: Mapping[str, defaults.NamedText] | None = None,
    contact: Mapping[str, str] | None = None,
) -> None:
    """Create the rows that are missing. `apps` is a migration's registry, or Django's own.

    A row is there if its code or key is; what it says is the staff's. A section's links are added
    with the section, never to one that exists.
    """
    for code, error in (errors or {}).items():
        _add(apps, "SenceError", {"code": code}, vars(error))
    for key, named in (texts or {}).items():
        _add(apps, "HelpText", {"key": key}, vars(named))
    if contact:
        _add(apps, "ContactDetails", {"id": 1}, contact)
    for position, section in enumerate(sections, start=1):
        _add_section(apps, section, position * 10)
    start_history(apps)


def start_history(apps: Any) -> None:
    """Record how each row is that has no history yet, so that its first edit has a way back.

    Migrations save without the signals that record. Before 0003 there is nothing to record into.
    """
    for name in RECORDED:
        try:
            history = apps.get_model("errors_catalog", f"Historical{name}")
        except LookupError:
            return
        model, now = apps.get_model("errors_catalog", name), timezone.now()
        columns = [field.attname for field in model._meta.concrete_fields]
        unrecorded = model.objects.exclude(pk__in=history.objects.values("id"))
        history.objects.bulk_create(
            history(
                **{column: getattr(row, column) for column in columns},
                history_date=now,
                history_type="+",
                history_change_reason="Texto inicial",
            )
            for row in unrecorded
        )


def seed_everything(apps: Any, schema_editor: object = None) -> None:
    """Add whatever is missing of all that we ship."""
    add_missing(
        apps,
        errors=defaults.ERRORS,
        sections=defaults.SECTIONS,
        texts=defaults.TEXTS,
        contact=defaults.CONTACT,
    )


def _add(apps: Any, model: str, key: Mapping[str, Any], values: Mapping[str, Any]) -> Any:
    found = apps.get_model("errors_catalog", model)
    # In a migration's registry: what a later one adds to the table is for that one to fill.
    columns = {field.name for field in found._meta.fields}
    known = {name: value for name, value in values.items() if name in columns}
    row, is_new = found.objects.get_or_create(**key, defaults=known)
    return row if is_new else None


def _add_section(apps: Any, section: defaults.HelpLinks, position: int) -> None:
    values = {
        "title": section.title,
        "position": position,
        "before_rut": section.before_rut,
        "after_rut": section.after_rut,
    }
    row = _add(apps, "HelpSection", {"key": section.key}, values)
    if row is None:
        return
    link = apps.get_model("errors_catalog", "HelpLink")
    link.objects.bulk_create(
        link(section=row, label=label, url=url, position=order * 10)
        for order, (label, url) in enumerate(section.links, start=1)
    )
