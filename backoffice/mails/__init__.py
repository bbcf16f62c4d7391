"""The mails that the system sends, each of them once.

A mail is a row of `SentMail` before it is anything else (`outbox.queue`): whoever asks for it
again, at once or a week later, finds its key taken. `manage.py send_mails` sends what waits, so
that a mail server that fails delays mails and nothing else. What each mail says is in the module of
its kind.

For the pages of the back office: `remind`, `write_to_students_without_session`,
`unknown_placeholders` and `PLACEHOLDERS`.
"""

from backoffice.mails.reminders import Asked, remind
from backoffice.mails.students import (
    PLACEHOLDERS,
    students_to_write_to,
    unknown_placeholders,
    write_to_students_without_session,
)

__all__ = [
    "PLACEHOLDERS",
    "Asked",
    "remind",
    "students_to_write_to",
    "unknown_placeholders",
    "write_to_students_without_session",
]
