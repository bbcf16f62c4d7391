"""What staff type of the texts that students read, checked before it is kept or shown."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator, validate_email

from errors_catalog import defaults
from errors_catalog.models import HelpText
from errors_catalog.placeholders import COMMON, check_placeholders
from usecap_sence.widgets import LinesWidget

validate_phone = RegexValidator(r"^\+?[\d() -]{6,30}\Z")


def check_lines(value: str, validate: Callable[[str], None], what: str) -> str:
    """Return the value without blank lines, or raise ValidationError for the lines that are not
    `what`."""
    lines = [line.strip() for line in value.splitlines() if line.strip()]
    problems = []
    for line in lines:
        try:
            validate(line)
        except ValidationError:
            problems.append(f"«{line}» no es {what}. Escriba uno por línea.")
    if problems:
        raise ValidationError(problems)
    return "\n".join(lines)


def allowed_in(row: HelpText) -> set[str]:
    """Return the placeholders that the screen of this text fills."""
    named = defaults.TEXTS.get(row.key)
    return named.placeholders if named else set(COMMON)


class KeptKeyForm(forms.ModelForm):
    """A row whose `key_field` is shown and not edited once it exists."""

    key_field = ""

    def clean(self) -> dict[str, Any] | None:
        """Refuse to bring a deleted row back beside one that has taken its place meanwhile."""
        key = getattr(self.instance, self.key_field)
        others = self._meta.model._default_manager.exclude(pk=self.instance.pk)
        if self.key_field not in self.fields and others.filter(**{self.key_field: key}).exists():
            raise ValidationError(f"«{key}» ya está otra vez en la lista. Edite ese.")
        return super().clean()


class SenceErrorForm(KeptKeyForm):
    key_field = "code"


class HelpSectionForm(KeptKeyForm):
    key_field = "key"


class HelpTextForm(forms.ModelForm):
    def clean_text(self) -> str:
        return check_placeholders(self.cleaned_data["text"], allowed_in(self.instance))


class ContactDetailsForm(forms.ModelForm):
    class Meta:
        widgets = {"phones": LinesWidget, "alert_emails": LinesWidget}

    def clean_phones(self) -> str:
        return check_lines(self.cleaned_data["phones"], validate_phone, "un teléfono")

    def clean_alert_emails(self) -> str:
        return check_lines(self.cleaned_data["alert_emails"], validate_email, "un correo")
