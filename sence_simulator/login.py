"""The form of the ClaveÚnica-like login, with the messages that the guide shows (§3.2)."""

import re

from django import forms
from stdnum.cl import rut

RUN = re.compile(r"([0-9]{1,2}\.[0-9]{3}\.[0-9]{3}|[0-9]{7,8})-[0-9kK]")
WRONG_RUN = "El RUN debe estar en el formato 12.312.312-3"
WRONG_PASSWORD = "La contraseña debe tener al menos 7 dígitos"  # noqa: S105


class LoginForm(forms.Form):
    """Any password of 7 characters or more is good; the RUN decides who logs in."""

    use_required_attribute = False

    run = forms.CharField(
        label="Ingresa tu RUN",
        error_messages={"required": WRONG_RUN},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    password = forms.CharField(
        label="Ingresa tu Clave",
        strip=False,
        min_length=7,
        error_messages={"required": WRONG_PASSWORD, "min_length": WRONG_PASSWORD},
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )

    def clean_run(self) -> str:
        run = self.cleaned_data["run"]
        if not (RUN.fullmatch(run) and rut.is_valid(run)):
            raise forms.ValidationError(WRONG_RUN)
        return run
