"""The addresses that SENCE answers to: four an attempt, so that the path fixes phase and outcome.

The nonce in them is what makes a callback believable (SENCE signs nothing), so it is random, per
attempt, and appears nowhere else. What may be shown is `public_id(nonce)`.
"""

import hashlib
import uuid

NONCE_BYTES = 18
NONCE_LENGTH = 24
MAX_URL = 100
"""Longest `UrlRetoma` and `UrlError` (manual, table of parameters)."""

PATHS = {
    ("open", False): "/sence/{nonce}/inicio/",
    ("open", True): "/sence/{nonce}/inicio/error/",
    ("close", False): "/sence/{nonce}/cierre/",
    ("close", True): "/sence/{nonce}/cierre/error/",
}
MAX_BASE_URL = MAX_URL - max(len(path.format(nonce="n" * NONCE_LENGTH)) for path in PATHS.values())


def callback_url(base_url: str, nonce: str, phase: str, *, error: bool) -> str:
    """Return the absolute URL; `base_url` has no trailing slash, `phase` is `open` or `close`."""
    return base_url + PATHS[phase, error].format(nonce=nonce)


def public_id(nonce: str) -> uuid.UUID:
    """Return the id of the session's page: one-way, so that the page doesn't tell the nonce."""
    return uuid.UUID(bytes=hashlib.sha256(nonce.encode()).digest()[:16], version=4)
