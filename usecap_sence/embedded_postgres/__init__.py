"""A Django database engine that brings its own PostgreSQL, for development, the demo and tests.

    DATABASES = {"default": {
        "ENGINE": "usecap_sence.embedded_postgres", "NAME": "usecap_sence",
        "HOME": str(BASE_DIR / ".postgres"),
    }}

The first connection starts the server; it stops by itself when no process uses it any more.
base.py is Django's side, server.py decides who starts and stops it, postgres.py does it in the
folders of files.py, and __main__.py is the supervisor's command line, and `make clean`'s.
"""

from .server import remove, stop

__all__ = ["remove", "stop"]
