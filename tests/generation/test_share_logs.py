"""A share link is a key: no log may have its token, whoever writes the line."""

import io
import json
import logging
from logging.config import dictConfig

import pytest
from daphne.access import AccessLogGenerator
from django.conf import settings
from django.test import Client
from structlog.stdlib import ProcessorFormatter
from uvicorn.config import LOGGING_CONFIG

import hepcompanion.asgi  # noqa: F401 - the servers load it, and it masks their logs
from hepcompanion.logs import masked

TOKEN = "Ab3-_xYz" * 4
PATH = f"/h/{TOKEN}/"


@pytest.fixture
def log():
    """What our own handler writes, as the server has it."""
    stream = io.StringIO()
    shipped = settings.LOGGING["formatters"]["structured"]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(ProcessorFormatter(**{name: value for name, value in shipped.items() if name != "()"}))
    root = logging.getLogger()
    root.addHandler(handler)
    yield stream
    root.removeHandler(handler)


@pytest.mark.parametrize("text", [
    f"Not Found: {PATH}", f'"GET {PATH}?language=da HTTP/1.1" 200', f"<WebRequest uri=/h/{TOKEN} clientproto=HTTP/1.1>",
    f"http://clinic.example{PATH}", f"{PATH} and {PATH}",
])  # fmt: skip
def test_a_token_is_masked_wherever_a_path_stands(text):
    assert TOKEN not in masked(text)
    assert "/h/…" in masked(text)


def test_what_is_no_token_stays():
    text = "GET /api/health /h/ /programs/1/handout/"
    assert masked(text) == text


@pytest.mark.django_db
def test_djangos_own_lines_have_no_token(log):
    Client().get(PATH)
    Client().post(PATH)
    lines = log.getvalue()
    assert "Not Found: /h/" in json.loads(lines.splitlines()[0])["event"]
    assert "Method Not Allowed" in lines
    assert TOKEN not in lines


def test_daphnes_access_log_has_no_token():
    stream = io.StringIO()
    details = {"client": "192.0.2.7:1", "method": "GET", "path": PATH, "status": 200, "size": 1}
    AccessLogGenerator(stream)("http", "complete", details)
    assert "GET /h/…/" in stream.getvalue()
    assert TOKEN not in stream.getvalue()


def test_uvicorns_access_log_has_no_token(capsys):
    logger = logging.getLogger("uvicorn.access")
    before = logger.handlers[:], logger.level, logger.propagate
    dictConfig({**LOGGING_CONFIG, "disable_existing_loggers": False})
    try:
        logger.info('%s - "%s %s HTTP/%s" %d', "192.0.2.7:1", "GET", PATH, "1.1", 200)
    finally:
        logger.handlers[:], logger.level, logger.propagate = before
    written = capsys.readouterr().out
    assert "GET /h/…/ HTTP/1.1" in written
    assert TOKEN not in written
