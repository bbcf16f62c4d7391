"""Taking a person's data away, but for what proves their attendance to SENCE.

The RUN stays with the enrolment, the sessions and SENCE's answers: they are the evidence of a
company's tax credit, which the law has kept (docs/privacy.md). The name and the e-mail are no part
of it.
"""

from django.db import transaction
from django.db.models import QuerySet

from attendance.models import AttendanceSession, SentMail
from backoffice.models import RosterUpload, SecurityEvent
from backoffice.privacy import person
from backoffice.security_log import record
from courses.models import Student

GONE = "(eliminado)"


class StillLiveError(Exception):
    """The student has a session that is requested or open: they and staff need the data."""


def not_blank(mails: QuerySet[SentMail]) -> QuerySet[SentMail]:
    """Those that still say something."""
    return mails.exclude(body=GONE, recipients=GONE, subject=GONE)


def blank(mails: QuerySet[SentMail]) -> int:
    """Leave nothing of what the mails said, nor of whom to; return how many they are."""
    return mails.update(body=GONE, recipients=GONE, subject=GONE)


@transaction.atomic
def anonymise(student: Student) -> int:
    """Remove what names the student beside the RUN; return how many rows changed: 0 where nothing
    was left. Raises StillLiveError."""
    if AttendanceSession.objects.live().filter(enrolment__student=student).exists():
        raise StillLiveError
    mails = person.mails_to(student)
    # One that waits would go to nobody: it no longer has to.
    changed = mails.filter(sent_at=None).delete()[0]
    changed += blank(not_blank(mails))
    changed += person.rejected_rows(student).exclude(value=GONE).update(value=GONE)
    # What was loaded and rejected stays in the record of the load.
    uploads = RosterUpload.objects.filter(roster_import__actions__enrolments__student=student)
    changed += uploads.naming_people().forget()
    named = f"({student.run})"
    for entry in person.history_of(student).filter(object_repr__contains=named):
        # Whatever stands before the RUN: the name may have been another then.
        entry.object_repr = student.run + entry.object_repr.partition(named)[2]
        entry.save(update_fields=["object_repr"])
        changed += 1
    if student.full_name or student.email:
        Student.objects.filter(pk=student.pk).update(given_names="", surnames="", email="")
        changed += 1
    if changed:
        record(SecurityEvent.Kind.ANONYMISED, detail=f"Alumno n.º {student.pk}.")
    return changed
