"""Logs hold no personal data and no secret, whatever a message or a traceback carries."""

import json
import logging
import os
import re
from contextlib import suppress
from contextvars import ContextVar
from copy import copy
from typing import Any

MASKS = [
    # The nonce of a callback URL, or of a trial's: whoever holds it can speak in SENCE's name.
    ("/", re.compile(r"/(sence|prueba)/[\w-]{16,}"), r"/\1/***"),
    # PostgreSQL quotes whole rows here.
    ("DETAIL:  ", re.compile(r"DETAIL:  .*"), "DETAIL:  ***"),
    # RUNs and RUTs, with or without dots.
    ("-", re.compile(r"\b\d{1,3}(?:\.\d{3}){1,2}-[\dkK]\b|\b\d{6,8}-[\dkK]\b"), "***"),
    # What is searched for in admin: a RUN however it is typed, a name.
    ("?", re.compile(r"\?[^\s\"]*=[^\s\"]*"), "?***"),
    # GUIDs: SENCE's tokens and the public ids of sessions have this shape.
    ("-", re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"), "***"),
    ("@", re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"), "***"),
    # What Django says of an address that leads nowhere.
    ("'path': '", re.compile(r"'path': '[^']*'"), "'path': '***'"),
]
"""What a text must have for the pattern to be looked for, which takes longer; and what comes in
its place."""

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The name of the request that is being answered here (`usecap_sence.middleware.LogRequests`)."""

# No line says where in the code it was written, nor by which thread: Python need not look.
# gunicorn's own lines say by which process.
logging._srcfile = None
logging.logThreads = logging.logMultiprocessing = False

AS_JSON = json.JSONEncoder(ensure_ascii=False, default=str).encode


def mask(text: str) -> str:
    """Return `text` with nonces, RUNs, query strings, GUIDs and e-mails replaced by `***`."""
    for sign, pattern, replacement in MASKS:
        if sign in text:
            text = pattern.sub(replacement, text)
    return text


def route_of(request: Any) -> str:
    """Return the pattern of a request's address, "-" where it leads nowhere."""
    match = getattr(request, "resolver_match", None)
    return match.route if match else "-"


def without_path(record: logging.LogRecord) -> logging.LogRecord:
    """Return the record with its request's route in place of the path, which may name people."""
    request = getattr(record, "request", None)
    path = getattr(request, "path", None)
    if path is None or not isinstance(record.args, tuple):
        return record
    told = copy(record)
    told.args = tuple(route_of(request) if arg == path else arg for arg in record.args)
    return told


class StandardError(logging.Handler):
    """Writes each record at once, by itself: the system keeps whole what is no longer than a page.

    logging's own handler has threads wait for each other while one formats and writes, which was
    half of what a request's line cost them.
    """

    def handle(self, record: logging.LogRecord) -> bool:
        passed = bool(self.filter(record))
        if passed:
            self.emit(record)
        return passed

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception as error:
            # Not handleError, which prints the record past what masks it.
            told = {"name": record.name, "levelname": record.levelname, "msg": type(error).__name__}
            line = self.format(logging.makeLogRecord(told))
        rest = memoryview(f"{line}\n".encode(errors="backslashreplace"))
        with suppress(OSError):
            while rest:
                rest = rest[os.write(2, rest) :]


class MaskingFormatter(logging.Formatter):
    """Masks the finished line, so that arguments and tracebacks are covered too."""

    def format(self, record: logging.LogRecord) -> str:
        return mask(super().format(without_path(record)))


class MaskingJsonFormatter(logging.Formatter):
    """A line of JSON: what is named here alone, masked before it is put together.

    Whatever else a record carries, Django's request say, may name people.
    """

    OF_REQUESTS = ("method", "route", "status", "milliseconds")

    def format(self, record: logging.LogRecord) -> str:
        record = without_path(record)
        said: dict[str, Any] = {"message": record.getMessage(), "request_id": request_id.get()}
        if record.exc_info:
            said["exc_info"] = self.formatException(record.exc_info)
        carried = vars(record)
        said |= {name: carried[name] for name in self.OF_REQUESTS if name in carried}
        line = {"time": self.formatTime(record), "level": record.levelname, "name": record.name}
        return AS_JSON(line | masked(said))


def masked(value: Any) -> Any:
    """Return a structure of dictionaries, lists and texts with each text masked, keys apart."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {key: masked(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [masked(part) for part in value]
    return value
