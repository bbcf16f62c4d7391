"""Giving, setting up and giving up the second factor."""

from typing import Any

import segno
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.views import RedirectURLMixin, redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from django.views.generic import FormView

from backoffice import second_factor

KEY = "second_factor_key"
CODES = "second_factor_codes"
"""In the session: the key while it is being set up, and the codes until they are shown."""
WRONG = (
    "Ese código no es el que muestra la aplicación ahora. Espere el siguiente y escríbalo; revise "
    "también que la hora del teléfono sea automática."
)
WAIT = "Hubo códigos equivocados. Espere {seconds} segundos y escriba el código que vea entonces."


class CodeForm(forms.Form):
    code = forms.CharField(
        label="Código",
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
        error_messages={"required": "Escriba el código que muestra la aplicación."},
    )

    def clean_code(self) -> str:
        """Return the digits, however they were grouped."""
        code = "".join(self.cleaned_data["code"].replace("-", " ").split())
        if not (code.isascii() and code.isdecimal()):
            raise forms.ValidationError("El código tiene solo números.")
        return code


@method_decorator(never_cache, name="dispatch")
class AtTheDoor(RedirectURLMixin, FormView):
    """A page for staff who gave their password, whether or not they may go further yet."""

    form_class = CodeForm
    title = ""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user: Any = request.user
        if not (user.is_active and user.is_staff):
            return redirect_to_login(request.get_full_path(), reverse("admin:login"))
        return self.elsewhere() or super().dispatch(request, *args, **kwargs)

    def elsewhere(self) -> HttpResponse | None:
        """Return the way to where this request belongs, if it isn't here."""

    def to(self, name: str) -> HttpResponse:
        after = self.get_redirect_url()
        return redirect(reverse(name, query={"next": after} if after else None))

    def get_default_redirect_url(self) -> str:
        return reverse("admin:index")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        site = admin.site.each_context(self.request)
        own = {
            "title": self.title,
            "issuer": settings.OTP_TOTP_ISSUER,
            "next": self.get_redirect_url(),
        }
        return {**site, **own, **super().get_context_data(**kwargs)}


class Verify(AtTheDoor):
    """The code, after the password."""

    template_name = "backoffice/second_factor_verify.html"
    title = "Segundo factor"

    def get_form(self, form_class: Any = None) -> Any:
        form = super().get_form(form_class)
        form.fields["code"].widget.attrs["autofocus"] = True
        return form

    def elsewhere(self) -> HttpResponse | None:
        user: Any = self.request.user
        if user.is_verified():
            return redirect(self.get_success_url())
        return None if second_factor.has_one(user) else self.to("admin:second_factor_set_up")

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            if second_factor.verify(self.request, form.cleaned_data["code"]):
                return redirect(self.get_success_url())
            form.add_error("code", WRONG)
        except second_factor.MustWaitError as wait:
            form.add_error("code", WAIT.format(seconds=wait.seconds))
        return self.form_invalid(form)


class SetUp(AtTheDoor):
    """The QR code, and the first code of the app that read it."""

    template_name = "backoffice/second_factor_set_up.html"
    title = "Activar el segundo factor"

    def elsewhere(self) -> HttpResponse | None:
        user: Any = self.request.user
        if not user.is_verified() and second_factor.has_one(user):
            return self.to("admin:second_factor_verify")
        return None

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        key = self.request.session.get(KEY) or second_factor.new_key()
        self.request.session[KEY] = key
        device = second_factor.device_of(self.request.user, key)
        picture = segno.make(device.config_url, error="m", micro=False)
        return super().get_context_data(
            picture=picture.svg_data_uri(scale=5, border=4, light="#fff"),
            typed=grouped(second_factor.typed_key(device), 4),
            is_required=second_factor.is_required_of(self.request.user),
            **kwargs,
        )

    def form_valid(self, form: Any) -> HttpResponse:
        key = self.request.session.get(KEY, "")
        codes = second_factor.set_up(self.request, key, form.cleaned_data["code"]) if key else None
        if codes is None:
            form.add_error("code", WRONG)
            return self.form_invalid(form)
        del self.request.session[KEY]
        self.request.session[CODES] = codes
        return redirect("admin:second_factor")


@require_http_methods(["GET", "POST"])
def own(request: HttpRequest) -> HttpResponse:
    """What there is of one's own second factor; recovery codes, the once that they are shown.

    A POST makes new codes, or removes the second factor where it isn't required.
    """
    user: Any = request.user
    has_one, required = second_factor.has_one(user), second_factor.is_required_of(user)
    if has_one and not user.is_verified():
        return redirect(reverse("admin:second_factor_verify", query={"next": request.path}))
    if request.method == "POST" and has_one:
        if "codes" in request.POST:
            request.session[CODES] = second_factor.new_recovery_codes(user)
        elif "remove" in request.POST and not required:
            second_factor.remove(user)
            request.session.pop(second_factor.HAS_ONE, None)
            messages.success(request, "Desde ahora entra solo con su contraseña.")
        return redirect("admin:second_factor")
    context = {
        "title": "Segundo factor",
        "has_one": has_one,
        "is_required": required,
        "codes": [grouped(code, 5) for code in request.session.pop(CODES, [])],
        "left": second_factor.recovery_codes_left(user),
    }
    return TemplateResponse(
        request, "backoffice/second_factor.html", admin.site.each_context(request) | context
    )


def grouped(text: str, size: int) -> str:
    """Return the text in groups, for eyes that copy it."""
    return " ".join(text[start : start + size] for start in range(0, len(text), size))
