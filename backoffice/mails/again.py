"""What staff may have tried again: mails that were given up, or had nobody to go to."""

from django.db.models import QuerySet

from attendance.models import SentMail
from backoffice.mails import outbox
from backoffice.mails.alerts import coordinators_of
from courses.models import Otec


def try_again(mails: QuerySet[SentMail]) -> None:
    """Have these mails sent at the next opportunity, whatever they were tried.

    Those that had nobody to go to go to whom their OTEC names by now, those to students to the
    address that they have by now. What was sent stays sent.
    """
    chosen = SentMail.objects.filter(pk__in=list(mails.values_list("pk", flat=True)))
    outbox.follow_students(chosen)
    failed = chosen.filter(sent_at=None, attempts__gt=0).exclude(recipients="")
    failed.update(attempts=0, retry_at=None)
    unaddressed = (chosen & outbox.without_recipients()).exclude(kind__in=outbox.TO_STUDENTS)
    for otec in Otec.objects.filter(pk__in=unaddressed.values("otec")):
        unaddressed.filter(otec=otec).update(recipients="\n".join(coordinators_of(otec)))
