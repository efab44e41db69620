"""Secrets that sign webhooks, in the form of the Standard Webhooks specification: `whsec_` and base64. No I/O."""

from __future__ import annotations

import base64
import binascii
import secrets
import time
from typing import Final, Literal, Self

from pydantic import ConfigDict, Field, ValidationError

from shared.errors import BadInput, Permanent
from shared.protocol import reading
from shared.protocol.messages import Frozen

PREFIX: Final = "whsec_"
_NEW_BYTES: Final = 32
_SHORTEST_BYTES: Final = 24
_LONGEST_BYTES: Final = 64
"""From 24 to 64: the specification's limits."""


class WebhookSecret(Frozen):
    """A secret: part of an endpoint, or an object of its own beside a job's request."""

    model_config = ConfigDict(hide_input_in_errors=True)

    version: Literal[1] = 1
    key: str = Field(pattern=r"^whsec_[0-9A-Za-z+/]{32,88}={0,2}$", max_length=100, repr=False)
    created_at: float = Field(strict=False, description="seconds since the epoch")

    @classmethod
    def of(cls, key: str) -> Self:
        """A secret that a receiver has chosen.

        Raises:
            BadInput: it is not of the form that the specification gives.
        """
        try:
            made = cls(key=key, created_at=time.time())
            size = len(made.raw)
        except (ValidationError, binascii.Error):
            size = 0
        if not _SHORTEST_BYTES <= size <= _LONGEST_BYTES:
            # From None: the validation error would quote it.
            raise BadInput(
                "The webhook secret cannot be used.",
                hint=f"It is whsec_ and the base64 of {_SHORTEST_BYTES} to {_LONGEST_BYTES} random bytes.",
            ) from None
        return made

    @property
    def raw(self) -> bytes:
        """The bytes that sign."""
        return base64.b64decode(self.key.removeprefix(PREFIX), validate=True)


def new_secret() -> str:
    """A new secret, as it is handed to the receiver."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_NEW_BYTES)).decode()


def read_secret(data: bytes, *, whose: str) -> WebhookSecret:
    """A secret from the store.

    Args:
        data: the object.
        whose: for the error.

    Raises:
        Permanent: it is none; the error does not quote it.
    """
    try:
        found = reading.read(WebhookSecret, data, strict=False)
        _ = found.raw
    except (ValidationError, binascii.Error):
        raise Permanent(f"The secret of {whose} cannot be read.") from None
    return found
