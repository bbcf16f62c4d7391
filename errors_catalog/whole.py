"""The whole catalogue as plain data: to keep, to carry to another installation, to bring back.

{"version": 1,
 "errors": [{"code": …, "description": …, "solution": …, "responsible": …, "alerts_staff": …}],
 "texts": [{"key": …, "text": …}],
 "contact": {"email": …, "phones": …, "alert_emails": …},
 "sections": [{"key": …, "title": …, "position": …, "before_rut": …, "after_rut": …,
               "links": [{"label": …, "url": …, "position": …, "is_visible": …}]}]}
"""

from collections import Counter
from typing import Any

from django import forms
from django.db import transaction
from django.db.models import Model
from django.forms import model_to_dict, modelform_factory

from errors_catalog.forms import ContactDetailsForm, HelpTextForm
from errors_catalog.models import ContactDetails, HelpLink, HelpSection, HelpText, SenceError

VERSION = 1
ERROR = ["code", "description", "solution", "responsible", "alerts_staff"]
CONTACT = ["email", "phones", "alert_emails"]
SECTION = ["key", "title", "position", "before_rut", "after_rut"]
LINK = ["label", "url", "position", "is_visible"]
REASON_LENGTH = 100


class CatalogueError(Exception):
    """Data that is no catalogue, or says what it may not; `problems` are sentences."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def dump() -> dict[str, Any]:
    """Return all that is written in the catalogue, drafts left out."""
    contact = ContactDetails.objects.first()
    return {
        "version": VERSION,
        "errors": list(SenceError.objects.filter(is_draft=False).values(*ERROR)),
        "texts": list(HelpText.objects.values("key", "text")),
        "contact": model_to_dict(contact, CONTACT) if contact else {},
        "sections": [
            model_to_dict(section, SECTION)
            | {"links": [model_to_dict(link, LINK) for link in section.links.all()]}
            for section in HelpSection.objects.prefetch_related("links")
        ],
    }


def load(data: Any, *, reason: str, dry_run: bool = False) -> Counter[str]:
    """Write the data into the catalogue, all of it or, raising CatalogueError, nothing.

    What it names is changed or added, links by their label; it deletes nothing. Returns how many
    rows were `new`, `changed` and `unchanged`; with `dry_run`, how many would be.
    """
    if not isinstance(data, dict) or data.get("version") != VERSION:
        raise CatalogueError(["El archivo no es un catálogo exportado por este sistema."])
    loading = Loading(reason[:REASON_LENGTH])
    with transaction.atomic():
        try:
            loading.everything(data)
        except (AttributeError, KeyError, TypeError) as error:
            raise CatalogueError(["El archivo no tiene la forma de un catálogo."]) from error
        if loading.problems:
            raise CatalogueError(loading.problems)
        if dry_run:
            transaction.set_rollback(True)
    return loading.counts


class Loading:
    """One load: what it counts and what it finds wrong."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        self.counts: Counter[str] = Counter()
        self.problems: list[str] = []

    def everything(self, data: dict[str, Any]) -> None:
        for values in data.get("errors", []):
            row = SenceError.objects.filter(code=values["code"]).first() or SenceError()
            row.is_draft = False
            self.row(row, values, ERROR, f"Error {values['code']}")
        for values in data.get("texts", []):
            self.text(values)
        if contact := data.get("contact"):
            details = ContactDetails.objects.first() or ContactDetails(id=1)
            self.row(details, contact, CONTACT, "Contacto", ContactDetailsForm)
        for values in data.get("sections", []):
            self.section(values)

    def text(self, values: dict[str, Any]) -> None:
        row = HelpText.objects.filter(key=values["key"]).first()
        if row is None:
            self.problems.append(f"Texto {values['key']}: este sistema no lo usa. Quítelo.")
            return
        self.row(row, values, ["text"], f"Texto {row.key}", HelpTextForm)

    def section(self, values: dict[str, Any]) -> None:
        row = HelpSection.objects.filter(key=values["key"]).first() or HelpSection()
        self.row(row, values, SECTION, f"Sección {values['key']}")
        if row.pk is None:
            return
        for link in values.get("links", []):
            found = row.links.filter(label=link["label"]).first() or HelpLink(section=row)
            self.row(found, link, LINK, f"Sección {row.key}, enlace {link['label']}")

    def row(
        self,
        row: Model,
        values: dict[str, Any],
        fields: list[str],
        name: str,
        form_class: type[forms.ModelForm] = forms.ModelForm,
    ) -> None:
        is_new = row._state.adding
        given = {field: values[field] for field in fields}
        form = modelform_factory(type(row), form=form_class, fields=fields)(given, instance=row)
        if not form.is_valid():
            self.problems += [
                f"{name}, {form.fields[field].label if field in form.fields else field}: {sentence}"
                for field, sentences in form.errors.items()
                for sentence in sentences
            ]
            return
        if is_new or form.has_changed():
            form.instance._change_reason = self.reason
            form.save()
        self.counts["new" if is_new else "changed" if form.has_changed() else "unchanged"] += 1
