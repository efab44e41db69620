"""Restores a dead letter to the message that it was before it died."""

from __future__ import annotations

import re
from typing import Any, Final

import aio_pika
from aio_pika.abc import AbstractIncomingMessage, DeliveryMode

from shared.dead_letters.headers import REPLAYS, origin, whole_number
from shared.dead_letters.letter import DeadLetter, document_in, job_of
from shared.protocol import envelope, topology
from shared.protocol.messages import OBJECT_KEY_LIMIT_CHARACTERS, JobResumeRequested, Message
from shared.protocol.topology import WorkQueue

_OF_THE_BROKER: Final = re.compile("x-(first-|last-)?death|x-delivery-count$|x-acquired-count$")
"""Headers that would make a copy look as if it had already been delivered or dead-lettered."""


def cleaned(
    message: AbstractIncomingMessage, queue: WorkQueue, *, corrected: Message | None = None
) -> aio_pika.Message:
    """The message as it was before it died, ready for its work queue.

    Attempts start again from 1. The log of earlier ones is kept, so a message that dies again has its full history.

    Args:
        message: the dead letter.
        queue: the work queue it died in.
        corrected: what is sent in its place; None: its own body.
    """
    exchange, routing_key = origin(message, queue)
    headers = {name: _sendable(value) for name, value in message.headers.items() if not _OF_THE_BROKER.match(name)}
    if exchange != topology.DEAD_EXCHANGE:
        for name in envelope.OF_A_DEAD_LETTER:
            headers.pop(name, None)
    # else it is a copy of another queue's dead letter, which needs exactly these headers
    # A replay is for now: what it waited for before it died is over.
    for name in (envelope.WAITS, envelope.NOT_BEFORE, envelope.STILL_SECONDS):
        headers.pop(name, None)
    headers |= {
        envelope.ATTEMPT: 1,
        envelope.ORIGIN_EXCHANGE: exchange,
        envelope.ORIGIN_ROUTING_KEY: routing_key,
        REPLAYS: whole_number(message.headers.get(REPLAYS)) + 1,
    }
    return aio_pika.Message(
        message.body if corrected is None else corrected.model_dump_json().encode(),
        headers=headers,
        content_type=message.content_type,
        content_encoding=message.content_encoding,
        delivery_mode=DeliveryMode.PERSISTENT,
        message_id=message.message_id,
        correlation_id=message.correlation_id or job_of(message, document_in(message.body)),
        type=message.type or routing_key,
        timestamp=message.timestamp,
        app_id=message.app_id,
    )


def object_in(message: AbstractIncomingMessage, corrected: Message | None) -> str | None:
    """The object that the message sent back asks for, if it says so."""
    document = document_in(message.body) if corrected is None else corrected.model_dump()
    found = document.get("audio_key", document.get("object_key"))
    return found if isinstance(found, str) and 0 < len(found) <= OBJECT_KEY_LIMIT_CHARACTERS else None


def resume(letter: DeadLetter, object_key: str | None = None) -> JobResumeRequested:
    """The message that reopens the dead letter's job; the dead letter has already been sent back to its queue.

    Args:
        letter: what was sent back.
        object_key: the object that it asks for, if it says so.
    """
    if letter.job_id is None:
        raise ValueError("a letter that belongs to no job")
    return JobResumeRequested(
        job_id=letter.job_id,
        reason="a dead letter of it was replayed",
        sent_back_to=letter.queue,
        index=letter.chunk if letter.chunk is not None and letter.chunk >= 0 else None,
        object_key=object_key,
    )


def _sendable(value: Any) -> Any:
    """The header value in a form that the client library can send: it returns `bytes`, but accepts only `bytearray`."""
    if isinstance(value, bytes):
        return bytearray(value)
    if isinstance(value, list):
        return [_sendable(entry) for entry in value]
    if isinstance(value, dict):
        return {name: _sendable(entry) for name, entry in value.items()}
    return value
