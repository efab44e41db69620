"""Passwords are removed from addresses in every sentence, log line, header and manifest."""

from __future__ import annotations

import io
import logging
import time

import pytest
import structlog
from pydantic import HttpUrl

from services.chunker import manifests
from services.chunker.documents.document import Document, Paragraph
from services.chunker.documents.reading import Packed
from services.cli.speech_servers import check as check_speech
from shared.addresses import scrub, without_login, without_password
from shared.errors import PodcastError
from shared.protocol.messages import JobRequest, UrlSource
from shared.runtime import logs
from shared.runtime.delivery import _sentence
from shared.settings import Settings


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://user:hunter2@host/page", "http://***@host/page"),
        ("https://token@host/", "https://***@host/"),
        ("amqp://guest:hunter2@127.0.0.1:5672/vhost", "amqp://***@127.0.0.1:5672/vhost"),
        ("s3://KEY:hunter2@host:9000/bucket?secure=false", "s3://***@host:9000/bucket?secure=false"),
        ("http://user:hunter2@[::1]:80/", "http://***@[::1]:80/"),
        ("http://user:hun@ter2@host/", "http://***@host/"),
        ("http://user:hun/ter2@host/", "http://***@host/"),
        ("http://user:hun?ter2@host/", "http://***@host/"),
        ("http://user:hun#ter2@host/", "http://***@host/"),
        ("http://user:hunter2@", "http://***@"),
        # what only looks like a password
        ("http://host/@name", "http://host/@name"),
        ("http://host:80/@name", "http://host:80/@name"),
        ("http://[::1]:80/a@b", "http://[::1]:80/a@b"),
        ("http://host/?mail=a@b", "http://host/?mail=a@b"),
        ("a@b", "a@b"),
        ("", ""),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, shown: str) -> None:
    assert without_password(url) == shown
    assert scrub(f"({url}) and {url}, twice") == f"({shown}) and {shown}, twice"
    assert without_login(url) == shown.replace("***@", "")


@pytest.mark.parametrize("text", ["://" * 400_000, "://" + "a" * 1_000_000, "://a:x" * 200_000, "://@" * 300_000])
def test_scrubbing_walks_through_a_text_once(text: str) -> None:
    started = time.process_time()
    scrub(text)
    assert time.process_time() - started < 20, "a second walk at each place would take hours"


def test_no_log_line_has_a_password(capsys: pytest.CaptureFixture[str]) -> None:
    handlers, level = logging.root.handlers, logging.root.level
    try:
        logs.configure("test", as_json=False)
        written = io.StringIO()
        logging.root.handlers[0].setStream(written)  # type: ignore[attr-defined] # it is a StreamHandler
        try:
            int("http://user:hunter2@host/page")
        except ValueError:
            structlog.get_logger("x").exception("broken", url="http://user:hunter2@host/")
            logging.getLogger("library").warning("GET http://user:hunter2@host/")
    finally:
        logging.root.handlers = handlers
        logging.root.setLevel(level)
        structlog.reset_defaults()
    assert "hunter2" not in written.getvalue() + capsys.readouterr().err
    assert written.getvalue().count("***@host") >= 3


@pytest.mark.parametrize("error", [ValueError, PodcastError])
def test_no_reason_of_a_dead_letter_has_a_password(error: type[Exception]) -> None:
    assert "hunter2" not in _sentence(error("http://user:hunter2@host/ cannot be read."))


def test_no_manifest_has_a_password() -> None:
    job = JobRequest(source=UrlSource(url=HttpUrl("https://user:hunter2@host/page?a=b")))
    packed = Packed.of(Document((Paragraph("Words."),)))
    manifest, _ = manifests.build(job, packed, Settings(speech_engine="x"), name="")
    assert b"hunter2" not in manifest
    assert b"https://host/page?a=b" in manifest


async def test_no_complaint_about_a_speech_server_has_a_password() -> None:
    with pytest.raises(PodcastError) as caught:
        await check_speech(("http://user:hunter2@127.0.0.1:1",), timeout_seconds=5)
    assert "hunter2" not in str(caught.value)
