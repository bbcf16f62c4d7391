"""A Django database engine that brings its own PostgreSQL, for development, the demo and tests.

    DATABASES = {"default": {
        "ENGINE": "usecap_sence.embedded_postgres", "NAME": "usecap_sence",
        "HOME": str(BASE_DIR / ".postgres"),
    }}

The first connection starts the server; it stops by itself when no process uses it any more.
base.py is Django's side; server.py the files, locks and processes; __main__.py the supervisor.
"""

from .server import remove, stop

__all__ = ["remove", "stop"]
