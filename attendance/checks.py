"""Settings that would lose SENCE's answers, or send the wrong SENCE something, stop the start."""

import tempfile
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004
from django.http.request import validate_host

from attendance.sence.callback_urls import MAX_BASE_URL

TAG = "attendance"


def _is_sence(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    return parts.scheme == "https" and (host == "sence.cl" or host.endswith(".sence.cl"))


def _is_http_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


@register(TAG)
def check_public_base_url(**kwargs: object) -> list[CheckMessage]:
    """PUBLIC_BASE_URL makes the callback URLs: absolute, short, https, and answered by us."""
    url = settings.PUBLIC_BASE_URL
    hint = "Por ejemplo PUBLIC_BASE_URL=https://asistencia.usecap.cl (sin ruta ni barra final)."
    # What a user name, a query or a fragment would do to a callback URL is nothing good.
    if not _is_http_url(url) or "@" in url or url != _origin(url):
        return [
            Error("PUBLIC_BASE_URL falta o no es una dirección.", hint=hint, id="attendance.E001")
        ]
    found: list[CheckMessage] = []
    if len(url) > MAX_BASE_URL:
        found.append(
            Error(
                f"PUBLIC_BASE_URL tiene {len(url)} caracteres: las URL de vuelta pasarían de los "
                "100 que SENCE admite.",
                hint=f"Use un nombre de a lo más {MAX_BASE_URL} caracteres, https:// incluido.",
                id="attendance.E002",
            )
        )
    if not settings.DEBUG and urlsplit(url).scheme != "https":
        found.append(
            Error(
                "PUBLIC_BASE_URL no es https: el navegador bloquearía la vuelta desde SENCE.",
                hint=hint,
                id="attendance.E003",
            )
        )
    if not validate_host(urlsplit(url).hostname or "", settings.ALLOWED_HOSTS):
        found.append(
            Error(
                "El sitio no atiende el nombre de PUBLIC_BASE_URL: se perderían las respuestas.",
                hint="Agregue ese nombre a ALLOWED_HOSTS.",
                id="attendance.E004",
            )
        )
    return found


@register(TAG)
def check_sence_urls(**kwargs: object) -> list[CheckMessage]:
    """Production never goes to the simulator, nor development to SENCE's production."""
    production, test = settings.SENCE_PRODUCTION_URL, settings.SENCE_TEST_URL
    invalid = [
        Error(
            f"{name} no es una dirección http que termine en barra.",
            hint=f"Por ejemplo {name}=https://sistemas.sence.cl/{path}/Registro/",
            id="attendance.E010",
        )
        for name, url, path in (
            ("SENCE_PRODUCTION_URL", production, "rce"),
            ("SENCE_TEST_URL", test, "rcetest"),
        )
        if not _is_http_url(url) or not url.endswith("/")
    ]
    if invalid:
        return list(invalid)
    if settings.DEBUG:
        return _check_development(production)
    return _check_production(production, test)


def _check_development(production: str) -> list[CheckMessage]:
    if not _is_sence(production):
        return []
    return [
        Error(
            "Con DEBUG, SENCE_PRODUCTION_URL apunta al SENCE de verdad: lo que allí se registra "
            "no se puede borrar.",
            hint="Apunte SENCE_PRODUCTION_URL al simulador, o quite DEBUG.",
            id="attendance.E011",
        )
    ]


def _check_production(production: str, test: str) -> list[CheckMessage]:
    found: list[CheckMessage] = [
        Error(
            f"{name} no es una dirección https de sence.cl: apunta a un simulador.",
            hint=f"Quite {name} del entorno para usar la de SENCE; en una demo, DEBUG=true.",
            id="attendance.E012",
        )
        for name, url in (("SENCE_PRODUCTION_URL", production), ("SENCE_TEST_URL", test))
        if not _is_sence(url)
    ]
    if "/rcetest/" in production.lower() or production == test:
        found.append(
            Error(
                "SENCE_PRODUCTION_URL apunta a la prueba de SENCE: nada quedaría registrado.",
                hint="Use https://sistemas.sence.cl/rce/Registro/",
                id="attendance.E013",
            )
        )
    return found


@register(TAG)
def check_form_hosts(**kwargs: object) -> list[CheckMessage]:
    """The CSP must let the student's browser post to SENCE."""
    allowed = settings.SENCE_FORM_HOSTS
    urls = settings.SENCE_PRODUCTION_URL, settings.SENCE_TEST_URL
    return [
        Error(
            f"SENCE_FORM_HOSTS no permite enviar formularios a {origin}.",
            hint="Agregue ese origen, y el de ClaveÚnica, a SENCE_FORM_HOSTS.",
            id="attendance.E014",
        )
        for origin in sorted({_origin(url) for url in urls if _is_http_url(url)})
        if not any(_allows(source, origin) for source in allowed)
    ]


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _allows(source: str, origin: str) -> bool:
    scheme, _, host = source.partition("://*.")
    return source == origin or (
        bool(host) and origin.startswith(f"{scheme}://") and origin.endswith(f".{host}")
    )


@register(TAG)
def check_session_hours(**kwargs: object) -> list[CheckMessage]:
    """The limit is a number of hours within a day."""
    if 1 <= settings.SENCE_SESSION_HOURS <= 24:
        return []
    return [
        Error(
            "SENCE_SESSION_HOURS debe estar entre 1 y 24.",
            hint="La guía de USECAP pide cerrar antes de 3 horas.",
            id="attendance.E015",
        )
    ]


@register(TAG)
def check_spool(**kwargs: object) -> list[CheckMessage]:
    """The disk must be able to keep SENCE's answers while the database is away."""
    try:
        settings.SPOOL_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=settings.SPOOL_DIR):
            return []
    except OSError:
        return [
            Error(
                "No se puede escribir en SPOOL_DIR: sin base de datos se perderían respuestas.",
                hint="Indique una carpeta del disco en la que este proceso pueda escribir.",
                id="attendance.E016",
            )
        ]


@register(TAG)
def check_token_keys(**kwargs: object) -> list[CheckMessage]:
    """A lost key stops new starts, never a callback: a warning, so that the site still starts."""
    hint = (
        "Genere una con: python -c 'from cryptography.fernet import Fernet; "
        "print(Fernet.generate_key().decode())'"
    )
    if not settings.TOKEN_ENCRYPTION_KEYS:
        message = "TOKEN_ENCRYPTION_KEYS está vacío: nadie podrá iniciar su asistencia."
        return [Warning(message, hint=hint, id="attendance.W001")]
    try:
        for key in settings.TOKEN_ENCRYPTION_KEYS:
            Fernet(key)
    except ValueError:
        message = "TOKEN_ENCRYPTION_KEYS tiene una clave mal formada."
        return [Warning(message, hint=hint, id="attendance.W002")]
    return []
