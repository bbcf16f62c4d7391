"""What students type, and the addresses SENCE calls, checked at the edge."""

from datetime import date, datetime
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Submit
from django import forms
from django.utils import timezone

from attendance import typed_rut
from courses.models import Action, Enrolment
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
        return _helper("Continuar")

    def clean_rut(self) -> str:
        typed = self.cleaned_data["rut"]
        try:
            return normalise(typed)
        except forms.ValidationError as refused:
            raise forms.ValidationError(typed_rut.explain(typed), code=refused.code) from refused


class CourseForm(forms.Form):
    """The student's choice among their enrolments: `cleaned_data["enrolment"]` is its id.

    The enrolments come from `attendance.models.with_sessions`.
    """

    def __init__(self, enrolments: list[Enrolment], now: datetime, **kwargs: Any):
        super().__init__(**kwargs)
        labels = _labels(enrolments, now)
        self.fields["enrolment"] = forms.TypedChoiceField(
            label="Seleccionar Curso:",
            coerce=int,
            choices=[(enrolment.pk, labels[enrolment.pk]) for enrolment in enrolments],
            error_messages={
                "required": "Seleccione un curso para continuar.",
                "invalid_choice": "Seleccione uno de los cursos de la lista.",
            },
        )

    @property
    def helper(self) -> FormHelper:
        if self.errors:
            # Who can't see the page learns of the error where it is mended.
            self.fields["enrolment"].widget.attrs["autofocus"] = True
        return _helper("Continuar")


def _labels(enrolments: list[Enrolment], now: datetime) -> dict[int, str]:
    """Name each course, and say of it what one should know before choosing it."""
    names = [enrolment.action.course.name for enrolment in enrolments]
    return {
        enrolment.pk: _label(enrolment, now, alone=names.count(name) == 1)
        for enrolment, name in zip(enrolments, names, strict=True)
    }


def _label(enrolment: Any, now: datetime, *, alone: bool) -> str:
    action = enrolment.action
    notes = [] if alone else [f"hasta el {action.ends_on:%d-%m-%Y}"]
    notes += _of_its_session(enrolment, now) or _of_its_dates(action, timezone.localdate(now))
    if enrolment.is_exempt:
        notes = ["becario: no registra asistencia"]
    return f"{action.course.name} ({', '.join(notes)})" if notes else action.course.name


def _of_its_session(enrolment: Any, now: datetime) -> list[str]:
    today = timezone.localdate(now)
    if enrolment.open_since and enrolment.action.close_required:
        since = timezone.localtime(enrolment.open_since)
        day = "" if since.date() == today else f"el {since:%d-%m-%Y} a "
        return [f"en curso desde {day}las {since:%H:%M}"]
    last = enrolment.last_complete
    if last and timezone.localdate(last) == today:
        return ["asistencia de hoy registrada"]
    return []


def _of_its_dates(action: Action, today: date) -> list[str]:
    if today < action.starts_on:
        return [f"comienza el {action.starts_on:%d-%m-%Y}"]
    if today > action.ends_on:
        return [f"terminó el {action.ends_on:%d-%m-%Y}"]
    return []


def _helper(submit: str) -> FormHelper:
    helper = FormHelper()
    helper.form_show_errors = True
    # Chromium's own bubble would hide our sentence, and differs on every phone.
    helper.attrs = {"novalidate": ""}
    helper.add_input(Submit("", submit, css_class="btn-lg w-100"))
    return helper
