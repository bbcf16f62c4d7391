"""Mails to the coordinators of an OTEC about what SENCE refuses and they have to mend.

One for each action, code and hour, as soon as it happens: whoever could mend it learns of it while
the students are still trying. It says how often it happened until then; how often in the whole day
is in the digest of the next morning.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import CharField, Exists, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Concat
from django.urls import reverse
from django.utils import timezone

from attendance.models import SentMail, StaffAlert
from attendance.starting import NO_TOKEN
from backoffice.desk import list_url
from backoffice.mails import outbox
from backoffice.mails.compose import absolute, body
from courses.models import Action, Otec
from errors_catalog import catalogue
from errors_catalog.models import Responsible

REMEDIES = {
    Responsible.STUDENT: (
        "Lo resuelve el alumno. Si el aviso se repite, escríbale o llámelo para ayudarle."
    ),
    Responsible.ENROLMENT: (
        "Compare el RUN del alumno y la acción en que está inscrito aquí con la nómina de la "
        "acción en el portal de Sence. Corrija donde esté el error; después, el alumno puede "
        "volver a intentar de inmediato."
    ),
    Responsible.COURSE: (
        "Compare el código Sence del curso, el código de la acción, la línea y las fechas con los "
        "comunicados a Sence. Corrija donde esté el error; después, los alumnos pueden volver a "
        "intentar de inmediato."
    ),
    Responsible.OTEC: (
        "Revise el RUT del OTEC y pida a quien administra el sistema que reemplace su token por "
        "uno vigente, que se obtiene en https://sistemas.sence.cl/rts."
    ),
    Responsible.SYSTEM: (
        "No se corrige con los datos del curso: avise a quien opera el sistema, con el código, la "
        "acción y la hora."
    ),
    Responsible.SENCE: (
        "Espere unos minutos: suele pasar solo. Si se repite, infórmelo a Sence con el código, la "
        "acción y la hora."
    ),
}


def coordinators_of(otec: Otec) -> list[str]:
    """Return the addresses for an OTEC's alerts and digests: its own, else the general ones."""
    own = [line.strip() for line in otec.alert_emails.splitlines() if line.strip()]
    return list(dict.fromkeys(own or catalogue.contact().alert_emails))


def queue_alerts(now: datetime) -> int:
    """Queue a mail for each alert that has none; return how many are new.

    Where there is nobody to write to, the mail is kept without recipients, for staff to see.
    """
    alerts = list(_without_mail().select_related("otec").order_by("pk"))
    actions = _actions_of(alerts)
    return outbox.queue(_mail(alert, actions, now) for alert in alerts)


def mark_mailed() -> int:
    """Note on the alerts when their mails went; return on how many."""
    sent = SentMail.objects.filter(key=OuterRef("mail_key"), sent_at__isnull=False)
    return _with_key().filter(Exists(sent)).update(mailed_at=Subquery(sent.values("sent_at")[:1]))


def _with_key() -> QuerySet[StaffAlert]:
    """Alerts that have not been mailed, with the key of their mail."""
    key = Concat(
        Value(f"{SentMail.Kind.ALERT}:"), Cast("pk", CharField()), output_field=CharField()
    )
    return StaffAlert.objects.filter(mailed_at=None).annotate(mail_key=key)


def _without_mail() -> QuerySet[StaffAlert]:
    return _with_key().exclude(Exists(SentMail.objects.filter(key=OuterRef("mail_key"))))


def _actions_of(alerts: Iterable[StaffAlert]) -> dict[tuple[int, str], Action]:
    """Return the alerts' actions by OTEC and code. The code -1 may be several's: then none."""
    codes = {alert.action_code for alert in alerts}
    found: dict[tuple[int, str], list[Action]] = {}
    for action in Action.objects.filter(code__in=codes).select_related("course"):
        found.setdefault((action.course.otec_id, action.code), []).append(action)
    return {key: actions[0] for key, actions in found.items() if len(actions) == 1}


def _mail(alert: StaffAlert, actions: dict[tuple[int, str], Action], now: datetime) -> SentMail:
    action = actions.get((alert.otec_id, alert.action_code))
    responsible = responsible_for(alert.code)
    context = {
        "alert": alert,
        "is_students": alert.reason == catalogue.explain([alert.code])[0].description,
        "action": action,
        "label": label_of(alert.code),
        "since": timezone.localtime(alert.raised_at),
        "until": timezone.localtime(now),
        "responsible": responsible.label,
        "remedy": REMEDIES[responsible],
        "links": _links(alert, action, responsible),
    }
    return outbox.mail(
        SentMail.Kind.ALERT,
        str(alert.pk),
        to=coordinators_of(alert.otec),
        subject=f"Asistencia Sence: {label_of(alert.code)}, acción {alert.action_code}",
        body=body("alert", context),
        now=now,
        otec=alert.otec,
    )


def label_of(code: str) -> str:
    """Name an alert's code: SENCE's, or ours for a token that is missing."""
    return "falta el token del OTEC" if code == NO_TOKEN else f"error {code or 'sin número'}"


def responsible_for(code: str) -> Responsible:
    if code == NO_TOKEN:
        return Responsible.OTEC
    return Responsible(catalogue.explain([code])[0].responsible)


def _links(
    alert: StaffAlert, action: Action | None, responsible: Responsible
) -> list[tuple[str, str]]:
    """Return where it is mended and seen, by what the links say."""
    pages = []
    if responsible == Responsible.OTEC:
        pages += [("Datos del OTEC", reverse("admin:courses_otec_change", args=[alert.otec_id]))]
    if action:
        pages += [
            ("Datos de la acción", reverse("admin:courses_action_change", args=[action.pk])),
            ("Datos del curso", reverse("admin:courses_course_change", args=[action.course_id])),
            ("Inscritos en la acción", reverse("admin:board_students", args=[action.pk])),
        ]
    if alert.code != NO_TOKEN:
        sessions = list_url(
            "attendance_attendancesession",
            accion=alert.action_code,
            otec__id__exact=alert.otec_id,
            error=alert.code,
        )
        pages += [("Sesiones con este error", sessions)]
    pages += [("Aviso", reverse("admin:attendance_staffalert_change", args=[alert.pk]))]
    return [(label, absolute(path)) for label, path in pages]
