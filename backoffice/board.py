"""Who has not connected yet: SENCE needs one started session of every student who is not exempt."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import Count, F, Func, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.template.defaultfilters import floatformat

from attendance.models import AttendanceSession, SentMail
from courses.models import Action, Enrolment, EnrolmentQuerySet, Environment
from courses.scope import within_scope
from usecap_sence.addresses import address_of

SEE = ["courses.view_action", "courses.view_enrolment", "attendance.view_attendancesession"]
"""What a user needs to see the board."""


@dataclass(frozen=True)
class Row:
    """One action. `enrolled` = `connected` + `missing` + `exempt`, all of them active.

    `days_left` counts today, and is 0 or less once the action has ended.
    """

    pk: int
    code: str
    course_name: str
    course_id: int
    otec_name: str
    otec_id: int
    is_test: bool
    starts_on: date
    ends_on: date
    days_left: int
    enrolled: int
    exempt: int
    connected: int

    @property
    def url(self) -> str:
        return address_of("admin:board_students", self.pk)

    @property
    def days_left_in_words(self) -> str:
        if self.days_left == 1:
            return "hoy es el último día"
        return f"quedan {self.days_left} días" if self.days_left > 1 else "terminada"

    @property
    def missing(self) -> int:
        return self.enrolled - self.exempt - self.connected

    @property
    def urgency(self) -> float:
        """How many students have to connect on each day that is left, today among them."""
        return self.missing / max(self.days_left, 1)

    @property
    def urgency_in_words(self) -> str:
        if not self.missing:
            return "–"
        return "< 0,1" if self.urgency < 0.1 else floatformat(self.urgency, 1)

    @property
    def expected(self) -> int:
        return self.enrolled - self.exempt

    @property
    def share(self) -> int:
        """Which percentage of the expected has connected: 100 only where nobody is missing."""
        return self.connected * 100 // self.expected if self.expected else 100


def running(user: Any, today: date, until: date | None = None) -> list[Row]:
    """Return the user's running actions, the most urgent first, in one query.

    `today` is a date of Chile's calendar; `until`, the last day on which those to return end.
    Those that need nobody any more come last.
    """
    actions = Action.objects.running(today)
    actions = actions.filter(ends_on__lte=until) if until else actions
    rows = [_row(values, today) for values in _counted(actions, user)]
    return sorted(rows, key=lambda row: (-row.urgency, row.ends_on, row.code))


def missing(user: Any, today: date) -> QuerySet[Enrolment]:
    """Return what `missing` counts in the rows of the user's running actions."""
    actions = within_scope(Action.objects.running(today), user, "course__otec")
    return Enrolment.objects.missing().filter(action__in=actions.order_by())


def one(user: Any, action_id: int, today: date) -> Row | None:
    """Return that action of the user's, running or not; None where there is none."""
    found = _counted(Action.objects.filter(pk=action_id), user).first()
    return _row(found, today) if found else None


def _counted(actions: QuerySet[Action], user: Any) -> QuerySet:
    return (
        within_scope(actions, user, "course__otec")
        .order_by()
        .values("pk", "code", "environment", "starts_on", "ends_on", "course_id")
        .annotate(
            course_name=F("course__name"),
            otec_id=F("course__otec_id"),
            otec_name=F("course__otec__name"),
            counts=Subquery(_counts()),
        )
    )


def _counts() -> QuerySet:
    """Count an action's enrolments, the exempt and the connected among them, from an index alone.

    Joined and grouped, each of them would carry the names of its action through a sort.
    """
    active = Enrolment.objects.active().filter(action=OuterRef("pk")).order_by().values("action")
    counts = Func(
        Count("*"),
        Count("action", filter=Q(is_exempt=True)),
        Count("action", filter=Q(is_exempt=False, connected_at__isnull=False)),
        template="ARRAY[%(expressions)s]",
        output_field=ArrayField(IntegerField()),
    )
    return active.values(counts=counts)


def _row(values: dict[str, Any], today: date) -> Row:
    environment = values.pop("environment")
    enrolled, exempt, connected = values.pop("counts") or (0, 0, 0)
    return Row(
        **values,
        enrolled=enrolled,
        exempt=exempt,
        connected=connected,
        is_test=environment == Environment.TEST,
        days_left=(values["ends_on"] - today).days + 1,
    )


def without_session(action: Action) -> QuerySet[Enrolment]:
    """Return the action's active enrolments that SENCE still needs a session of."""
    return _active(action).missing()


def with_session(action: Action) -> QuerySet[Enrolment]:
    """Return the action's active enrolments that SENCE has confirmed a session of."""
    return _active(action).connected()


def exempt(action: Action) -> QuerySet[Enrolment]:
    return _active(action).filter(is_exempt=True)


def everybody(action: Action) -> QuerySet[Enrolment]:
    return _active(action)


def _active(action: Action) -> EnrolmentQuerySet:
    return (
        Enrolment.objects.active()
        .filter(action=action)
        .select_related("student")
        .order_by("student__surnames", "student__given_names", "student__run")
    )


def with_story(enrolments: QuerySet[Enrolment]) -> QuerySet[Enrolment]:
    """Add what became of each: `first_opened_at`, `tried_at`, `written_at` and the errors.

    Of the last attempt `refused_at` and `last_error`; `earlier_error` is the last that there was.
    """
    sessions = AttendanceSession.objects.filter(enrolment=OuterRef("pk"))
    opened = sessions.filter(opened_at__isnull=False).order_by("opened_at")
    tried = sessions.order_by("-requested_at")
    written = SentMail.objects.filter(
        enrolment=OuterRef("pk"), kind=SentMail.Kind.NO_SESSION
    ).order_by("-created_at")
    return enrolments.annotate(
        first_opened_at=Subquery(opened.values("opened_at")[:1]),
        tried_at=Subquery(tried.values("requested_at")[:1]),
        refused_at=Subquery(tried.values("rejected_at")[:1]),
        last_error=Subquery(tried.values("error_glosa")[:1]),
        earlier_error=Subquery(tried.exclude(error_glosa="").values("error_glosa")[:1]),
        written_at=Subquery(written.values("created_at")[:1]),
    )
