"""The dead letters over HTTP: look, replay, correct, discard, one operator at a time."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import aio_pika
import httpx
import pytest

from shared.dead_letters.operator_lock import Busy, acquired
from shared.protocol import envelope
from shared.protocol.manifest import Manifest, correction_key
from shared.protocol.messages import ChunkRequested
from shared.protocol.topology import CHUNKER, COORDINATOR, SYNTHESIZER
from shared.store import keys
from tests.integration.gateway.conftest import STACK_KEY, Gateway
from tests.integration.test_dead_letters import Node, client, dead, failed_job
from tests.waiting import until


@pytest.fixture
async def node(shared: Gateway) -> AsyncIterator[Node]:
    """The broker, with no messages."""
    async with client(shared.settings.amqp_url) as node:
        for queue in (CHUNKER, SYNTHESIZER, COORDINATOR):
            await (await node.channel.get_queue(queue.name)).purge()
            await (await node.channel.get_queue(queue.dead)).purge()
        yield node


def request(index: int = 0, **changed: object) -> ChunkRequested:
    return ChunkRequested.model_validate(
        {
            "job_id": "job-1",
            "index": index,
            "text": "Hello.",
            "language": "en",
            "voice": "nobody",
            "model": "m",
            "speed": 1.0,
            "audio_key": "audio/" + "a" * 64 + ".flac",
            **changed,
        }
    )


def died(index: int = 0) -> aio_pika.Message:
    """A request for a chunk that was refused."""
    message = dead(index)
    return aio_pika.Message(
        request(index).model_dump_json().encode(),
        headers=message.headers,
        type="chunk.requested",
        correlation_id="job-1",
        content_type="application/json",
    )


async def test_letters_are_listed_in_groups_shown_replayed_and_gone(shared: Gateway, node: Node) -> None:
    await node.dead_letter(dead(1), dead(2), dead(3))
    listed = (await shared.client.get("/v1/dead-letters")).json()
    (group,) = listed["groups"]
    assert (group["letters"], group["queue"], group["job_id"]) == (3, "synthesizer", "job-1")
    assert (group["reason"], listed["letters"], listed["next"]) == ("The voice is unknown.", 3, None)

    each = await shared.client.get("/v1/dead-letters/each", params={"limit": 2, "reason": group["reason"]})
    assert [letter["chunk"] for letter in each.json()["letters"]] == [1, 2]
    rest = await shared.client.get(each.links["next"]["url"])
    assert [letter["chunk"] for letter in rest.json()["letters"]] == [3]
    shown = (await shared.client.get(f"/v1/dead-letters/{group['id']}")).json()
    assert (shown["text"], shown["attempts"][0]["at"]) == ("Text 1.", "2026-01-02T03:04:05+00:00")

    told = await node.count(COORDINATOR.name)
    job = {"selection": {"job_id": "job-1"}}
    counted = (await shared.client.post("/v1/dead-letters/replay", json={**job, "dry_run": True})).json()
    assert (counted["count"], counted["dry_run"]) == (3, True)
    assert await node.count(SYNTHESIZER.name) == 0
    some = (await shared.client.post("/v1/dead-letters/replay", json={**job, "limit": 2})).json()
    assert (some["count"], some["more"]) == (2, True)
    rest_of_it = (await shared.client.post("/v1/dead-letters/replay", json=job)).json()
    assert (rest_of_it["count"], rest_of_it["more"]) == (1, False)
    assert [envelope.chunk(message) for message in await node.all_of(SYNTHESIZER.name)] == [1, 2, 3]
    assert await node.count(COORDINATOR.name) == told + 3, "each replay reopens its job"
    assert (await shared.client.get(f"/v1/dead-letters/{group['id']}")).status_code == 404
    newest = (await shared.client.get("/v1/audit", params={"limit": 2})).json()["records"]
    assert [record["action"] for record in newest] == ["dead-letters.replay", "dead-letters.replay"]
    assert [record["results"]["count"] for record in newest] == [1, 2]


async def test_a_corrected_message_is_checked_before_it_is_sent(shared: Gateway, node: Node) -> None:
    await node.dead_letter(died())
    (letter,) = (await shared.client.get("/v1/dead-letters/each")).json()["letters"]
    shown = (await shared.client.get(f"/v1/dead-letters/{letter['id']}")).json()
    assert shown["payload"]["voice"] == "nobody"

    async def replay(**changed: object) -> httpx.Response:
        wanted = {"selection": {"ids": [letter["id"]]}, "payload": {**shown["payload"], **changed}}
        return await shared.client.post("/v1/dead-letters/replay", json=wanted)

    for wrong, why in (
        ({"speed": 900}, "speed"),
        ({"voise": "joe"}, "voise"),
        ({"job_id": "job-2"}, "another job_id"),
        ({"audio_key": "audio/" + "b" * 64 + ".flac"}, "another audio_key"),
    ):
        refused = await replay(**wrong)
        assert (refused.status_code, why in refused.json()["detail"]) == (422, True), refused.text
        assert await node.count(SYNTHESIZER.name) == 0
    newest = (await shared.client.get("/v1/audit", params={"limit": 1})).json()["records"][0]
    assert (newest["outcome"], newest["results"]) == ("refused", {})

    unknown = await replay(voice="joe")
    assert (unknown.status_code, "no job job-1" in unknown.json()["detail"]) == (422, True), unknown.text
    await failed_job(shared.store, request())
    assert (await replay(voice="joe")).json()["count"] == 1
    (sent,) = await node.all_of(SYNTHESIZER.name)
    expected = request(voice="joe")
    assert ChunkRequested.model_validate_json(sent.body) == expected.model_copy(
        update={"audio_key": correction_key(expected)}
    )
    assert await node.count(SYNTHESIZER.dead) == 0
    corrected = Manifest.model_validate_json(await shared.store.get(keys.corrected_manifest("job-1")))
    # The dead letter is of a version that mastered nothing before an episode was assembled.
    asked = corrected.chunk_request(0).model_copy(update={"mastering": None})
    assert asked == ChunkRequested.model_validate_json(sent.body)


async def test_letters_are_discarded_only_if_it_is_said_which(shared: Gateway, node: Node) -> None:
    await node.dead_letter(dead(1), dead(2))
    for unclear in (
        {},
        {"selection": {}},
        {"selection": {"all": True, "queue": "chunker"}},
        {"selection": {"all": False}},
        {"selection": {"ids": []}},
    ):
        assert (await shared.client.post("/v1/dead-letters/discard", json=unclear)).status_code == 422
    assert await node.count(SYNTHESIZER.dead) == 2
    (first, _) = (await shared.client.get("/v1/dead-letters/each")).json()["letters"]
    wanted = {"selection": {"ids": [first["id"], "f" * 12]}}
    done = (await shared.client.post("/v1/dead-letters/discard", json=wanted)).json()
    assert (done["ids"], done["missing"]) == ([first["id"]], ["f" * 12])
    done = (await shared.client.post("/v1/dead-letters/discard", json={"selection": {"all": True}})).json()
    assert (done["count"], await node.count(SYNTHESIZER.dead)) == (1, 0)


async def test_a_second_operator_is_told_who_the_first_is(shared: Gateway, node: Node) -> None:
    async with acquired(node.connection, doing="testing"):
        busy = await shared.client.get("/v1/dead-letters")
    assert (busy.status_code, busy.json()["type"]) == (409, "/problems/operator-busy")
    assert "testing, since" in busy.json()["detail"]
    assert busy.headers["retry-after"]
    assert (await shared.client.get("/v1/dead-letters")).status_code == 200


async def test_a_client_that_goes_away_frees_the_letters(shared: Gateway, node: Node) -> None:
    await node.fill(3_000)
    address = urlsplit(shared.url)
    leaving = socket.create_connection((address.hostname, address.port))
    leaving.sendall(f"GET /v1/dead-letters HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {STACK_KEY}\r\n\r\n".encode())

    async def is_held() -> bool:
        return await _may_take(node) is False

    await until(is_held, "the request holds the dead letters", seconds=10)
    leaving.close()

    async def is_free() -> bool:
        return await _may_take(node)

    await until(is_free, "the dead letters are free", seconds=20)
    assert await node.count(SYNTHESIZER.dead) == 3_000


async def _may_take(node: Node) -> bool:
    """Whether the lock could be taken; it is given back at once."""
    try:
        async with acquired(node.connection, doing="looking", wait_seconds=0):
            return True
    except Busy:
        return False
