"""Forms of the back office."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.views.decorators.debug import sensitive_variables

from courses import tokens
from courses.models import Otec, Student
from courses.refusals import RefusableForm
from usecap_sence.widgets import LinesWidget

GUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


class OtecForm(RefusableForm):
    """An OTEC with the addresses, one a line, that its alerts and its digest are mailed to."""

    class Meta:
        model = Otec
        fields = ["name", "rut", "alert_emails"]
        widgets = {"alert_emails": LinesWidget}

    def clean_alert_emails(self) -> str:
        lines = [line.strip() for line in self.cleaned_data["alert_emails"].splitlines()]
        emails = list(dict.fromkeys(line for line in lines if line))
        wrong = [email for email in emails if not is_email(email)]
        if wrong:
            raise ValidationError(
                [f"«{line}» no es un correo. Escriba uno por línea." for line in wrong]
            )
        return "\n".join(emails)


def is_email(value: str) -> bool:
    try:
        validate_email(value)
    except ValidationError:
        return False
    return True


class OtecTokenForm(OtecForm):
    """An OTEC with a field for a new token. What leaves the field is encrypted already.

    An empty field keeps the token that there is.
    """

    new_token = forms.CharField(
        label="Token nuevo",
        required=False,
        # Browsers fill a saved password in despite "off", but not in a field for a new one.
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "class": "vTextField"}),
        help_text=(
            "Los 36 caracteres que entrega https://sistemas.sence.cl/rts, donde también se anula. "
            "El mismo sirve en producción y en prueba. Déjelo vacío para conservar el actual, que "
            "nunca se muestra."
        ),
    )

    @sensitive_variables()
    def clean_new_token(self) -> str:
        token = self.cleaned_data["new_token"]
        if not token:
            return ""
        if not GUID.fullmatch(token):
            raise ValidationError(
                "El token tiene 36 caracteres: 32 números o letras de la A a la F, separados con "
                "guiones en grupos de 8, 4, 4, 4 y 12. Cópielo completo."
            )
        try:
            return tokens.encrypt(token)
        except tokens.TokenUnavailableError as error:
            raise ValidationError(f"No se pudo guardar el token. {error}") from None

    def save(self, commit: bool = True) -> Any:
        if self.cleaned_data["new_token"]:
            self.instance.token_ciphertext = self.cleaned_data["new_token"]
        return super().save(commit)


class StudentForm(RefusableForm):
    class Meta:
        model = Student
        fields = ["run", "given_names", "surnames", "email"]
        # Whom another OTEC enrolled doesn't appear in the list of who is limited to some.
        error_messages = {
            "run": {
                "unique": "Ya existe un alumno con este RUN. Si no aparece en la lista, "
                "inscríbalo cargando una nómina."
            }
        }
