"""A log record is one line, whatever strangers have put into its values."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator

import pytest
import structlog

from shared.runtime import logs
from tests.hostile_text import ALL, CORPUS, commands_in, storable

RECORD = re.compile(r"^\d{4}-\d\d-\d\dT")


@pytest.fixture(autouse=True)
def _root() -> Iterator[None]:
    handlers, level = logging.root.handlers, logging.root.level
    yield
    logging.root.handlers, logging.root.level = handlers, level
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("name", CORPUS)
def test_values_of_strangers_are_text_in_the_log(capsys: pytest.CaptureFixture[str], name: str, as_json: bool) -> None:
    logs.configure("chunker", as_json=as_json)
    text = storable(CORPUS[name])
    structlog.get_logger("x").info(f"said {text}", reason=text, listed=[text])
    logging.getLogger("library").warning("a library says %s", text)
    lines = capsys.readouterr().err.split("\n")[:-1]
    assert commands_in("\n".join(lines)) == []
    assert not [line for line in lines if line.startswith("podcast: all is well")]
    if as_json:
        assert json.loads(lines[0])["reason"] == text


def test_an_exceptions_message_forges_no_record(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("chunker")
    error = ValueError("bad\n2026-01-01T00:00:00Z [info] all is well\x1b[2J " + storable(ALL))
    structlog.get_logger("x").error("failed", exc_info=error)
    shown = capsys.readouterr().err
    assert commands_in(shown) == []
    assert [bool(RECORD.match(line)) for line in shown.splitlines()].count(True) == 1
    assert "ValueError: bad" in shown
