import logging

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from errors_catalog import guide as content
from errors_catalog.kept_pages import render_kept
from usecap_sence.views import unavailable

logger = logging.getLogger(__name__)


@require_safe
def guide(request: HttpRequest) -> HttpResponse:
    """USECAP's guide, with the catalogue's errors at `#error-311`."""
    return render_kept(request, "errors_catalog/guide.html", **content.context())


@require_safe
def guide_pdf(request: HttpRequest) -> HttpResponse:
    """The guide to keep and to print, of today."""
    html = content.for_paper()
    etag = f'"{content.digest(html)}"'
    unchanged = get_conditional_response(request, etag=etag)
    if unchanged:
        return unchanged
    try:
        # It takes WeasyPrint's memory, and the system's Pango, where someone asks for it.
        from errors_catalog.guide_pdf import pdf  # noqa: PLC0415
    except OSError:
        logger.exception("Falta Pango, con que se hace el PDF de la guía: docs/operations.md.")
        return unavailable(request)
    disposition = 'inline; filename="guia-asistencia-sence.pdf"'
    headers = {"ETag": etag, "Content-Disposition": disposition, "Cache-Control": "no-cache"}
    return HttpResponse(pdf(html), content_type="application/pdf", headers=headers)
