"""OTEC tokens at rest: encrypted with keys that rotate, never shown."""

from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.views.decorators.debug import sensitive_variables


class TokenUnavailableError(Exception):
    """The OTEC has no token, or none that the configured keys can decrypt."""


def _keys() -> MultiFernet:
    if not settings.TOKEN_ENCRYPTION_KEYS:
        raise TokenUnavailableError(
            "TOKEN_ENCRYPTION_KEYS está vacío: no hay con qué leer los tokens."
        )
    try:
        return _made_of(tuple(settings.TOKEN_ENCRYPTION_KEYS))
    except ValueError as error:
        raise TokenUnavailableError(
            "TOKEN_ENCRYPTION_KEYS tiene una clave mal escrita. Cada una son 32 bytes en base64, "
            "como las que hace cryptography.fernet.Fernet.generate_key()."
        ) from error


@lru_cache(maxsize=1)
@sensitive_variables()
def _made_of(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


@sensitive_variables()
def encrypt(token: str) -> str:
    """Return the token encrypted with the first key.

    Raises TokenUnavailableError where there is no key, or one that is malformed.
    """
    return _keys().encrypt(token.encode()).decode()


@sensitive_variables()
def decrypt(ciphertext: str) -> str:
    """Return the token. Raises TokenUnavailableError where it is empty or no key decrypts it."""
    if not ciphertext:
        raise TokenUnavailableError("El OTEC no tiene token. Ingréselo en la ficha del OTEC.")
    try:
        return _keys().decrypt(ciphertext.encode()).decode()
    except (InvalidToken, ValueError) as error:
        raise TokenUnavailableError(
            "Ninguna de las claves configuradas lee el token del OTEC. Restaure la clave en "
            "TOKEN_ENCRYPTION_KEYS o ingrese el token de nuevo."
        ) from error


@sensitive_variables()
def rotate(ciphertext: str) -> str:
    """Return the same token encrypted with the first key.

    Raises TokenUnavailableError where no key decrypts it.
    """
    return encrypt(decrypt(ciphertext))


def has_keys() -> bool:
    """Whether the configured keys can be used at all."""
    try:
        _keys()
    except TokenUnavailableError:
        return False
    return True
