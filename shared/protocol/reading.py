"""Reading messages and documents: strict at the doors, tolerant between our own processes.

During an update two versions run side by side. A process must handle what a newer one wrote, so what our own services
and stores wrote is read tolerantly: fields that this version does not know are ignored. Whoever is not one of our
services stands at a door: an unknown field there is a misspelt one, and is refused with its name.

That works as long as a version only ever gains. The add-only rules are in docs/messages.md; the recorded messages in
tests/unit/protocol/recorded/ hold this version to them.
"""

from __future__ import annotations

from typing import Final, TypeVar

from aio_pika.abc import AbstractIncomingMessage

from shared.protocol.messages import Frozen

APP_ID: Final = "podcast-engine"
"""The AMQP property `app_id` of every message of ours."""

Model = TypeVar("Model", bound=Frozen)


def read(model: type[Model], data: bytes | str, *, strict: bool) -> Model:
    """Read a message or a document.

    Args:
        model: what it should be.
        data: JSON.
        strict: refuse fields that the model does not know (a door); else ignore them (our own services and stores).

    Raises:
        ValidationError: it is none.
    """
    return model.model_validate_json(data, extra="forbid" if strict else "ignore")


def is_from_outside(message: AbstractIncomingMessage) -> bool:
    """Whether somebody other than our services published it, and it is to be read strictly.

    The property is no proof of identity: whoever forges it is spared nothing but the check for unknown fields.
    """
    return message.app_id != APP_ID
