"""The guide as a PDF: made from what the page shows, once for each content."""

import mimetypes
import threading
from typing import IO
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.cache import cache
from weasyprint import HTML
from weasyprint.urls import URLFetcher, URLFetcherResponse

from errors_catalog.guide import digest

CACHE_SECONDS = 24 * 3600
VARIANT = "pdf/ua-1"
"""Tagged, so that a screen reader finds headings and lists and what pictures show."""

_one_at_a_time = threading.Lock()


def pdf(html: str) -> bytes:
    """Return the PDF of `guide.for_paper()`: seconds of work where it is not in the cache.

    One at a time in each process, so that asking again and again keeps no more of it busy.
    """
    key = f"errors_catalog:guide-pdf:{digest(html)}"
    with _one_at_a_time:
        made = cache.get(key)
        if made is None:
            document = HTML(
                string=html, base_url=f"{settings.PUBLIC_BASE_URL}/", url_fetcher=StaticFiles()
            )
            made = document.write_pdf(pdf_variant=VARIANT)
            cache.set(key, made, CACHE_SECONDS)
    return made


class StaticFiles(URLFetcher):
    """Gives WeasyPrint our static files from the disk, and nothing else from anywhere."""

    def fetch(self, url: str, headers: dict[str, str] | None = None) -> URLFetcherResponse:
        """Return the file at `url`. Raises ValueError, OSError or SuspiciousFileOperation for
        what is no static file of ours."""
        ours = urlsplit(f"{settings.PUBLIC_BASE_URL}{settings.STATIC_URL}")
        asked = urlsplit(url)
        if asked[:2] != ours[:2] or not asked.path.startswith(ours.path):
            raise ValueError("Not a static file of ours.")
        name = unquote(asked.path.removeprefix(ours.path))
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        with _open(name) as file:
            return URLFetcherResponse(url, file.read(), headers={"Content-Type": kind})


def _open(name: str) -> IO[bytes]:
    # Where files are not collected, in development, they are where they were written.
    found = finders.find(name)
    return open(found, "rb") if found else staticfiles_storage.open(name)
