"""Slots: how many messages are handled at a time, and what a handler that frees its slot early gives to others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from shared.runtime import slots
from shared.runtime.slots import HandlingSlots, NoSlot


class Handlers:
    """Handlers that do what they are told."""

    def __init__(self, count: int) -> None:
        self.slots = HandlingSlots(count)
        self.working: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self._told: dict[str, asyncio.Queue[str]] = {}

    async def comes(self, name: str) -> None:
        self._told[name] = asyncio.Queue()
        self.tasks[name] = asyncio.create_task(self._handle(name))
        await settled()

    async def told(self, name: str, what: str) -> None:
        self._told[name].put_nowait(what)
        await settled()

    async def _handle(self, name: str) -> None:
        async with self.slots.taken():
            self.working.append(name)
            while (what := await self._told[name].get()) != "end":
                if what == "free":
                    slots.free()
                    self.working.remove(name)
                else:
                    await slots.take()
                    if name not in self.working:
                        self.working.append(name)
        if name in self.working:
            self.working.remove(name)


async def settled() -> None:
    """All tasks have run as far as they can: they wait for nothing but slots and what they are told."""
    for _ in range(6):
        await asyncio.sleep(0)


@pytest.fixture
async def handlers() -> AsyncIterator[Handlers]:
    made = Handlers(2)
    for name in ("a", "b", "c", "d"):
        await made.comes(name)
    yield made
    for task in made.tasks.values():
        task.cancel()
    await asyncio.gather(*made.tasks.values(), return_exceptions=True)


async def test_so_many_at_a_time_in_the_order_of_arrival(handlers: Handlers) -> None:
    assert handlers.working == ["a", "b"]
    await handlers.told("b", "end")
    assert handlers.working == ["a", "c"]
    await handlers.told("a", "end")
    assert handlers.working == ["c", "d"]


async def test_a_slot_that_is_freed_early_is_free_once(handlers: Handlers) -> None:
    await handlers.told("a", "free")
    assert handlers.working == ["b", "c"]
    await handlers.told("a", "end")
    assert handlers.working == ["b", "c"], "it had no slot any more"
    await handlers.told("b", "end")
    await handlers.told("c", "end")
    await handlers.comes("e")
    await handlers.comes("f")
    assert handlers.working == ["d", "e"]


async def test_a_handler_that_needs_its_slot_again_waits_for_one(handlers: Handlers) -> None:
    await handlers.told("a", "free")
    await handlers.told("a", "take")
    assert handlers.working == ["b", "c"]
    await handlers.told("b", "end")
    assert handlers.working == ["c", "d"], "after those that have waited longer"
    await handlers.told("c", "end")
    assert handlers.working == ["d", "a"]
    await handlers.told("a", "take")
    await handlers.told("a", "end")
    await handlers.comes("e")
    assert handlers.working == ["d", "e"], "a slot that one has is taken once"


async def test_who_gives_up_waiting_costs_nobody_a_slot(handlers: Handlers) -> None:
    handlers.tasks["c"].cancel()
    await handlers.told("a", "end")
    assert handlers.working == ["b", "d"]
    await handlers.comes("e")
    await handlers.comes("f")
    handlers._told["b"].put_nowait("end")
    await asyncio.sleep(0)
    handlers.tasks["e"].cancel()  # it may have its slot by now, but has not run since
    await settled()
    assert handlers.working == ["d", "f"]


async def test_who_waits_is_dismissed_and_who_works_is_not(handlers: Handlers) -> None:
    handlers.slots.dismiss()
    await settled()
    assert isinstance(handlers.tasks["c"].exception(), NoSlot)
    assert isinstance(handlers.tasks["d"].exception(), NoSlot)
    assert handlers.working == ["a", "b"]
    await handlers.told("a", "end")
    await handlers.comes("e")
    assert handlers.working == ["b", "e"]


async def test_outside_of_a_handler_there_is_nothing_to_free() -> None:
    slots.free()
    await slots.take()
