"""Writes docs/asyncapi.json from the wired services: `make docs`. A test fails when the file is stale."""

from __future__ import annotations

import json
from pathlib import Path

from faststream.specification.asyncapi import AsyncAPI

from services.assembler.app import build as assembler
from services.chunker.app import build as chunker
from services.coordinator.app import build as coordinator
from services.feeds.app import build as feeds
from services.synthesizer.app import build as synthesizer
from services.webhooks.app import build as webhooks
from shared.settings import Settings

DOCUMENT = Path(__file__).with_name("asyncapi.json")


def document() -> str:
    """The AsyncAPI document of all services, with its keys sorted so that the output is reproducible."""
    # Set here, so that no local environment ends up in the document.
    settings = Settings(
        amqp_url="amqp://guest:guest@localhost:5672/", store_url="file:///store", speech_url="http://localhost:8880"
    )
    services = [build(settings) for build in (chunker, coordinator, synthesizer, assembler, webhooks, feeds)]
    specification = AsyncAPI(
        *(service.broker for service in services),
        title="Podcast Engine",
        version="1",
        description="A job is published to the topic exchange `podcast` with routing key `job.submitted`.",
        schema_version="3.0.0",
    )
    content = specification.to_specification().to_jsonable()
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
