"""What a local stack consists of: the plan that people choose, and the identity that it keeps from run to run."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from deploy.local.files import read_private, write_private

StoreKind = Literal["file", "minio"]
Engine = Literal["piper", "espeak-ng", "kokoro"]

BUCKET = "podcast"
GATEWAY = "gateway"
"""The service in a plan's `modules` that has an address of its own."""
WEBHOOKS = "webhooks"
FEEDS = "feeds"
_SECRET_BYTES = 16


class StackPlan(BaseModel):
    """What people choose about a stack."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    synthesizers: int = Field(1, ge=1, le=64, description="processes that speak; each has `synthesizer_slots` slots")
    store: StoreKind = "file"
    speech_url: str = Field("", description="speech servers, comma-separated; empty: a server of the stack's own")
    engine: Engine = Field("piper", description="what the stack's own speech server uses by default")
    modules: dict[str, str] = Field(
        default_factory=lambda: {
            "chunker": "services.chunker.app",
            "coordinator": "services.coordinator.app",
            "synthesizer": "services.synthesizer.app",
            "assembler": "services.assembler.app",
            WEBHOOKS: "services.webhooks.app",
            FEEDS: "services.feeds.app",
            "gateway": "services.gateway.app",
        },
        description="service → the module that runs it",
    )
    speech_module: str = "services.speech.app"
    env: dict[str, str] = Field(default_factory=dict, description="more settings for the services")

    def without(self, service: str) -> StackPlan:
        """The same stack, but for a service."""
        return self.model_copy(update={"modules": {name: at for name, at in self.modules.items() if name != service}})


class Identity(BaseModel):
    """What a stack keeps, so that its data and its addresses stay valid across restarts.

    RabbitMQ and MinIO store their users with their data: with a new password the stack would be locked out.
    """

    model_config = ConfigDict(extra="forbid")

    broker_password: str = Field(default_factory=lambda: secrets.token_hex(_SECRET_BYTES))
    broker_cookie: str = Field(default_factory=lambda: secrets.token_hex(_SECRET_BYTES))
    store_user: str = BUCKET
    store_password: str = Field(default_factory=lambda: secrets.token_hex(_SECRET_BYTES))
    api_key: str = Field(default_factory=lambda: f"pe_{secrets.token_hex(6)}_{secrets.token_hex(32)}")
    ports: dict[str, int] = Field(default_factory=dict)

    @classmethod
    def of(cls, directory: Path) -> Identity:
        """The identity of the stack in this folder; a new one if it never ran."""
        found = read_private(directory / "identity.json")
        return cls.model_validate_json(found) if found else cls()

    def keep(self, directory: Path) -> None:
        """Save it for the next run; readable only by its owner."""
        write_private(directory / "identity.json", self.model_dump_json(indent=2))
