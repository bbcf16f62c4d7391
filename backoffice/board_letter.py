"""The mail to those who have not connected yet: its first draft, its form, and how it is read."""

from typing import Any

from django import forms

from backoffice import mails
from backoffice.mails.students import placeholder_values
from courses.models import Enrolment
from errors_catalog.placeholders import fill

SUBJECT = "Falta su primera conexión Sence: {curso}"
BODY = """Estimado(a) {nombre}:

Aún no registra ninguna conexión Sence en el curso {curso}, que termina el {termino}. Sence exige \
al menos una sesión iniciada por cada participante.

Para registrarla, entre a {sitio} con su Rut y su Clave Única, inicie la sesión y ciérrela al \
terminar.

Si tiene problemas, escríbanos a {correo} o llámenos a los teléfonos {telefonos}.

Saludos,
USECAP"""


class LetterForm(forms.Form):
    subject = forms.CharField(label="Asunto", max_length=150)
    body = forms.CharField(
        label="Texto", max_length=5000, widget=forms.Textarea(attrs={"rows": 16, "cols": 70})
    )

    def clean(self) -> dict[str, Any]:
        """Refuse what would reach the students between braces, as it was typed."""
        values = super().clean() or self.cleaned_data
        for name in ("subject", "body"):
            unknown = mails.unknown_placeholders(values.get(name, ""))
            if unknown:
                listed = ", ".join(f"{{{word}}}" for word in sorted(unknown))
                self.add_error(name, f"No se sabe qué poner en {listed}. Corríjalo o quítelo.")
        return values


def default_letter() -> dict[str, str]:
    """Return the text that staff start from."""
    return {"subject": SUBJECT, "body": BODY}


def as_read_by(enrolment: Enrolment | None, letter: dict[str, str]) -> dict[str, str] | None:
    """Return the letter as that student will read it, with their name; None without a student."""
    if enrolment is None:
        return None
    values = placeholder_values(enrolment)
    return {
        "name": enrolment.student.full_name,
        "subject": fill(letter["subject"], values),
        "body": fill(letter["body"], values),
    }
