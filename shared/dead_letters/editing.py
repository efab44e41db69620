"""Replays a dead letter with a corrected message: read as strictly as a stranger's, and still about the same work."""

from __future__ import annotations

import json
from typing import Final

from aio_pika.abc import AbstractIncomingMessage
from pydantic import ValidationError

from shared.dead_letters.headers import origin
from shared.dead_letters.letter import document_in
from shared.errors import BadInput
from shared.protocol import reading, topology
from shared.protocol.messages import ChunkRequested, Message
from shared.protocol.topology import WorkQueue

FIXED: Final = ("job_id", "index", "audio_key", "object_key", "engine", "sample_rate", "mastering")
"""What says which job and which piece of its work a message is about, and what is the same for all of the job."""
_ERRORS_SHOWN: Final = 3


def parsed(message: AbstractIncomingMessage, queue: WorkQueue, edited: str) -> Message:
    """The corrected message.

    Args:
        message: the dead letter.
        queue: the work queue it died in.
        edited: the corrected message, JSON.

    Raises:
        BadInput: the edited text is not a message of this kind, or is about another piece of work.
    """
    model = _model(message, queue)
    try:
        corrected = reading.read(model, edited, strict=True)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(str(part) for part in one['loc']) or 'the message'}: {one['msg']}"
            for one in error.errors()[:_ERRORS_SHOWN]
        )
        raise BadInput(
            f"The edited message is not a valid {model.ROUTING_KEY}: {wrong}.", hint="Nothing was sent; correct it."
        ) from error
    before, after = document_in(message.body), json.loads(edited)
    for name in FIXED:
        if name in before and before[name] != after.get(name):
            raise BadInput(
                f"The edited message has another {name}.", hint="It must be about the same piece of the same job."
            )
    return corrected


def _model(message: AbstractIncomingMessage, queue: WorkQueue) -> type[Message]:
    """What the message is, by the key that it was first published under."""
    exchange, routing_key = origin(message, queue)
    for model in queue.consumes:
        if exchange != topology.DEAD_EXCHANGE and routing_key == model.ROUTING_KEY:
            return model
    raise BadInput(
        f"A dead letter of {queue.name} that is no message of that queue cannot be edited.",
        hint="Replay it as it is, or discard it.",
    )


def chunk_in(message: AbstractIncomingMessage) -> ChunkRequested:
    """The request for a chunk that died.

    Raises:
        BadInput: it is none that can be read.
    """
    try:
        return reading.read(ChunkRequested, message.body, strict=False)
    except ValidationError as error:
        raise BadInput(
            "The dead letter itself is no valid chunk.requested, so it cannot be corrected.", hint="Discard it."
        ) from error
