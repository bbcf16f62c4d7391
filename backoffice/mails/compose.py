"""What a mail looks like: plain text as it is kept, and the same text as simple HTML.

A body is written to be read as plain text. Of its layout HTML keeps: blank lines between
paragraphs, a line of dashes under a heading, lines that start with a dash as a list, and addresses
of this site as links (a line that ends in one between angle brackets is the link, and a button
where it is a paragraph by itself). Other addresses stay text: part of what a mail quotes came from
outside.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from attendance.models import SentMail
from errors_catalog import catalogue

TEMPLATES = "backoffice/mail/"
LINK = '<a href="{}" class="link" style="color:#12326b">{}</a>'
BUTTON = (
    '<a href="{}" class="button" style="display:block; padding:14px 20px; background:#12326b; '
    "border-radius:12px; color:#ffffff; font-size:17px; font-weight:bold; text-align:center; "
    'text-decoration:none">{}</a>'
)


def site_address() -> str:
    """The first page, where a student types the RUT. Nothing of theirs is in it."""
    return absolute(reverse("attendance:rut"))


def absolute(path: str) -> str:
    """Return the address of a page of ours, from its path."""
    return f"{settings.PUBLIC_BASE_URL}{path}"


def body(name: str, context: Mapping[str, Any]) -> str:
    """Render the text of a mail, with the contact details and the site's address at hand."""
    common = {"contact": catalogue.contact(), "site": site_address()}
    text = render_to_string(f"{TEMPLATES}{name}.txt", {**common, **context})
    # Tags on lines of their own leave blank lines behind.
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def message(row: SentMail, recipient: str, connection: BaseEmailBackend) -> EmailMultiAlternatives:
    """Return the message for one of the row's recipients: no address can spoil another's mail.

    Its Message-ID follows from the row's key: a mail that went out twice after all is one mail.
    """
    digest = hashlib.sha256(f"{row.key} {recipient}".encode()).hexdigest()[:32]
    mail = EmailMultiAlternatives(
        subject=row.subject,
        body=row.body + "\n",
        to=[recipient],
        reply_to=[catalogue.contact().email],
        headers={
            "Message-ID": f"<{digest}@{urlsplit(settings.PUBLIC_BASE_URL).hostname}>",
            "Auto-Submitted": "auto-generated",
            "Content-Language": "es-CL",
        },
        connection=connection,
    )
    mail.attach_alternative(as_html(row), "text/html")
    return mail


def as_html(row: SentMail) -> str:
    """Return the row's text as an HTML document."""
    blocks = [block for part in row.body.split("\n\n") if (block := _block(part.strip("\n")))]
    return render_to_string(
        f"{TEMPLATES}mail.html", {"mail": row, "blocks": blocks, "site": site_address()}
    )


def _block(text: str) -> dict[str, Any]:
    lines = text.split("\n")
    found: dict[str, Any] = {}
    if len(lines) > 1 and re.fullmatch(r"-{3,}", lines[1].strip()):
        found["heading"] = lines[0]
        lines = lines[2:]
    if len(lines) == 1 and (whole := _whole_link(lines[0])):
        # "items" is there in any case: a template would find the dictionary's method.
        return found | {"button": format_html(BUTTON, whole[2], whole[1]), "items": []}
    found["lines"] = [_linked(line) for line in lines if line and not line.startswith("- ")]
    found["items"] = [_linked(line[2:]) for line in lines if line.startswith("- ")]
    return found if any(found.values()) else {}


def _linked(line: str) -> SafeString:
    """Escape a line of text. What ends in `<address>` of this site becomes a link as a whole."""
    if whole := _whole_link(line):
        return format_html(LINK, whole[2], whole[1])
    # Every second part is what the pattern found.
    parts = enumerate(re.split(f"({_own_address()})", line))
    return format_html_join(
        "", "{}", ((format_html(LINK, part, part) if index % 2 else part,) for index, part in parts)
    )


def _whole_link(line: str) -> re.Match[str] | None:
    """Match a line such as `Aviso <https://…>`, unless it is an item of a list."""
    return re.fullmatch(rf"(?!- )(.*\S) <({_own_address()})>", line)


def _own_address() -> str:
    return rf"{re.escape(settings.PUBLIC_BASE_URL)}/[^\s<>\"']*"
