"""The page that says whether SENCE would accept an action, and the trial that asks it."""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from backoffice import trial
from backoffice.preflight import lines, rosters
from courses.admin import ActionAdmin
from courses.models import Action
from courses.rut import normalise
from courses.tokens import TokenUnavailableError
from errors_catalog import catalogue
from errors_catalog.models import Responsible
from usecap_sence.addresses import address_of

MAY_TRY = "courses.change_otec_token"
"""The trial's page carries the OTEC's token, as a student's does: only for whom tokens are for."""
PENDING = "trial"


class TrialForm(forms.Form):
    run = forms.CharField(
        label="Su RUN",
        max_length=20,
        help_text="El suyo: SENCE le pedirá su ClaveÚnica. No se guarda.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "class": "vTextField"}),
    )

    def clean_run(self) -> str:
        return normalise(self.cleaned_data["run"])


admin.site.unregister(Action)


@admin.register(Action)
class CheckedActionAdmin(ActionAdmin):
    list_display = [*ActionAdmin.list_display, "preflight_link"]

    def get_urls(self) -> list[URLPattern]:
        asked = self.admin_site.admin_view
        own = [
            path("<int:pk>/revision/", asked(self.preflight), name="courses_action_preflight"),
            path("prueba/resultado/", asked(self.told), name="courses_action_trial_told"),
        ]
        return [*own, *super().get_urls()]

    @admin.display(description="revisión")
    def preflight_link(self, action: Action) -> str:
        address = address_of("admin:courses_action_preflight", action.pk)
        # Read out of its row, the link has to say of which action.
        return format_html('<a href="{}" aria-label="Revisar {}">Revisar</a>', address, action.code)

    def _find(self, request: HttpRequest, pk: int) -> Action:
        """Return an action of the user's. Raises PermissionDenied, Http404."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        found = self.get_queryset(request).select_related("course__otec").filter(pk=pk).first()
        if found is None:
            raise Http404
        return found

    @method_decorator([never_cache, sensitive_post_parameters("run"), sensitive_variables()])
    def preflight(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What can be told without SENCE; a POST with a RUN prepares the trial that asks SENCE."""
        action = self._find(request, pk)
        may_try = request.user.has_perm(MAY_TRY)
        if request.method == "POST" and not may_try:
            raise PermissionDenied
        form = TrialForm(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            page = self._trial_page(request, action, form)
            if page is not None:
                return page
        shown = lines(action, rosters([action]).get(action.pk), timezone.now())
        context = {
            "title": "Revisión previa",
            "action": action,
            "lines": shown,
            "wrong": [line for line in shown if not line.ok],
            "trial": form if may_try else None,
            "opts": self.opts,
            **self.admin_site.each_context(request),
        }
        return TemplateResponse(request, "backoffice/preflight.html", context)

    @sensitive_variables()
    def _trial_page(
        self, request: HttpRequest, action: Action, form: TrialForm
    ) -> HttpResponse | None:
        """Return the page whose form goes to SENCE; None, with errors in `form`, where it won't."""
        attempt = trial.new(action, form.cleaned_data["run"])
        try:
            url, fields, refused = trial.form(attempt, action.course.otec.token())
        except TokenUnavailableError as error:
            form.add_error(None, str(error))
            return None
        if refused:
            for refusal in refused:
                form.add_error(None, refusal.reason)
            return None
        request.session[PENDING] = {"nonce": attempt.nonce, "action": action.pk}
        context = {
            "title": "Inicio de prueba",
            "action": action,
            "url": url,
            "fields": fields,
            "opts": self.opts,
            **self.admin_site.each_context(request),
        }
        return TemplateResponse(request, "backoffice/preflight_trial.html", context)

    def told(self, request: HttpRequest) -> HttpResponse:
        """Say once what SENCE answered to the trial that this person has pending, and keep it in
        the action's history."""
        answered = trial.unsealed(request.GET.get("respuesta", ""))
        pending = request.session.get(PENDING)
        if not answered or not pending or answered["nonce"] != pending["nonce"]:
            text = "Esa respuesta no es la de un inicio de prueba suyo que esté pendiente."
            messages.warning(request, text)
            return HttpResponseRedirect(reverse("admin:courses_action_changelist"))
        action = self._find(request, pending["action"])
        del request.session[PENDING]
        level, text = in_words(answered)
        messages.add_message(request, level, text)
        self.log_change(request, action, text)
        page = reverse("admin:courses_action_preflight", args=[action.pk])
        return HttpResponseRedirect(page)


def in_words(answered: dict) -> tuple[int, str]:
    """Return the level of the message and what SENCE answered to the trial."""
    if answered["opened"]:
        return messages.SUCCESS, (
            "Inicio de prueba: SENCE lo aceptó. El token, el OTEC y la vuelta desde SENCE "
            "funcionan; los códigos no se verificaron."
        )
    codes = answered["codes"]
    if not codes:
        return messages.ERROR, "Inicio de prueba: SENCE volvió sin aceptarlo y sin decir por qué."
    # The catalogue's solutions speak to students.
    said = " ".join(
        f"{found.code}: {found.description} Lo resuelve: {Responsible(found.responsible).label}."
        for found in catalogue.explain(codes)
    )
    return messages.ERROR, f"Inicio de prueba: SENCE respondió {said}"
