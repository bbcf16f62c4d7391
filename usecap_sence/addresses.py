"""Addresses of many rows at once: Django's `reverse` takes 15 µs, twice for each row of a list."""

from functools import lru_cache

from django.urls import get_script_prefix, reverse


def numbered(name: str, pk: int) -> str:
    """Return `reverse(name, args=[pk])`."""
    before, after = _around(name, get_script_prefix())
    return f"{before}/{pk}/{after}"


@lru_cache
def _around(name: str, prefix: str) -> list[str]:
    # The prefix is reverse's own, of the request at hand.
    return reverse(name, args=[0]).rsplit("/0/", 1)
