"""The security log: what happens to accounts, permissions and tokens, written where it happens.

Signals are heard, so that a change from a command or a shell is written too. Whoever does it is the
user of the request at hand; a command has none.
"""

from typing import Any

from axes.signals import user_locked_out
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models import Model
from django.db.models.signals import m2m_changed, post_save, pre_save
from django.dispatch import receiver
from django.http import HttpRequest
from simple_history.models import HistoricalRecords

from attendance import limits
from backoffice.models import SecurityEvent
from courses.models import Otec, StaffScope
from usecap_sence.client import client_of

Kind = SecurityEvent.Kind
WATCHED = {
    "is_active": "Cuenta activa",
    "is_staff": "Entra a la coordinación",
    "is_superuser": "Superusuario",
}
"""What of an account decides who gets in, and the words for it."""
VERBS = {"post_add": "agregó", "post_remove": "quitó", "pre_clear": "quitó"}


def record(kind: Kind, *, by: Any = None, about: Any = None, detail: str = "") -> SecurityEvent:
    """Write an event; `by` is the user of the request at hand where it is left out."""
    request = _request()
    if by is None and request is not None:
        user = getattr(request, "user", None)
        by = user if user is not None and user.is_authenticated else None
    if request is None:
        detail = f"{detail} Desde un comando.".strip()
    return SecurityEvent.objects.create(
        kind=kind,
        by_id=getattr(by, "pk", None),
        about_id=getattr(about, "pk", None),
        client=client_of(request) if request else "",
        detail=detail,
    )


def _request() -> HttpRequest | None:
    # django-simple-history's middleware keeps it, for the history of the catalogue.
    return getattr(HistoricalRecords.context, "request", None)


# Getting in


@receiver(user_logged_in)
def logged_in(sender: Any, user: Any, **kwargs: Any) -> None:
    record(Kind.LOG_IN, by=user)


@receiver(user_logged_out)
def logged_out(sender: Any, user: Any, **kwargs: Any) -> None:
    if user is not None:
        record(Kind.LOG_OUT, by=user)


@receiver(user_login_failed)
def log_in_failed(sender: Any, credentials: dict, request: Any = None, **kwargs: Any) -> None:
    name = str(credentials.get("username") or "")
    if request is not None:
        limits.guessed(request, name)
    person = _named(name)
    # A name that nobody has may be a password, typed into the wrong box.
    unknown = "" if person else "Con un nombre de usuario que no existe."
    record(Kind.LOG_IN_FAILED, about=person, detail=unknown)


@receiver(user_locked_out)
def locked_out(sender: Any, username: str | None = None, **kwargs: Any) -> None:
    record(Kind.LOCKED_OUT, about=_named(username or ""))


def _named(username: str) -> Any:
    # PostgreSQL takes no NUL.
    return get_user_model().objects.filter(username=username.replace("\x00", "")).first()


# Accounts, passwords and tokens


@receiver(pre_save, sender=User)
def remember_account(sender: Any, instance: User, update_fields: Any, **kwargs: Any) -> None:
    if update_fields is None or set(update_fields) & set(WATCHED):
        instance._watched = _as_stored(instance, *WATCHED)  # type: ignore[attr-defined]


@receiver(post_save, sender=User)
def account_saved(sender: Any, instance: Any, created: bool, raw: bool, **kwargs: Any) -> None:
    if created:
        left = [name for field, name in WATCHED.items() if getattr(instance, field)]
        record(Kind.ACCOUNT, about=instance, detail=f"Creada. {'. '.join(left)}.")
        return
    before = instance.__dict__.pop("_watched", None) or {}
    changes = [
        f"{name}: {'sí' if getattr(instance, field) else 'no'}."
        for field, name in WATCHED.items()
        if field in before and before[field] != getattr(instance, field)
    ]
    if changes:
        record(Kind.ACCOUNT, about=instance, detail=" ".join(changes))
    # Django saves a password too when it only writes the same one with a newer hash.
    if instance._password is not None:
        record(Kind.PASSWORD, about=instance)


@receiver(pre_save, sender=Otec)
def remember_token(sender: Any, instance: Otec, **kwargs: Any) -> None:
    before = _as_stored(instance, "token_ciphertext").get("token_ciphertext", "")
    instance._token_changes = before != instance.token_ciphertext  # type: ignore[attr-defined]


@receiver(post_save, sender=Otec)
def otec_saved(sender: Any, instance: Any, **kwargs: Any) -> None:
    if instance.__dict__.pop("_token_changes", False):
        record(Kind.TOKEN, detail=f"{instance.name}.")


def _as_stored(instance: Model, *fields: str) -> dict[str, Any]:
    return type(instance)._base_manager.filter(pk=instance.pk).values(*fields).first() or {}


# Permissions


@receiver(m2m_changed, sender=User.groups.through)
@receiver(m2m_changed, sender=User.user_permissions.through)
@receiver(m2m_changed, sender=Group.permissions.through)
@receiver(m2m_changed, sender=StaffScope.otecs.through)
def permissions_changed(
    *, instance: Any, action: str, reverse: bool, model: Any, pk_set: Any, **kwargs: Any
) -> None:
    if action not in VERBS or pk_set == set():
        return
    others = list(model._base_manager.filter(pk__in=pk_set)) if pk_set else []
    if reverse:
        for other in others:
            _permissions(other, VERBS[action], instance._meta, str(instance))
    else:
        named = ", ".join(sorted(map(str, others))) or "todos"
        _permissions(instance, VERBS[action], model._meta, named)


def _permissions(holder: Any, verb: str, kind: Any, named: str) -> None:
    """`holder` is a user, the scope of one, or a group."""
    person = holder.user if isinstance(holder, StaffScope) else holder
    of_group = f"Grupo {holder}: " if isinstance(holder, Group) else ""
    record(
        Kind.PERMISSIONS,
        about=person if isinstance(person, User) else None,
        detail=f"{of_group}{verb} {kind.verbose_name}: {named}.",
    )
