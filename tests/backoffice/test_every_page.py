"""Every address of admin, opened by everybody: what each gets, and what it asks of the database.

The addresses come from the URL resolver: one without a line in the table fails. A number below 100
is a page that is shown, with its queries once caches are warm; the others are HTTP's refusals and
redirects. 302 is the way to log in, to the desk ("perhaps it was deleted") or, without an address
of its own, to the row's page.

    admin     Administrador        coord    Coordinador       audit   Auditor
    other     Coordinador limited to another OTEC than the row's
    none      staff without a group                            anon      not logged in
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLResolver, get_resolver
from django.utils import timezone

from attendance import alerts
from attendance.models import SenceCallback, SentMail, StaffAlert
from backoffice.models import CallbackToReview, RosterUpload, SecurityEvent
from courses.models import RejectedRow, RosterImport
from errors_catalog.models import ContactDetails, HelpLink, HelpSection, HelpText, SenceError
from tests.attendance_steps import answer, post, requested
from tests.backoffice.staff import browser_of, member
from tests.factories import EnrolmentFactory, OtecFactory

pytestmark = pytest.mark.django_db

DESK = "(desk)"
PEOPLE = ["admin", "coord", "audit", "other", "none", "anon"]
EXPECTED = r"""
                                                          admin  coord  audit  other   none   anon
(?P<url>.*)$                                                404    404    404    404    404    302
(desk)                                                       11     11     11     11      4    302
admin/                                                        4    404      4    404    404    302
admin/logentry/                                              11    403     11    403    403    302
admin/logentry/<path:object_id>/                            302    302    302    302    302    302
admin/logentry/<path:object_id>/change/                       8    403      8    403    403    302
admin/logentry/<path:object_id>/delete/                     403    403    403    403    403    302
admin/logentry/<path:object_id>/history/                      7    403      7    302    403    302
admin/logentry/add/                                         403    403    403    403    403    302
attendance/                                                   4      4      4      4    404    302
attendance/attendancesession/                                 9      9      9      9    403    302
attendance/attendancesession/<path:object_id>/              302    302    302    302    302    302
attendance/attendancesession/<path:object_id>/change/        13     13     13    302    403    302
attendance/attendancesession/<path:object_id>/delete/       403    403    403    403    403    302
attendance/attendancesession/<path:object_id>/history/        8      8      8    302    403    302
attendance/attendancesession/add/                           403    403    403    403    403    302
attendance/attendancesession/exportar/                        7      7      7      7    403    302
attendance/sencecallback/                                     7      7      7      7    403    302
attendance/sencecallback/<path:object_id>/                  302    302    302    302    302    302
attendance/sencecallback/<path:object_id>/change/             7      7      7    302    403    302
attendance/sencecallback/<path:object_id>/delete/           403    403    403    403    403    302
attendance/sencecallback/<path:object_id>/history/            7      7      7    302    403    302
attendance/sencecallback/add/                               403    403    403    403    403    302
attendance/sentmail/                                          8      8      8      8    403    302
attendance/sentmail/<path:object_id>/                       302    302    302    302    302    302
attendance/sentmail/<path:object_id>/change/                  8      8      8    302    403    302
attendance/sentmail/<path:object_id>/delete/                403    403    403    403    403    302
attendance/sentmail/<path:object_id>/history/                 7      7      7    302    403    302
attendance/sentmail/add/                                    403    403    403    403    403    302
attendance/staffalert/                                       11     11     11     11    403    302
attendance/staffalert/<path:object_id>/                     302    302    302    302    302    302
attendance/staffalert/<path:object_id>/change/                7      7      7    302    403    302
attendance/staffalert/<path:object_id>/delete/              403    403    403    403    403    302
attendance/staffalert/<path:object_id>/history/               7      7      7    302    403    302
attendance/staffalert/add/                                  403    403    403    403    403    302
auth/                                                         4    404    404    404    404    302
auth/group/                                                   7    403    403    403    403    302
auth/group/<path:object_id>/                                302    302    302    302    302    302
auth/group/<path:object_id>/change/                           6    403    403    403    403    302
auth/group/<path:object_id>/delete/                         403    403    403    403    403    302
auth/group/<path:object_id>/history/                          6    403    403    403    403    302
auth/group/add/                                             403    403    403    403    403    302
auth/user/                                                   10    403    403    403    403    302
auth/user/<id>/password/                                      9    403    403    403    403    302
auth/user/<path:object_id>/                                 302    302    302    302    302    302
auth/user/<path:object_id>/change/                           18    403    403    403    403    302
auth/user/<path:object_id>/delete/                          403    403    403    403    403    302
auth/user/<path:object_id>/history/                           9    403    403    302    403    302
auth/user/add/                                                8    403    403    403    403    302
autocomplete/                                               403    403    403    403    403    302
backoffice/                                                   4      4      4      4    404    302
backoffice/callbacktoreview/                                  7      7      7      7    403    302
backoffice/callbacktoreview/<path:object_id>/               302    302    302    302    302    302
backoffice/callbacktoreview/<path:object_id>/change/          7      7      7    302    403    302
backoffice/callbacktoreview/<path:object_id>/delete/        403    403    403    403    403    302
backoffice/callbacktoreview/<path:object_id>/history/         7      7      7    302    403    302
backoffice/callbacktoreview/add/                            403    403    403    403    403    302
backoffice/securityevent/                                     9    403      9    403    403    302
backoffice/securityevent/<path:object_id>/                  302    302    302    302    302    302
backoffice/securityevent/<path:object_id>/change/             7    403      7    403    403    302
backoffice/securityevent/<path:object_id>/delete/           403    403    403    403    403    302
backoffice/securityevent/<path:object_id>/history/            7    403      7    302    403    302
backoffice/securityevent/add/                               403    403    403    403    403    302
cargar/                                                       7      7    403      7    403    302
cargar/<int:pk>/                                              7      7    403    404    403    302
cargar/<int:pk>/avance/                                       6      6    403    404    403    302
cargar/<int:pk>/decidir/                                    405    405    405    405    405    302
cargar/<int:pk>/rechazadas/                                   7      7    403    404    403    302
cargar/plantilla/                                             4      4    403      4    403    302
courses/                                                      5      4      4      4    404    302
courses/action/                                              10     10     10     10    403    302
courses/action/<int:pk>/revision/                             7      7      7    404    403    302
courses/action/<path:object_id>/                            302    302    302    302    302    302
courses/action/<path:object_id>/change/                       9      9      8    302    403    302
courses/action/<path:object_id>/delete/                       8      8    403    302    403    302
courses/action/<path:object_id>/history/                      9      9      9    302    403    302
courses/action/add/                                           5      5    403      5    403    302
courses/action/prueba/resultado/                            302    302    302    302    302    302
courses/course/                                               8      8      8      8    403    302
courses/course/<path:object_id>/                            302    302    302    302    302    302
courses/course/<path:object_id>/change/                       7      7      7    302    403    302
courses/course/<path:object_id>/delete/                       7      7    403    302    403    302
courses/course/<path:object_id>/history/                      7      7      7    302    403    302
courses/course/add/                                           6      7    403      7    403    302
courses/enrolment/                                            8      8      8      8    403    302
courses/enrolment/<path:object_id>/                         302    302    302    302    302    302
courses/enrolment/<path:object_id>/change/                   10     10     10    302    403    302
courses/enrolment/<path:object_id>/delete/                   12     12    403    302    403    302
courses/enrolment/<path:object_id>/history/                  11     11     11    302    403    302
courses/enrolment/add/                                        5      5    403      5    403    302
courses/otec/                                                 7      7      7      7    403    302
courses/otec/<path:object_id>/                              302    302    302    302    302    302
courses/otec/<path:object_id>/change/                         6      6      6    302    403    302
courses/otec/<path:object_id>/delete/                        11    403    403    403    403    302
courses/otec/<path:object_id>/history/                        7      7      7    302    403    302
courses/otec/add/                                             5    403    403    403    403    302
courses/rejectedrow/                                          7      7      7      7    403    302
courses/rejectedrow/<path:object_id>/                       302    302    302    302    302    302
courses/rejectedrow/<path:object_id>/change/                  7      7      7    302    403    302
courses/rejectedrow/<path:object_id>/delete/                403    403    403    403    403    302
courses/rejectedrow/<path:object_id>/history/                 7      7      7    302    403    302
courses/rejectedrow/add/                                    403    403    403    403    403    302
courses/rosterimport/                                         9      9      9      9    403    302
courses/rosterimport/<path:object_id>/                      302    302    302    302    302    302
courses/rosterimport/<path:object_id>/change/                 9      9      9    302    403    302
courses/rosterimport/<path:object_id>/delete/               403    403    403    403    403    302
courses/rosterimport/<path:object_id>/history/                7      7      7    302    403    302
courses/rosterimport/add/                                   403    403    403    403    403    302
courses/student/                                              7      7      7      7    403    302
courses/student/<path:object_id>/                           302    302    302    302    302    302
courses/student/<path:object_id>/change/                      9      9      8    302    403    302
courses/student/<path:object_id>/delete/                      7      7    403    302    403    302
courses/student/<path:object_id>/history/                     8      8      8    302    403    302
courses/student/add/                                          4      4    403      4    403    302
errors_catalog/                                               4      4      4      4    404    302
errors_catalog/contactdetails/                                7      7      7      7    403    302
errors_catalog/contactdetails/<int:object_id>/preview/        5      5      5      5    403    302
errors_catalog/contactdetails/<path:object_id>/             302    302    302    302    302    302
errors_catalog/contactdetails/<path:object_id>/change/        5      5      5      5    403    302
errors_catalog/contactdetails/<path:object_id>/delete/      403    403    403    403    403    302
errors_catalog/contactdetails/<path:object_id>/history/       7      7      7      7    403    302
errors_catalog/contactdetails/^([^/]+)/history/([^/]+)/$      6      6      6      6    403    302
errors_catalog/contactdetails/add/                          403    403    403    403    403    302
errors_catalog/contactdetails/deleted/                        5      5      5      5    403    302
errors_catalog/contactdetails/preview/                      403    403    403    403    403    302
errors_catalog/helplink/                                      7      7      7      7    403    302
errors_catalog/helplink/<path:object_id>/                   302    302    302    302    302    302
errors_catalog/helplink/<path:object_id>/change/              6      6      6      6    403    302
errors_catalog/helplink/<path:object_id>/delete/              5      5    403      5    403    302
errors_catalog/helplink/<path:object_id>/history/             7      7      7      7    403    302
errors_catalog/helplink/^([^/]+)/history/([^/]+)/$            7      7      7      7    403    302
errors_catalog/helplink/add/                                  5      5    403      5    403    302
errors_catalog/helplink/deleted/                              5      5      5      5    403    302
errors_catalog/helpsection/                                   7      7      7      7    403    302
errors_catalog/helpsection/<int:object_id>/preview/           8      8      8      8    403    302
errors_catalog/helpsection/<path:object_id>/                302    302    302    302    302    302
errors_catalog/helpsection/<path:object_id>/change/           6      6      6      6    403    302
errors_catalog/helpsection/<path:object_id>/delete/           6      6    403      6    403    302
errors_catalog/helpsection/<path:object_id>/history/          8      8      8      8    403    302
errors_catalog/helpsection/^([^/]+)/history/([^/]+)/$         6      6      6      6    403    302
errors_catalog/helpsection/add/                               4      4    403      4    403    302
errors_catalog/helpsection/deleted/                           5      5      5      5    403    302
errors_catalog/helpsection/preview/                         404    404    403    404    403    302
errors_catalog/helptext/                                      7      7      7      7    403    302
errors_catalog/helptext/<int:object_id>/preview/              5      5      5      5    403    302
errors_catalog/helptext/<path:object_id>/                   302    302    302    302    302    302
errors_catalog/helptext/<path:object_id>/change/              5      5      5      5    403    302
errors_catalog/helptext/<path:object_id>/delete/            403    403    403    403    403    302
errors_catalog/helptext/<path:object_id>/history/             7      7      7      7    403    302
errors_catalog/helptext/^([^/]+)/history/([^/]+)/$            6      6      6      6    403    302
errors_catalog/helptext/add/                                403    403    403    403    403    302
errors_catalog/helptext/deleted/                              5      5      5      5    403    302
errors_catalog/helptext/preview/                            403    403    403    403    403    302
errors_catalog/senceerror/                                    7      7      7      7    403    302
errors_catalog/senceerror/<int:object_id>/preview/            5      5      5      5    403    302
errors_catalog/senceerror/<path:object_id>/                 302    302    302    302    302    302
errors_catalog/senceerror/<path:object_id>/change/            5      5      5      5    403    302
errors_catalog/senceerror/<path:object_id>/delete/          403    403    403    403    403    302
errors_catalog/senceerror/<path:object_id>/history/           7      7      7      7    403    302
errors_catalog/senceerror/^([^/]+)/history/([^/]+)/$          6      6      6      6    403    302
errors_catalog/senceerror/add/                                4      4    403      4    403    302
errors_catalog/senceerror/deleted/                            5      5      5      5    403    302
errors_catalog/senceerror/export/                             4      4      4      4    403    302
errors_catalog/senceerror/import/                             4      4    403      4    403    302
errors_catalog/senceerror/preview/                          404    404    403    404    403    302
errors_catalog/senceerror/process_import/                   405    405    405    405    405    302
jsi18n/                                                       2      2      2      2      2    302
login/                                                      302    302    302    302    302      0
logout/                                                     405    405    405    405    405    302
password_change/                                              4      4      4      4      4    302
password_change/done/                                         4      4      4      4      4    302
prueba/<str:nonce>/                                         303    303    303    303    303    303
prueba/<str:nonce>/error/                                   303    303    303    303    303    303
segundo-factor/                                               6      6      6      6      6    302
segundo-factor/activar/                                       8      8      8      8      8    302
segundo-factor/codigo/                                      302    302    302    302    302    302
segundo-factor/salir/                                       405    405    405    405    405    405
tablero/                                                      6      6      6      6    403    302
tablero/<int:action_id>/                                      9      9      9    404    403    302
tablero/<int:action_id>/escribir/                             9      9    403    404    403    302
tablero/<int:action_id>/planilla/                             8      8      8    404    403    302
"""

Rows = dict[str, models.Model]


def patterns(resolver: Any = None, prefix: str = "") -> Iterator[str]:
    """Every pattern of the site, as a route or a regular expression."""
    for pattern in (resolver or get_resolver()).url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from patterns(pattern, route)
        else:
            yield route


def admin_pages() -> list[str]:
    """The patterns below admin/, the one of each app's page once for each app."""
    found = [route.removeprefix("admin/") for route in patterns() if route.startswith("admin/")]
    apps = next(route for route in found if "app_label" in route)
    names = apps[apps.index(">") + 1 : apps.index(")")].split("|")
    return [route or DESK for route in found if route != apps] + [f"{name}/" for name in names]


def a_world() -> Rows:
    """A row of every model that has a page, of one OTEC where it has one, by the model's name."""
    session = requested()
    post(session, "open", answer(session))
    post(session, "open", answer(session, CodigoCurso="9999999"))
    alerts.raise_alert(session, "205", "motivo", timezone.now())
    action, someone = session.enrolment.action, member(None, f"alguien-{session.pk}")
    # Whom the letter is written to.
    EnrolmentFactory(action=action)
    loaded = RosterImport.objects.create(
        file_name="n.csv", digest="0" * 64, loaded_by=someone, rows_rejected=1
    )
    now = timezone.now()
    rows = [
        session, session.enrolment, session.enrolment.student, action, action.course,
        action.course.otec, loaded, someone,
        RejectedRow.objects.create(roster_import=loaded, line=2, reason="x"),
        SenceCallback.objects.filter(public_id=session.public_id).latest("pk"),
        CallbackToReview.objects.latest("pk"), StaffAlert.objects.latest("pk"),
        SentMail.objects.create(
            key=f"digest:{session.pk}", kind="digest", otec=action.course.otec,
            recipients="a@example.com", subject="x", body="x", created_at=now,
        ),
        RosterUpload.objects.create(
            uploaded_by=someone, uploaded_at=now, progress_at=now, file_name="n.csv",
            content=b"rut", step="checked",
        ),
        LogEntry.objects.log_actions(
            someone.pk, [action], CHANGE, "cambió", single_object=True
        ),
        SecurityEvent.objects.create(kind="export", by=someone),
        Group.objects.get(name="Auditor"), ContactDetails.objects.get(),
        *(model.objects.order_by("pk").first() for model in (
            SenceError, HelpSection, HelpLink, HelpText,
        )),
    ]  # fmt: skip
    for row in rows:
        if hasattr(row, "history"):
            row.save()
    return {row._meta.model_name: row for row in rows}


def address(route: str, rows: Rows) -> str:
    """A pattern's address, for the row of its model."""
    parts = route.split("/")
    model = "rosterupload" if parts[0] == "cargar" else parts[1] if len(parts) > 2 else ""
    row = rows["action"] if parts[0] == "tablero" else rows.get(model)
    if "/history/([^/]+)" in route:
        version = row.history.order_by("-pk").first()
        return f"/admin/{'/'.join(parts[:2])}/{row.pk}/history/{version.pk}/"
    if route == "(?P<url>.*)$":
        return "/admin/no-existe/"
    path = route.removeprefix(DESK).replace("<str:nonce>", "n" * 43)
    return "/admin/" + re.sub(r"<[^>]*>", str(getattr(row, "pk", "")), path)


def browser(person: str) -> Client:
    if person == "anon":
        return Client()
    groups = {"admin": "Administrador", "coord": "Coordinador", "audit": "Auditor"}
    if person == "other":
        return browser_of(member("Coordinador", "otra", otecs=[OtecFactory()]))
    return browser_of(member(groups.get(person), person))


def outcome(client: Client, path: str) -> int:
    """The queries of a page that is shown, else its status."""
    # What the pages before it had to say would be kept, and asked for, in the database.
    client.cookies.pop("messages", None)
    response = client.get(path)
    if response.status_code != 200:
        return response.status_code
    with CaptureQueriesContext(connection) as queries:
        response = client.get(path)
        # A download asks while it is sent.
        b"".join(response)
    return len(queries)


def expected(person: str) -> dict[str, str]:
    """What one of PEOPLE gets, by pattern."""
    lines = [line.rsplit(maxsplit=len(PEOPLE)) for line in EXPECTED.strip().splitlines()[1:]]
    return {line[0]: line[1 + PEOPLE.index(person)] for line in lines}


def test_every_address_of_admin_has_a_line_in_the_table():
    assert sorted(admin_pages()) == sorted(expected("anon"))


# Who sees the most sees several rows of each: what a page asks for must not depend on how many.
@pytest.mark.parametrize(
    ("person", "rows"), [(person, 4 if person == "admin" else 1) for person in PEOPLE]
)
def test_everybody_gets_what_the_table_says(person, rows):
    world = [a_world() for _ in range(rows)][-1]
    client = browser(person)
    # No cache may run out between two looks at a page.
    with time_machine.travel(timezone.now(), tick=False):
        got = {route: str(outcome(client, address(route, world))) for route in admin_pages()}
    assert got == expected(person)


def everything() -> dict[str, str]:
    """What is stored, by table, but for who is logged in, who looked at what, and what the desk
    counted of the others."""
    with connection.cursor() as cursor:
        names = set(connection.introspection.table_names(cursor)) - {
            "django_session", "backoffice_securityevent", "attendance_daycount",
        }  # fmt: skip
        said = {}
        for name in sorted(names):
            shown = "t.*" if name != "auth_user" else "t.id, t.username, t.is_active, t.password"
            rows = f"(SELECT {shown} FROM {connection.ops.quote_name(name)} t) r"  # noqa: S608
            cursor.execute(f"SELECT md5(string_agg(r::text, '' ORDER BY r::text)) FROM {rows}")  # noqa: S608
            said[name] = cursor.fetchone()[0]
    return said


OF_AN_OTEC = ("courses/", "attendance/", "backoffice/", "tablero/", "cargar/")


@pytest.mark.parametrize("person", ["audit", "other", "none", "anon"])
def test_whoever_may_not_change_a_row_changes_nothing_by_posting_to_any_address(person):
    world = a_world()
    client = browser(person)
    yes = ["post", "_save", "confirmar", "descartar", "reanudar", "enviar"]
    row = {"name": "x", "code": "999", "username": "x", "run": "11111111-1", "title": "x"}
    own_account = ("login/", "logout/", "password_change/", "segundo-factor/")
    for route in admin_pages():
        if route.startswith(own_account):
            continue
        # A coordinator adds rows of their own, and edits what all students read.
        if person == "other" and not (route.startswith(OF_AN_OTEC) and "<" in route):
            continue
        before = everything()
        client.post(address(route, world), dict.fromkeys(yes, "1") | row)
        assert everything() == before, route
