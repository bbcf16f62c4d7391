"""How the simulator answers one request, chosen by hand or by a test through the same form."""

from dataclasses import dataclass
from typing import Any

from django import forms

from sence_simulator.protocol import CALLBACK_FIELDS, ECHOED_FIELDS, ERROR_CODES

OUTCOMES = [
    ("normal", "Lo que corresponda (éxito si todo está bien)"),
    ("error", "Los códigos de error elegidos abajo"),
    ("empty_code", "Error, con GlosaError vacía"),
    ("no_code", "Error, sin el campo GlosaError"),
]
DELIVERIES = [
    ("auto", "De inmediato"),
    ("none", "Nunca: SENCE no responde"),
    ("late", "Tarde: cuando usted lo pida con un botón"),
    ("replay", "Dos veces la misma respuesta"),
    ("replay_other_id", "Dos veces, la segunda con otro IdSesionSence"),
]


def _names(names: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(name, name) for name in names]


@dataclass(frozen=True)
class Behaviour:
    """`glosa` is what GlosaError says when `outcome` is "error": codes joined by semicolons."""

    outcome: str = "normal"
    glosa: str = ""
    delivery: str = "auto"
    missing: tuple[str, ...] = ()
    stray_spaces: tuple[str, ...] = ()
    contradicting: tuple[str, ...] = ()
    swap_check_digit_case: bool = False
    empty_time_zone: bool = False


NORMAL = Behaviour()


class BehaviourForm(forms.Form):
    """Names and values are the same by hand and in `POST /simulador/comportamiento`.

    Every field is optional; codes given without an outcome mean the outcome "error".
    """

    use_required_attribute = False

    outcome = forms.ChoiceField(
        label="Resultado",
        choices=OUTCOMES,
        initial="normal",
        widget=forms.RadioSelect,
        required=False,
    )
    codes = forms.MultipleChoiceField(
        label="Códigos de error, uno o varios",
        choices=[(code, f"{code} · {text}") for code, text in ERROR_CODES.items()],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    other_codes = forms.CharField(
        label="Otros códigos, tal cual",
        help_text="Por ejemplo 999, abc o 211;204.",
        max_length=200,
        required=False,
    )
    delivery = forms.ChoiceField(
        label="Entrega de la respuesta",
        choices=DELIVERIES,
        initial="auto",
        widget=forms.RadioSelect,
        required=False,
    )
    missing = forms.MultipleChoiceField(
        label="Campos que faltan en la respuesta",
        choices=_names(CALLBACK_FIELDS),
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    stray_spaces = forms.MultipleChoiceField(
        label="Campos con un espacio al final de su nombre",
        choices=_names((*CALLBACK_FIELDS, "GlosaError")),
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    contradicting = forms.MultipleChoiceField(
        label="Campos que contradicen lo enviado",
        choices=_names(ECHOED_FIELDS),
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    swap_check_digit_case = forms.BooleanField(
        label="RunAlumno con la k cambiada entre minúscula y mayúscula", required=False
    )
    empty_time_zone = forms.BooleanField(label="ZonaHoraria vacía", required=False)

    def clean_outcome(self) -> str:
        return self.cleaned_data["outcome"] or "normal"

    def clean_delivery(self) -> str:
        return self.cleaned_data["delivery"] or "auto"

    def clean(self) -> dict[str, Any]:
        cleaned = {**self.cleaned_data}
        codes = [*cleaned.get("codes", []), cleaned.get("other_codes", "")]
        cleaned["glosa"] = ";".join(code for code in codes if code)
        if cleaned["glosa"] and cleaned.get("outcome") == "normal":
            cleaned["outcome"] = "error"
        if cleaned.get("outcome") == "error" and not cleaned["glosa"]:
            self.add_error("codes", "Marque o escriba al menos un código de error.")
        return cleaned

    def behaviour(self) -> Behaviour:
        """The behaviour that a valid form describes."""
        data = self.cleaned_data
        return Behaviour(
            outcome=data["outcome"],
            glosa=data["glosa"],
            delivery=data["delivery"],
            missing=tuple(data["missing"]),
            stray_spaces=tuple(data["stray_spaces"]),
            contradicting=tuple(data["contradicting"]),
            swap_check_digit_case=data["swap_check_digit_case"],
            empty_time_zone=data["empty_time_zone"],
        )


def as_initial(behaviour: Behaviour) -> dict[str, Any]:
    """What BehaviourForm shows for a behaviour that a test set ahead."""
    codes = behaviour.glosa.split(";") if behaviour.glosa else []
    return {
        **vars(behaviour),
        "codes": [code for code in codes if code in ERROR_CODES],
        "other_codes": ";".join(code for code in codes if code not in ERROR_CODES),
    }
