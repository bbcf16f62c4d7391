"""What students type, and the addresses SENCE calls, checked at the edge."""

from datetime import date, datetime
from html import escape
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Submit
from django import forms
from django.utils import timezone
from django.utils.safestring import SafeString

from attendance import typed_rut
from attendance.lookups import Choice
from courses.rut import MAX_TYPED, normalise


class RutForm(forms.Form):
    """The student's RUT, however it is typed; `cleaned_data["rut"]` is canonical."""

    rut = forms.CharField(
        label="Rut:",
        max_length=MAX_TYPED,
        error_messages={
            "required": typed_rut.EMPTY,
            "max_length": typed_rut.TOO_MUCH,
            "null_characters_not_allowed": typed_rut.OTHER_SIGNS,
        },
        widget=forms.TextInput(
            attrs={
                "placeholder": typed_rut.EXAMPLE,
                "autocapitalize": "none",
                "autocomplete": "off",
                "autofocus": True,
                "spellcheck": "false",
            }
        ),
    )

    @property
    def helper(self) -> FormHelper:
        """Draws the field and the button; the page has the `form` around them."""
        helper = FormHelper()
        helper.form_tag = False
        helper.disable_csrf = True
        helper.add_input(Submit("", "Continuar", css_class="btn-lg w-100"))
        return helper

    def clean_rut(self) -> str:
        typed = self.cleaned_data["rut"]
        try:
            return normalise(typed)
        except forms.ValidationError as refused:
            raise forms.ValidationError(typed_rut.explain(typed), code=refused.code) from refused


class CourseForm(forms.Form):
    """A student's choice among their courses: `cleaned_data["enrolment"]` is an enrolment's id."""

    def __init__(self, options: list[tuple[int, str]], *args: Any):
        super().__init__(*args)
        self.fields["enrolment"] = forms.TypedChoiceField(
            coerce=int,
            choices=options,
            error_messages={
                "required": "Seleccione un curso para continuar.",
                "invalid_choice": "Seleccione uno de los cursos de la lista.",
            },
        )


def options(choices: list[Choice], now: datetime) -> list[tuple[int, str]]:
    """Name each course, and say of it what one should know before choosing it.

    Returns the enrolment's id and the name of each.
    """
    names = [choice.course for choice in choices]
    return [
        (choice.enrolment, _label(choice, now, alone=names.count(choice.course) == 1))
        for choice in choices
    ]


def drawn(options: list[tuple[int, str]]) -> str:
    """Return the options as HTML: Django's widget takes longer than all the rest of the page."""
    return SafeString(
        "".join(
            f'<option value="{enrolment}">{escape(name)}</option>' for enrolment, name in options
        )
    )


def _label(choice: Choice, now: datetime, *, alone: bool) -> str:
    notes = [] if alone else [f"hasta el {choice.ends_on:%d-%m-%Y}"]
    notes += _of_its_session(choice, now) or _of_its_dates(choice, timezone.localdate(now))
    if choice.is_exempt:
        notes = ["becario: no registra asistencia"]
    return f"{choice.course} ({', '.join(notes)})" if notes else choice.course


def _of_its_session(choice: Choice, now: datetime) -> list[str]:
    today = timezone.localdate(now)
    if choice.open_since and choice.close_required:
        since = timezone.localtime(choice.open_since)
        day = "" if since.date() == today else f"el {since:%d-%m-%Y} a "
        return [f"en curso desde {day}las {since:%H:%M}"]
    last = choice.last_complete
    if last and timezone.localdate(last) == today:
        return ["asistencia de hoy registrada"]
    return []


def _of_its_dates(choice: Choice, today: date) -> list[str]:
    if today < choice.starts_on:
        return [f"comienza el {choice.starts_on:%d-%m-%Y}"]
    if today > choice.ends_on:
        return [f"terminó el {choice.ends_on:%d-%m-%Y}"]
    return []
