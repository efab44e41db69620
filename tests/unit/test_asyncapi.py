"""The AsyncAPI document matches the services."""

from __future__ import annotations

import json

from docs import asyncapi
from shared.protocol import topology


async def test_the_document_is_not_stale() -> None:
    assert asyncapi.DOCUMENT.read_text(encoding="utf-8") == asyncapi.document(), "stale: run `make docs`"


def test_every_message_of_the_topology_is_in_it() -> None:
    document = json.loads(asyncapi.DOCUMENT.read_text(encoding="utf-8"))
    consumed = {message.__name__ for queue in topology.WORK_QUEUES for message in queue.consumes}
    assert consumed <= set(document["components"]["schemas"])
    addresses = {channel["address"] for channel in document["channels"].values()}
    assert {queue.name for queue in topology.WORK_QUEUES} <= addresses


def test_the_events_of_a_jobs_end_and_those_for_watchers_are_in_it() -> None:
    schemas = json.loads(asyncapi.DOCUMENT.read_text(encoding="utf-8"))["components"]["schemas"]
    assert {"JobCompleted", "JobFailed", "JobCancelled", "JobEvent"} <= set(schemas)
