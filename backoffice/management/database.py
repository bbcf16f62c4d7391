"""What the commands of the back office say while the database is away."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError
from django.db import OperationalError


@contextmanager
def needed() -> Iterator[None]:
    """Raise CommandError, with a sentence for the operator, where the database doesn't answer."""
    try:
        yield
    except OperationalError as error:
        raise CommandError(
            "La base de datos no responde. Repita este comando cuando responda: nada se pierde ni "
            "se envía dos veces."
        ) from error
