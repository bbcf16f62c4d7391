"""What is written to standard error: each line, whole, and nothing past the masks."""

import json
import logging
import os

import pytest
from django.test import Client
from gunicorn.config import Config
from gunicorn.glogging import Logger as GunicornLogger

from usecap_sence.logs import MaskingJsonFormatter, StandardError, request_id

SECRET = "12345678-5"


@pytest.fixture
def logger():
    logger = logging.Logger("tests.logs")
    handler = StandardError()
    handler.setFormatter(MaskingJsonFormatter())
    logger.addHandler(handler)
    return logger


def test_a_text_that_no_encoding_has_is_written_masked(logger, capfd):
    logger.error("%s de %s", "\udc80", SECRET)
    (line,) = capfd.readouterr().err.splitlines()
    assert "\\udc80 de ***" in line


def test_what_cannot_be_put_into_words_tells_nobody(logger, capfd):
    logger.error("%d", SECRET)
    line = json.loads(capfd.readouterr().err)
    assert (line["name"], line["level"], line["message"]) == ("tests.logs", "ERROR", "TypeError")


def test_gunicorns_own_lines_are_written_as_it_means_them(capfd):
    log = GunicornLogger(Config())
    log.error("Worker exiting (pid: %s)", 7)
    assert f"[{os.getpid()}] [ERROR] Worker exiting (pid: 7)" in capfd.readouterr().err


@pytest.mark.django_db
def test_the_name_of_a_request_ends_before_the_next_one(settings):
    Client().get("/healthz")
    assert request_id.get()
    settings.SECURE_SSL_REDIRECT = True
    assert Client().get("/cursos/").status_code == 301
    assert request_id.get() is None
