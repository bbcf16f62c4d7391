"""A roster's bytes from an https address, within limits of time and redirects."""

import time
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError

from courses.rosters.errors import RosterError
from courses.rosters.sources import CHUNK

CONNECT_SECONDS, READ_SECONDS, TOTAL_SECONDS = 10, 30, 300
MAX_REDIRECTS = 5


def url_chunks(url: str) -> Iterator[bytes]:
    """The bytes behind an https URL, within the limits of time. Raises RosterError.

    No message repeats the URL, nor the library's words about it: its query may hold a key.
    """
    deadline = time.monotonic() + TOTAL_SECONDS
    try:
        with requests.Session() as session, follow(session, url) as response:
            yield from body_chunks(response, deadline)
    except (requests.Timeout, TimeoutError) as error:
        raise RosterError("El servidor tarda demasiado. Inténtelo de nuevo más tarde.") from error
    except requests.exceptions.SSLError as error:
        raise RosterError(
            "El certificado del servidor no es de confianza. Revise la dirección."
        ) from error
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        raise RosterError(
            "No se pudo descargar el archivo. Revise la dirección y la conexión."
        ) from error


def follow(session: requests.Session, url: str) -> requests.Response:
    """Return the answer at the end of the redirects, each of which has to be https too."""
    for _ in range(MAX_REDIRECTS + 1):
        if urlsplit(url).scheme.lower() != "https":
            raise RosterError("Solo se descarga por https://. Use una dirección segura.")
        response = session.get(
            url,
            stream=True,
            allow_redirects=False,
            timeout=(CONNECT_SECONDS, READ_SECONDS),
            headers={"Accept-Encoding": "identity"},
        )
        if response.ok and not response.is_redirect:
            return response
        response.close()
        if not response.is_redirect:
            raise RosterError(
                f"El servidor respondió {response.status_code}. Revise la dirección y el permiso."
            )
        url = urljoin(url, response.headers["location"])
    raise RosterError("La dirección redirige demasiadas veces. Use la dirección final.")


def body_chunks(response: requests.Response, deadline: float) -> Iterator[bytes]:
    # One read at a time: a server that drips a byte now and then would keep a larger read, and
    # with it this loop, waiting for ever.
    while chunk := response.raw.read1(CHUNK, decode_content=True):
        if time.monotonic() > deadline:
            raise TimeoutError
        yield chunk
