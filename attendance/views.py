"""The student's way through a session, and SENCE's way back."""

import uuid

from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
    JsonResponse,
)
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from attendance import (
    callbacks,
    forms,
    limits,
    lookups,
    screens,
    sence_state,
    spool,
    student_cookie,
)
from attendance.bodies import bounded
from attendance.models import FLAGGED, AttendanceSession, Outcome, State
from attendance.sence.callback_urls import public_id as public_id_of
from attendance.starting import StartRefusedError, alert_staff_of_preflight, start
from errors_catalog import catalogue
from errors_catalog.kept_pages import render_kept
from usecap_sence.addresses import address_of
from usecap_sence.views import TooManyRequestsError

no_store = cache_control(no_store=True, private=True)
"""What `never_cache` forbids in six words and a date, browsers understand in these two."""


class SeeOther(HttpResponseRedirect):
    status_code = 303


@no_store
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("rut")
@sensitive_variables()
def rut(request: HttpRequest) -> HttpResponse:
    """Step 1 of the guide: the student's RUT. Who has a session open lands on its timer."""
    if request.method != "POST":
        failing = bool(sence_state.failing_environments())
        return render_kept(
            request, "attendance/rut.html", form=forms.RutForm, sence_failing=failing
        )
    form = forms.RutForm(request.POST)
    if not form.is_valid():
        context = {"form": form, "sence_failing": bool(sence_state.failing_environments())}
        return render(request, "attendance/rut.html", context)
    run = form.cleaned_data["rut"]
    limits.refuse_who_walks(request)
    limits.looked_up(request, run)
    unfinished = AttendanceSession.objects.to_come_back_to(run, timezone.now())
    response = SeeOther(
        unfinished.get_absolute_url() if unfinished else reverse("attendance:courses")
    )
    student_cookie.write(response, run)
    return response


@no_store
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_variables()
def courses(request: HttpRequest) -> HttpResponse:
    """Step 2 of the guide: the student's courses, of which they choose one."""
    run = student_cookie.read(request)
    if run is None:
        return redirect("attendance:rut")
    limits.refuse_who_walks(request)
    choices = lookups.choices(run)
    if not choices:
        limits.missed(request, run)
        return render(request, "attendance/no_courses.html", {"run": run})
    options = forms.options(choices, timezone.now())
    error = ""
    if request.method == "POST":
        form = forms.CourseForm(options, request.POST)
        if form.is_valid():
            return _start(request, form.cleaned_data["enrolment"])
        error = str(form.errors["enrolment"][0])
    environments = {choice.environment for choice in choices}
    return render_kept(
        request,
        "attendance/courses.html",
        own={"run": run, "options": forms.drawn(options)},
        error=error,
        sence_failing=bool(environments & sence_state.failing_environments()),
    )


@no_store
@require_POST
def forget(request: HttpRequest) -> HttpResponse:
    """“¿No es usted?”: forget the RUT, and ask for another one."""
    response = SeeOther(reverse("attendance:rut"))
    student_cookie.forget(response)
    return response


def _start(request: HttpRequest, enrolment_id: int) -> HttpResponse:
    now = timezone.now()
    try:
        return SeeOther(start(enrolment_id, now).get_absolute_url())
    except StartRefusedError as refusal:
        if refusal.key == "not_ready":
            alert_staff_of_preflight(refusal.enrolment, now)
        action = refusal.enrolment.action
        text = catalogue.text(
            refusal.key,
            curso=action.course.name,
            inicio=f"{action.starts_on:%d-%m-%Y}",
            termino=f"{action.ends_on:%d-%m-%Y}",
        )
        return render(request, "attendance/refused.html", {"text": text})


def _find(public_id: uuid.UUID) -> AttendanceSession:
    try:
        return lookups.session(public_id)
    except AttendanceSession.DoesNotExist as missing:
        raise Http404 from missing


@no_store
@require_safe
@sensitive_variables()
def session(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Steps 3 to 5 of the guide: one page for the whole life of a session, drawn by its state."""
    found = _find(public_id)
    if found.has_pending_answer or any(spool.entries(public_id)):
        callbacks.replay(public_id)
        found = _find(public_id)
    now = timezone.now()
    template, (drawn, own) = screens.screen(found, now)
    is_own = student_cookie.read(request) == found.run
    is_flagged = found.last_outcome in FLAGGED
    answered = found.has_pending_answer or is_flagged
    closing_is_flagged = found.close_is_flagged and found.state == State.OPEN
    seen = student_cookie.has_seen(request)
    newer = _newer(found) if found.superseded_at and is_own else None
    if is_own:
        own["run"] = found.run
    if newer:
        own["newer_id"] = str(newer.public_id)
    response = render_kept(
        request,
        template,
        own=own,
        **drawn,
        knows_run=is_own,
        answer_pending=found.has_pending_answer,
        answer_flagged=is_flagged and not closing_is_flagged,
        close_flagged=closing_is_flagged,
        has_newer=newer is not None,
        came_back=not answered and screens.came_back(found, now, seen=seen),
        sence_failing=found.environment in sence_state.failing_environments(),
    )
    if found.state == State.REQUESTED:
        student_cookie.mark_seen(response, request.path)
    return response


def _newer(session: AttendanceSession) -> AttendanceSession | None:
    """Return the session that took this one's place, for the student who typed its RUT."""
    siblings = AttendanceSession.objects.filter(enrolment=session.enrolment_id)
    return siblings.filter(requested_at__gt=session.requested_at).order_by("requested_at").last()


@no_store
@require_safe
@sensitive_variables()
def own_sessions(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """“Mis sesiones”: the student's past sessions in the course of a session of theirs.

    It takes both the address of a session that SENCE opened, so that someone proved who they are,
    and the RUT typed in this browser: a RUT is no secret, and an address may be passed on.
    """
    found = get_object_or_404(AttendanceSession, public_id=public_id)
    run = student_cookie.read(request)
    if run != found.run or not found.opened_at:
        return render(request, "attendance/own_sessions_refused.html", status=403)
    context = screens.own_sessions(found, timezone.now()) | {"run": run}
    return render(request, "attendance/own_sessions.html", context)


@no_store
@require_safe
def clock(request: HttpRequest, public_id: uuid.UUID) -> JsonResponse:
    """The server's clock for the timer, and the state, which another tab may have changed."""
    found = _find(public_id)
    return JsonResponse(screens.clock(found, timezone.now()) | {"state": found.state})


@no_store
@require_http_methods(["GET", "HEAD", "POST"])
def retry(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Start again in the course of a session that the student holds the page of.

    To it leads whatever is no POST: the link of the page for a database that is away, for one.
    """
    if request.method != "POST":
        return SeeOther(address_of("attendance:session", public_id))
    return _start(request, _find(public_id).enrolment_id)


@csrf_exempt
@no_store
def sence_callback(request: HttpRequest, nonce: str, phase: str, *, error: bool) -> HttpResponse:
    """SENCE's answer, posted across sites by the student's browser (manual, UrlRetoma, UrlError).

    Touches no cookie and no session. The page that it leads to follows from the nonce, so that the
    answer needs no database to be kept and the student still gets somewhere.
    """
    if request.method in ("GET", "HEAD"):
        return render(request, "attendance/callback_get.html")
    if request.method != "POST":
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    public_id = public_id_of(nonce)
    if limits.invents(request) and not callbacks.may_be_ours(public_id):
        raise TooManyRequestsError(60)
    try:
        body, length = bounded(request)
        outcome = callbacks.receive(
            spool.Receipt(
                received_at=timezone.now(),
                public_id=public_id,
                phase=phase,
                announces_error=error,
                body=body,
                body_length=length,
                content_type=_header(request, "CONTENT_TYPE"),
                origin=_header(request, "HTTP_ORIGIN"),
            )
        )
    except OSError:
        return render(request, "attendance/not_kept.html", status=503)
    if outcome == Outcome.UNMATCHED:
        limits.invented(request, public_id)
    return SeeOther(address_of("attendance:session", public_id))


def _header(request: HttpRequest, name: str) -> str:
    return request.META.get(name, "").replace("\x00", "")[:200]
