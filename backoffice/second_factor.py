"""The second factor of staff: a code of an app on their phone (TOTP, RFC 6238) after the password.

Asked of whoever has one, at each log-in; and nobody who can change tokens or people gets in
without one where SECOND_FACTOR_REQUIRED is set. django-otp keeps keys, codes and the waits after
wrong ones.
"""

import base64
import secrets
from datetime import timedelta
from math import ceil
from typing import Any

import django_otp
from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from backoffice.models import SecurityEvent
from backoffice.security_log import record

ASKED_OF = ["courses.change_otec_token", "auth.change_user"]
"""Whoever has one of these could send attendance in an OTEC's name, or let others do so."""
DIGITS = 6
RECOVERY_CODES = 10
RECOVERY_DIGITS = 10
HAS_ONE = "has_second_factor"
"""In the session: the user had a second factor when they logged in."""


def is_required_of(user: Any) -> bool:
    """Whether the user can't work without a second factor."""
    return settings.SECOND_FACTOR_REQUIRED and any(map(user.has_perm, ASKED_OF))


def has_one(user: Any) -> bool:
    return TOTPDevice.objects.filter(user=user, confirmed=True).exists()


def is_due(request: HttpRequest) -> bool:
    """Whether a member of staff gave the password, and has yet to give a code or set one up."""
    user: Any = request.user
    if not (user.is_active and user.is_staff) or user.is_verified():
        return False
    return is_required_of(user) or bool(request.session.get(HAS_ONE))


@receiver(user_logged_in)
def remember(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    """So that no page has to ask the database."""
    if has_one(user):
        request.session[HAS_ONE] = True


def new_key() -> str:
    """Return a random key, 160 bits in hexadecimal."""
    return secrets.token_hex(20)


def device_of(user: Any, key: str) -> TOTPDevice:
    """Return the device that the key makes, unsaved: its `config_url` is what the QR code says."""
    return TOTPDevice(user=user, name="Aplicación del teléfono", key=key)


def typed_key(device: TOTPDevice) -> str:
    """Return the key as it is typed into an app that can't read the QR code (base32)."""
    return base64.b32encode(device.bin_key).decode()


class MustWaitError(Exception):
    """No code is looked at for some seconds, because wrong ones came before."""

    def __init__(self, left: timedelta) -> None:
        self.seconds = max(1, ceil(left.total_seconds()))
        super().__init__(self.seconds)


@transaction.atomic
def set_up(request: HttpRequest, key: str, code: str) -> list[str] | None:
    """Make the key the user's second factor, in place of any before; None where the code is wrong.

    Returns the recovery codes, which are shown once. This browser has given its code by that.
    """
    device = device_of(request.user, key)
    device.save()
    if not device.verify_token(code):
        device.delete()
        return None
    TOTPDevice.objects.filter(user=request.user).exclude(pk=device.pk).delete()
    record(SecurityEvent.Kind.FACTOR_SET, about=request.user)
    _let_in(request, device)
    return new_recovery_codes(request.user)


@transaction.atomic
def new_recovery_codes(user: Any) -> list[str]:
    """Replace the user's recovery codes, each of them good for one log-in, and return the new."""
    StaticDevice.objects.filter(user=user).delete()
    device = StaticDevice.objects.create(user=user, name="Códigos de recuperación")
    codes = [
        f"{secrets.randbelow(10**RECOVERY_DIGITS):0{RECOVERY_DIGITS}}"
        for _ in range(RECOVERY_CODES)
    ]
    for code in codes:
        device.token_set.create(token=code)
    record(SecurityEvent.Kind.RECOVERY_CODES, about=user)
    return codes


def recovery_codes_left(user: Any) -> int:
    return sum(device.token_set.count() for device in StaticDevice.objects.filter(user=user))


def verify(request: HttpRequest, code: str) -> bool:
    """Let the user in whose app, or whose list of recovery codes, has this code.

    `code` is digits alone: six are the app's. Raises MustWaitError.
    """
    kind: Any = TOTPDevice if len(code) == DIGITS else StaticDevice
    with transaction.atomic():
        # Locked, so that a code is good for one of two that come at once.
        devices = kind.objects.select_for_update()
        device: Any = devices.filter(user=request.user, confirmed=True).first()
        may_try, why = device.verify_is_allowed() if device else (True, {})
        if not may_try:
            raise MustWaitError(why["locked_until"] - timezone.now())
        is_right = bool(device and device.verify_token(code))
    if not is_right:
        record(SecurityEvent.Kind.CODE_REFUSED)
        return False
    by = "" if kind is TOTPDevice else "Con un código de recuperación."
    record(SecurityEvent.Kind.CODE_ACCEPTED, detail=by)
    _let_in(request, device)
    return True


def _let_in(request: HttpRequest, device: Any) -> None:
    request.session.cycle_key()
    request.session[HAS_ONE] = True
    django_otp.login(request, device)


@transaction.atomic
def remove(user: Any) -> bool:
    """Take the user's second factor and recovery codes away; False where there was none."""
    had = has_one(user)
    for kind in (TOTPDevice, StaticDevice):
        kind.objects.filter(user=user).delete()
    if had:
        record(SecurityEvent.Kind.FACTOR_REMOVED, about=user)
    return had
