"""The admin site: USECAP's name, the desk as its first page, and the zero-connection board."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from attendance import limits
from backoffice import (
    board,
    desk,
    second_factor,
    views_board,
    views_second_factor,
    views_trial,
    views_uploads,
)
from backoffice.mails import watch
from backoffice.privacy import access


class BackofficeSite(admin.AdminSite):
    """Django's admin for coordinators. Every page of it asks for a staff user who is logged in."""

    site_header = "Coordinación USECAP"
    site_title = "Coordinación USECAP"
    index_title = "Escritorio"
    index_template = "backoffice/desk.html"
    login_template = "backoffice/login.html"
    # The lists need the width of the screen; the bar under the header leads everywhere.
    enable_nav_sidebar = False

    def get_urls(self) -> list[URLPattern | URLResolver]:
        pages: list[tuple[str, Callable[..., HttpResponseBase], str]] = [
            ("tablero/", views_board.board, "board"),
            ("tablero/<int:action_id>/", views_board.students, "board_students"),
            ("tablero/<int:action_id>/escribir/", views_board.write, "board_write"),
            ("tablero/<int:action_id>/planilla/", views_board.spreadsheet, "board_spreadsheet"),
            ("segundo-factor/", views_second_factor.own, "second_factor"),
            ("cargar/", views_uploads.start, "upload_start"),
            ("cargar/plantilla/", views_uploads.template, "upload_template"),
            ("cargar/<int:pk>/", views_uploads.upload, "upload"),
            ("cargar/<int:pk>/avance/", views_uploads.progress, "upload_progress"),
            ("cargar/<int:pk>/decidir/", views_uploads.act, "upload_act"),
            ("cargar/<int:pk>/rechazadas/", views_uploads.report, "upload_report"),
        ]
        own: list[URLPattern | URLResolver] = [
            path(route, self.admin_view(view), name=name) for route, view, name in pages
        ]
        # Before anybody is let in.
        own += [
            path(
                "segundo-factor/codigo/",
                views_second_factor.Verify.as_view(),
                name="second_factor_verify",
            ),
            path(
                "segundo-factor/activar/",
                views_second_factor.SetUp.as_view(),
                name="second_factor_set_up",
            ),
            path(
                "segundo-factor/salir/",
                LogoutView.as_view(next_page="admin:login"),
                name="second_factor_leave",
            ),
        ]
        # Short, for SENCE takes 100 characters; and nobody's login, for no cookie comes with it.
        own += [
            path("prueba/<str:nonce>/", views_trial.answer, name="trial_answer"),
            path(
                "prueba/<str:nonce>/error/",
                views_trial.answer,
                {"error": True},
                name="trial_error",
            ),
        ]
        # "View on site" leads from any row's number to its page, and a session's draws the form
        # that holds the OTEC's token. The rest go last: they end in one that catches all.
        rest = super().get_urls()
        return own + [url for url in rest if getattr(url, "name", "") != "view_on_site"]

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Django's, and a line in the security log where it showed somebody's data.

        No browser keeps any page, those of the own password included; the words of scripts it may.
        """
        shown = super().admin_view(view, cacheable and view == self.i18n_javascript)

        @wraps(shown)
        def noted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            response = shown(request, *args, **kwargs)
            access.note(request, response)
            return response

        return noted

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and not second_factor.is_due(request)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Ask for the password; of who gave it, for the second factor."""
        if request.method == "GET" and second_factor.is_due(request):
            after = {"next": request.GET["next"]} if "next" in request.GET else None
            return redirect(reverse("admin:second_factor_verify", query=after))
        limits.refuse_who_guesses(request)
        return super().login(request, extra_context)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        return super().each_context(request) | {"navigation": navigation(request)}

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        """Django's, made where a page shows it: every page is given it, for a bar we don't have."""
        return SimpleLazyObject(lambda: self._app_list(request, app_label))

    def _app_list(self, request: HttpRequest, app_label: str | None) -> list[Any]:
        apps = super().get_app_list(request, app_label)
        for model in (model for app in apps for model in app["models"]):
            # Django's own name of it, "entradas de registro", tells nobody what it is.
            if model["object_name"] == "LogEntry":
                model["name"] = "Historial"
        return apps

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        now = timezone.now()
        shown = desk.desk(
            request.user,
            now,
            days=desk.chosen(request.GET.get("dias"), desk.DAYS),
            hours_of=desk.chosen(request.GET.get("horas"), desk.HOURS_OF),
        )
        standing = watch.standing(request.user, now)
        return super().index(request, {"desk": shown, "watch": standing, **(extra_context or {})})


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the entries of the bar under the header that the user may open."""
    entries = [
        ("Escritorio", "admin:index", []),
        ("Sin conexión", "admin:board", board.SEE),
        ("Cargar inscritos", "admin:upload_start", ["courses.load_rosterimport"]),
        (
            "Sesiones",
            "admin:attendance_attendancesession_changelist",
            ["attendance.view_attendancesession"],
        ),
        (
            "Por revisar",
            "admin:backoffice_callbacktoreview_changelist",
            ["attendance.view_sencecallback"],
        ),
        ("Acciones", "admin:courses_action_changelist", ["courses.view_action"]),
        ("Inscripciones", "admin:courses_enrolment_changelist", ["courses.view_enrolment"]),
        ("Historial", "admin:admin_logentry_changelist", ["admin.view_logentry"]),
    ]
    addresses = [
        (label, reverse(name))
        for label, name, permissions in entries
        if request.user.has_perms(permissions)
    ]
    addresses.append(("Todo lo demás", f"{reverse('admin:index')}#todo"))
    return [
        {"label": label, "url": url, "is_current": request.path == url} for label, url in addresses
    ]
