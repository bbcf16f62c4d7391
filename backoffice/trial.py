"""A start in SENCE's test environment, to see that token, OTEC and the way back work.

The browser of a member of staff carries it, as a student's would. It goes to SENCE_TEST_URL alone,
whatever the action's environment, with `-1` for the codes, which switches their verification off
(manual, §3; on line 1 the course's code stays empty). The RUN is the person's own: SENCE asks for
their ClaveÚnica. It has addresses of its own to come back to, and writes no session and no answer:
nothing of it counts as attendance, here or at SENCE.
"""

import secrets
from dataclasses import dataclass

from django.conf import settings
from django.core import signing
from django.urls import reverse

from attendance.sence import callback_urls, incoming
from attendance.sence.outgoing import UNVERIFIED, Refusal, form_fields, form_url, refusals
from courses.models import Action, TrainingLine

NONCE_BYTES = 12
"""Shorter than a session's, so that the addresses fit: what it guards is a message on a page."""
SALT = "backoffice.trial"
MAX_AGE = 60 * 60


@dataclass
class Trial:
    """One attempt, as `attendance.sence.outgoing.Attempt` wants it."""

    otec_rut: str
    sence_code: str
    action_code: str
    training_line: int
    run: str
    nonce: str
    student_session_id: str
    sence_session_id: str = ""


def new(action: Action, run: str) -> Trial:
    """Return an attempt for the action's OTEC and line; `run` is canonical."""
    course, nonce = action.course, secrets.token_urlsafe(NONCE_BYTES)
    social = course.training_line == TrainingLine.SOCIAL_PROGRAMMES
    return Trial(
        otec_rut=course.otec.rut,
        sence_code="" if social else UNVERIFIED,
        action_code=UNVERIFIED,
        training_line=course.training_line,
        run=run,
        nonce=nonce,
        student_session_id=str(callback_urls.public_id(nonce)),
    )


def form(trial: Trial, token: str) -> tuple[str, dict[str, str], list[Refusal]]:
    """Return where the form goes, its fields, and why SENCE would refuse them ([] if it wouldn't).

    The token is among the fields: the page that shows them is not to be kept.
    """
    fields = form_fields(trial, "open", token=token, base_url=settings.PUBLIC_BASE_URL)
    fields["UrlRetoma"] = _address("answer", trial.nonce)
    fields["UrlError"] = _address("error", trial.nonce)
    return form_url(settings.SENCE_TEST_URL, "open"), fields, refusals(fields, test=True)


def _address(name: str, nonce: str) -> str:
    path = reverse(f"admin:trial_{name}", args=[nonce])
    return f"{settings.PUBLIC_BASE_URL}{path}"


def sealed(nonce: str, body: bytes, length: int, *, error: bool) -> str:
    """Return what SENCE answered, signed, for the address of the page that tells it.

    It holds the codes of the errors alone: no RUN, nor anything else that came.
    """
    answer = incoming.read(body, length)
    codes = incoming.error_codes(answer.glosa)
    ours = answer.first("IdSesionAlumno") == str(callback_urls.public_id(nonce))
    opened = ours and not error and not codes and bool(answer.first("IdSesionSence"))
    return signing.dumps({"nonce": nonce, "codes": codes, "opened": opened}, salt=SALT)


def unsealed(text: str) -> dict | None:
    """Return `nonce`, `codes` and `opened`; None where it was not sealed here, or long ago."""
    try:
        return signing.loads(text, salt=SALT, max_age=MAX_AGE)
    except signing.BadSignature:
        return None
