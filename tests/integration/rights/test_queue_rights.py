"""Who may pause queues at a real MinIO, and who may know that they are paused."""

from __future__ import annotations

import pytest

from shared.errors import StoreDown
from shared.protocol.topology import STAGES
from shared.store import queue_states
from tests.servers.rights import StoreUsers


async def test_the_gateway_pauses_a_service_knows_its_own_queue_and_the_coordinator_all(
    store_users: StoreUsers,
) -> None:
    gateway = store_users.store("gateway")
    for stage in STAGES:
        own = store_users.store(stage.name)
        assert not (await queue_states.read(own, stage.name)).is_paused, "there is no record yet, and no refusal"
        await queue_states.pause(gateway, stage.name)
        assert (await queue_states.read(own, stage.name)).is_paused
        with pytest.raises(StoreDown, match="AccessDenied"):
            await queue_states.resume(own, stage.name)
    states = await queue_states.of_all(store_users.store("coordinator"))
    assert [state.is_paused for state in states.values()] == [True] * len(STAGES)
    with pytest.raises(StoreDown, match="AccessDenied"):
        await queue_states.resume(store_users.store("coordinator"), "chunker")
    client = store_users.store("client")
    assert (await queue_states.read(client, "chunker")).is_paused, "a client is told why nothing happens"
    with pytest.raises(StoreDown, match="AccessDenied"):
        await queue_states.resume(client, "chunker")
    await queue_states.resume(gateway, "chunker")
