"""How often strangers may ask: so that nobody walks through RUTs, and no classroom is hindered.

A RUT that has courses, or that was looked up already, costs next to nothing; what someone who
walks through them meets is RUTs that have none, and of those few are allowed. Counters live in
the cache: with one of each process, each process counts for itself; where it is away, nobody is
refused. Their keys are hashes with the site's secret.
"""

import hmac
from datetime import timedelta

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.utils import timezone

from usecap_sence.client import client_of
from usecap_sence.views import TooManyRequestsError

WINDOW = timedelta(hours=1)
WHEN_MANY_WALK = 10
"""The share of its own limit that a client has left while all of them together are over theirs."""


def refuse_who_walks(request: HttpRequest) -> None:
    """Raise TooManyRequestsError for a client that looked up too many RUTs.

    A client that met no RUT without courses is never refused for what others do.
    """
    client = client_of(request)
    own, everybody, looked_up = _counts(("misses", client), ("misses", "all"), ("lookups", client))
    allowed = settings.RUT_MISSES_BY_CLIENT
    if everybody >= settings.RUT_MISSES_IN_TOTAL:
        allowed //= WHEN_MANY_WALK
    if own > allowed or looked_up > settings.RUT_LOOKUPS_BY_CLIENT:
        raise TooManyRequestsError(_seconds_left())


def looked_up(request: HttpRequest, run: str) -> None:
    """Count a RUT that was typed."""
    _add("lookups", client_of(request), run)


def missed(request: HttpRequest, run: str) -> None:
    """Count a RUT that has no courses: once for each client and RUT."""
    if _add("misses", client_of(request), run):
        _add("misses", "all", f"{client_of(request)} {run}")


def invented(request: HttpRequest, public_id: object) -> None:
    """Count an answer to a callback address that we never gave to SENCE."""
    _add("invented", client_of(request), str(public_id))


def invents(request: HttpRequest) -> bool:
    """Whether the client answered to too many addresses that we never gave to SENCE."""
    (own,) = _counts(("invented", client_of(request)))
    return own >= settings.INVENTED_ANSWERS_BY_CLIENT


def guessed(request: HttpRequest, username: str) -> None:
    """Count a name of staff that a client tried with a wrong password."""
    _add("guesses", client_of(request), username)


def refuse_who_guesses(request: HttpRequest) -> None:
    """Raise TooManyRequestsError for a client that tried too many names, each of which
    django-axes would give tries of its own."""
    (own,) = _counts(("guesses", client_of(request)))
    if own >= settings.GUESSED_NAMES_BY_CLIENT:
        raise TooManyRequestsError(_seconds_left())


def _add(kind: str, client: str, what: str) -> bool:
    """Count something of a client's unless it was; says whether it is new."""
    if not client or not cache.add(_key(kind, client, what), 1, WINDOW.total_seconds()):
        return False
    key = _key(kind, client)
    cache.add(key, 0, WINDOW.total_seconds())
    try:
        cache.incr(key)
    except ValueError:
        # Culled, or the cache is away.
        return False
    return True


def _counts(*counters: tuple[str, str]) -> list[int]:
    """Return how much was counted of each kind and client, in one question to the cache.

    Of a client whom nobody tells it is 0.
    """
    keys = [_key(kind, client) if client else "" for kind, client in counters]
    # A list: django-redis takes an iterator for something to ask for, even an empty one, and fails.
    found = cache.get_many([key for key in keys if key])
    return [found.get(key, 0) for key in keys]


def _key(kind: str, *parts: str) -> str:
    told = "\n".join(("attendance.limits", kind, str(_window()), *parts))
    digest = hmac.digest(settings.SECRET_KEY.encode(), told.encode(), "sha256")
    return f"attendance:limits:{digest.hex()[:32]}"


def _window() -> int:
    return int(timezone.now().timestamp() // WINDOW.total_seconds())


def _seconds_left() -> int:
    return int(WINDOW.total_seconds() - timezone.now().timestamp() % WINDOW.total_seconds()) + 1
