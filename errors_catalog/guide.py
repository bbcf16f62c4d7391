"""What the guide's template is given, on the site and on paper."""

import hashlib
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone

from errors_catalog import catalogue
from errors_catalog.context_processors import Texts


def context() -> dict[str, Any]:
    """Return the values of the guide: the catalogue's errors and contact, and SENCE's limit.

    What is of the catalogue is asked for when it is drawn, which few of the pages are.
    """
    return {
        "errors": catalogue.known_errors,
        "hours": settings.SENCE_SESSION_HOURS,
        "contact": catalogue.contact,
    }


def for_paper() -> str:
    """Return the HTML that the PDF is made of, dated today."""
    values = context() | {"texts": Texts(catalogue.current()), "made_on": timezone.localdate()}
    return render_to_string("errors_catalog/guide_pdf.html", values)


def digest(html: str) -> str:
    """Return what tells one content from another."""
    return hashlib.sha256(html.encode()).hexdigest()[:32]
