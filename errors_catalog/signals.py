"""An edit is seen at once by the process that made it, and within CACHE_SECONDS by the others."""

from django.db import transaction
from django.db.models.signals import post_delete, post_save

from errors_catalog import catalogue, models

CATALOGUED = (
    models.SenceError,
    models.HelpSection,
    models.HelpLink,
    models.ContactDetails,
    models.HelpText,
)


def connect() -> None:
    """Drop the cached catalogue whenever one of its rows is saved or deleted."""
    for model in CATALOGUED:
        for signal in (post_save, post_delete):
            signal.connect(forget_catalogue, sender=model, dispatch_uid="errors_catalog.forget")


def forget_catalogue(using: str, **kwargs: object) -> None:
    catalogue.forget()
    # Someone may have read the old rows again before this transaction's are there for all.
    transaction.on_commit(catalogue.forget, using=using)
