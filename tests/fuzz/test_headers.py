"""Any properties and headers: nothing in the envelope raises, and every copy can be sent."""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

from aio_pika.abc import AbstractIncomingMessage
from hypothesis import given
from hypothesis import strategies as st
from pamqp import commands, decode
from pamqp.header import ContentHeader

from shared.protocol import envelope
from shared.runtime import delays, frames
from tests.fuzz.profile import fuzz

frames.harden()

FRAME_BYTES = 131_072
NAMES = st.sampled_from(sorted(envelope.OURS)) | st.text(max_size=40)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.text()
    | st.binary()
    | st.binary().map(bytearray)
    | st.datetimes(timezones=st.just(UTC))
    | st.sampled_from(["x" * 60_000, '[{"error": "' + "e" * 40_000 + '"}]', "[" * 5_000])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)
SHORT = st.none() | st.text(max_size=300)
BODIES = st.binary(max_size=100) | st.sampled_from([b'{"job_id": "j", "index": 3}', b"[" * 9_000, b'{"index": 1e400}'])
MESSAGES = st.builds(
    SimpleNamespace,
    body=BODIES,
    headers=st.dictionaries(NAMES, VALUES, max_size=8),
    exchange=SHORT,
    routing_key=SHORT,
    content_type=SHORT,
    content_encoding=SHORT,
    message_id=SHORT,
    correlation_id=SHORT,
    type=SHORT,
    app_id=SHORT,
    timestamp=st.none() | st.just(datetime(2026, 1, 1, tzinfo=UTC)),
)


@fuzz
@given(message=MESSAGES, seconds=st.floats(0, 1e6))
def test_every_question_has_an_answer_and_every_copy_can_be_sent(message: Any, seconds: float) -> None:
    message = cast("AbstractIncomingMessage", message)
    assert 1 <= envelope.attempt(message) <= 1_000_000
    assert 0 <= envelope.waits(message) <= 1_000_000
    assert 0 <= envelope.still_seconds(message, limit=86_400) <= 86_400
    assert envelope.identity(message)
    assert isinstance(envelope.kind(message), str)
    assert envelope.chunk(message) is None or envelope.chunk(message) in range(1_000_000)
    envelope.job_id(message)
    envelope.is_dead_letter(message)
    failed: envelope.Attempt = {"attempt": 1, "at": envelope.now(), "error": "\ud800" * 300}
    headers = {
        envelope.EXCEPTION_MESSAGE: "\U0001f600" * envelope.REASON_LIMIT_CHARACTERS,
        envelope.EXCEPTION_STACKTRACE: "\U0001f600" * envelope.STACKTRACE_LIMIT_CHARACTERS,
        envelope.ATTEMPTS_LOG: envelope.attempts_log(message.headers, failed),
        **delays.pause(seconds, 300),
    }
    copy = envelope.copy(message, headers=headers, expires_seconds=1.5)
    data = ContentHeader(body_size=len(copy.body), properties=copy.properties).marshal()
    assert len(data) < FRAME_BYTES
    again = ContentHeader()
    again.unmarshal(data)
    assert again.properties.headers


@fuzz
@given(name=st.sampled_from(sorted(commands.Basic.Properties.flags)), data=st.binary(max_size=300))
def test_no_bytes_of_a_property_break_the_reader(name: str, data: bytes) -> None:
    """The broker checks that a property ends where its length says, so that much is respected here."""
    kind = getattr(commands.Basic.Properties, f"_{name}")
    match kind:
        case "shortstr":
            data = bytes([len(data[:255])]) + data[:255]
        case "table":
            data = struct.pack(">I", len(data)) + data
        case _:
            data = data.ljust(8, b"\0")
    header = ContentHeader()
    header.unmarshal(struct.pack(">HHQ", 60, 0, 0) + struct.pack(">H", commands.Basic.Properties.flags[name]) + data)
    assert decode.METHODS["table"] is frames._table
