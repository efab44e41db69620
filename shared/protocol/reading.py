"""Reads messages and documents: strictly from outside, tolerantly between our own processes.

During an update two versions run side by side. A process must handle what a newer one wrote, so what our own services
wrote is read tolerantly: fields that this version does not know are ignored. From anyone else, an unknown field is
probably misspelt, and is refused by name.

That works as long as versions only add fields. The add-only rules are in docs/messages.md; the recorded messages in
tests/unit/protocol/recorded/ check this version against them.
"""

from __future__ import annotations

from typing import Final, TypeVar

from aio_pika.abc import AbstractIncomingMessage

from shared.protocol.messages import Frozen

APP_ID: Final = "podcast-engine"
"""The AMQP property `app_id` of all our messages."""

Model = TypeVar("Model", bound=Frozen)


def read(model: type[Model], data: bytes | str, *, strict: bool) -> Model:
    """Read a message or a document.

    Args:
        model: the expected model.
        data: JSON.
        strict: refuse fields that the model does not know (from outside); else ignore them (our services, the store).

    Raises:
        ValidationError: the data is not valid for the model.
    """
    return model.model_validate_json(data, extra="forbid" if strict else "ignore")


def is_from_outside(message: AbstractIncomingMessage) -> bool:
    """Whether somebody other than our services published it, so that it must be read strictly.

    The property is no proof of identity: forging it only avoids the check for unknown fields.
    """
    return message.app_id != APP_ID
