"""OTEC tokens at rest: encrypted with keys that rotate, never shown."""

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class TokenUnavailableError(Exception):
    """The OTEC has no token, or none that the configured keys can decrypt."""


def _keys() -> MultiFernet:
    if not settings.TOKEN_ENCRYPTION_KEYS:
        raise TokenUnavailableError(
            "TOKEN_ENCRYPTION_KEYS está vacío: no hay con qué leer los tokens."
        )
    return MultiFernet([Fernet(key) for key in settings.TOKEN_ENCRYPTION_KEYS])


def encrypt(token: str) -> str:
    """Return the token encrypted with the first key. Raises TokenUnavailableError without keys."""
    return _keys().encrypt(token.encode()).decode()


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
