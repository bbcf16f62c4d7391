"""What came of a POST of SENCE's, whatever cut it short."""

from collections.abc import Callable

from django.http import HttpRequest

from attendance.sence.incoming import MAX_BODY, without_token


def bounded(request: HttpRequest) -> tuple[bytes, int]:
    """Return what is kept of the body, token aside, and the length that it has or claims."""
    came, is_whole = _came(_reader(request))
    # Eighteen digits fit the database's integers; a longer claim is absurd whatever its end.
    claimed = (request.META.get("CONTENT_LENGTH") or "")[:18]
    length = max(len(came), int(claimed) if claimed.isdecimal() else 0)
    body = came[:MAX_BODY]
    kept = without_token(body)
    if length > MAX_BODY:
        return kept, length
    # How much a chunked body lacks nobody knows: one byte at the least.
    missing = max(length - len(body), 0 if is_whole else 1)
    return kept, len(kept) + missing


def _reader(request: HttpRequest) -> Callable[[int], bytes]:
    """Return what reads the body. Django takes a chunked one for empty."""
    is_chunked = "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
    if is_chunked and request.META.get("wsgi.input_terminated"):
        return request.META["wsgi.input"].read
    return request.read


def _came(read: Callable[[int], bytes]) -> tuple[bytes, bool]:
    """Return what came of a body, bounded, and whether its end did as far as the server knows."""
    try:
        return read(MAX_BODY + 1), True
    except Exception:
        # The browser hung up, or a chunk is none. The server holds what it had read before that.
        try:
            return read(MAX_BODY + 1), False
        except Exception:
            return b"", False
