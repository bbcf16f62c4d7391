"""The zero-connection board, and what is done from it for one action."""

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from backoffice import board as actions
from backoffice import mails, security_log
from backoffice.board_letter import LetterForm, as_read_by, default_letter
from backoffice.board_spreadsheet import without_session_xlsx
from backoffice.models import SecurityEvent
from courses.models import Action
from courses.scope import within_scope

ACTIONS_A_PAGE = 50
STUDENTS_A_PAGE = 100
LISTS = {
    "sin": ("Sin ninguna sesión", actions.without_session, "missing"),
    "con": ("Con alguna sesión", actions.with_session, "connected"),
    "becarios": ("Becarios", actions.exempt, "exempt"),
    "todos": ("Todos los inscritos", actions.everybody, "enrolled"),
}
WRITE = [*actions.SEE, "attendance.remind_attendancesession"]
EXPORT = [*actions.SEE, "attendance.export_attendancesession"]

can_see = permission_required(actions.SEE, raise_exception=True)
can_write = permission_required(WRITE, raise_exception=True)
can_export = permission_required(EXPORT, raise_exception=True)


@require_GET
@can_see
def board(request: HttpRequest) -> HttpResponse:
    """Every running action, the most urgent first, or those of an OTEC or course."""
    everything = actions.running(request.user, timezone.localdate())
    otec, course = _id(request, "otec"), _id(request, "curso")
    of_otec = [row for row in everything if otec in (None, row.otec_id)]
    rows = [row for row in of_otec if course in (None, row.course_id)]
    context = {
        "title": "Alumnos sin ninguna sesión",
        "page": Paginator(rows, ACTIONS_A_PAGE).get_page(request.GET.get("p")),
        "total": {
            "actions": len(rows),
            "expected": sum(row.expected for row in rows),
            "missing": sum(row.missing for row in rows),
        },
        "otecs": _choices((row.otec_id, row.otec_name) for row in everything),
        "courses": _choices((row.course_id, row.course_name) for row in of_otec),
        "query": _kept_query(otec, course),
        "otec": otec,
        "course": course,
    }
    return _page(request, "backoffice/board.html", context)


@require_GET
@can_see
def students(request: HttpRequest, action_id: int) -> HttpResponse:
    """One action's students: those without a session, unless another list is asked for."""
    row = _row(request, action_id)
    asked = request.GET.get("ver", "")
    chosen = asked if asked in LISTS else "sin"
    label, enrolments, _ = LISTS[chosen]
    listed = actions.with_story(enrolments(_action(request, action_id)))
    paginator = Paginator(listed, STUDENTS_A_PAGE)
    # The row has counted them.
    paginator.count = getattr(row, LISTS[chosen][2])
    context = {
        "title": row.course_name,
        "subtitle": label,
        "row": row,
        "lists": [
            {"key": key, "label": name, "count": getattr(row, count), "is_current": key == chosen}
            for key, (name, _, count) in LISTS.items()
        ],
        "chosen": chosen,
        "page": paginator.get_page(request.GET.get("p")),
        "may_write": request.user.has_perms(WRITE),
        "may_export": request.user.has_perms(EXPORT),
    }
    return _page(request, "backoffice/board_students.html", context)


@require_http_methods(["GET", "POST"])
@can_write
def write(request: HttpRequest, action_id: int) -> HttpResponse:
    """Write to those without a session: the text is edited, seen as it will go out, and sent."""
    row, action = _row(request, action_id), _action(request, action_id)
    to_write_to = mails.students_to_write_to(action)
    recipients = to_write_to.count()
    without_address = actions.without_session(action).filter(student__email="").count()
    if not recipients:
        messages.warning(request, _why_nobody(without_address))
        return redirect("admin:board_students", action_id)
    form = LetterForm(request.POST or None, initial=default_letter())
    is_complete = request.method == "POST" and form.is_valid()
    if is_complete and "enviar" in request.POST:
        count = mails.write_to_students_without_session(
            action,
            cast(User, request.user),
            form.cleaned_data["subject"],
            form.cleaned_data["body"],
            timezone.now(),
        )
        _say_how_many(request, count)
        return redirect("admin:board_students", action_id)
    context = {
        "title": row.course_name,
        "subtitle": "Escribir a los alumnos sin ninguna sesión",
        "row": row,
        "form": form,
        "example": as_read_by(to_write_to.first(), form.cleaned_data) if is_complete else None,
        "recipients": recipients,
        "without_address": without_address,
        "placeholders": mails.PLACEHOLDERS,
    }
    return _page(request, "backoffice/board_write.html", context)


@require_GET
@can_export
def spreadsheet(request: HttpRequest, action_id: int) -> FileResponse:
    """The students without a session, as a spreadsheet."""
    action = _action(request, action_id)
    detail = f"Alumnos sin sesión de la acción {action.code}."
    security_log.record(SecurityEvent.Kind.EXPORT, detail=detail)
    file = without_session_xlsx(action)
    return FileResponse(file, as_attachment=True, filename=f"sin-sesion-{action.pk}.xlsx")


def _page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    return TemplateResponse(request, template, admin.site.each_context(request) | context)


def _id(request: HttpRequest, name: str) -> int | None:
    value = request.GET.get(name, "")
    return int(value) if value.isdecimal() and len(value) < 19 else None


def _choices(pairs: Any) -> list[tuple[int, str]]:
    return sorted(set(pairs), key=lambda pair: (pair[1], pair[0]))


def _kept_query(otec: int | None, course: int | None) -> str:
    """Return the filters as the beginning of a query, for the links to other pages."""
    kept = {"otec": otec, "curso": course}
    return "".join(f"{name}={value}&" for name, value in kept.items() if value is not None)


def _row(request: HttpRequest, action_id: int) -> actions.Row:
    row = actions.one(request.user, action_id, timezone.localdate())
    if row is None:
        raise Http404
    return row


def _action(request: HttpRequest, action_id: int) -> Action:
    found = Action.objects.select_related("course__otec")
    action = within_scope(found, request.user, "course__otec").filter(pk=action_id).first()
    if action is None:
        raise Http404
    return action


def _say_how_many(request: HttpRequest, count: int) -> None:
    if count:
        messages.success(request, f"Correos preparados para salir: {count}.")
    else:
        messages.warning(request, "Nada por enviar: ya recibieron este mismo texto.")


def _why_nobody(without_address: int) -> str:
    """Return why there is nobody to write to, and what to do about it."""
    if not without_address:
        return "No hay a quién escribir: en esta acción no queda ningún alumno sin sesión."
    who = (
        f"ninguno de los {without_address} alumnos sin sesión tiene correo registrado"
        if without_address > 1
        else "el único alumno sin sesión no tiene correo registrado"
    )
    return (
        f"No hay a quién escribir: {who}. Escríbalo en Alumnos, o cargue una nómina con la columna "
        "correo, y vuelva."
    )
