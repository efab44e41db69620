"""A semaphore that serves by urgency, in the order of arrival, and loses no turn."""

from __future__ import annotations

import asyncio

from shared.semaphore import FairSemaphore


class Visitors:
    """Tasks that take a turn and keep it until they are told."""

    def __init__(self, count: int) -> None:
        self.semaphore = FairSemaphore(count)
        self.had: list[str] = []
        self.inside: set[str] = set()
        self._tasks: dict[str, tuple[asyncio.Task[None], asyncio.Event]] = {}

    async def comes(self, name: str, urgency: int = 1) -> None:
        may_go = asyncio.Event()

        async def visit() -> None:
            async with self.semaphore.let_in(urgency):
                self.had.append(name)
                self.inside.add(name)
                await may_go.wait()
                self.inside.remove(name)

        self._tasks[name] = asyncio.create_task(visit()), may_go
        await settled()

    async def goes(self, name: str) -> None:
        self._tasks[name][1].set()
        await settled()

    def gives_up(self, name: str) -> None:
        self._tasks[name][0].cancel()

    async def close(self) -> None:
        for task, _ in self._tasks.values():
            task.cancel()
        await asyncio.gather(*(task for task, _ in self._tasks.values()), return_exceptions=True)


async def settled() -> None:
    """All tasks have run as far as they can: nothing here waits for anything but turns."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_so_many_at_a_time_the_urgent_first_and_equals_in_the_order_of_arrival() -> None:
    visitors = Visitors(2)
    for name in ("a", "b", "c", "d"):
        await visitors.comes(name)
    await visitors.comes("urgent", 0)
    await visitors.comes("urgent too", 0)
    assert visitors.inside == {"a", "b"}
    for name in ("a", "b", "urgent", "urgent too", "c", "d"):
        await visitors.goes(name)
    assert visitors.had == ["a", "b", "urgent", "urgent too", "c", "d"]
    await visitors.comes("e")
    assert visitors.inside == {"e"}
    await visitors.close()


async def test_who_gives_up_waiting_costs_nobody_a_turn() -> None:
    visitors = Visitors(1)
    for name in ("a", "b", "c", "d"):
        await visitors.comes(name)
    visitors.gives_up("b")
    await visitors.goes("a")
    assert visitors.inside == {"c"}

    visitors._tasks["c"][1].set()
    visitors.gives_up("d")  # in the moment in which it gets its turn, or just before
    await settled()
    await visitors.comes("e")
    assert visitors.inside == {"e"}
    await visitors.close()


async def test_a_turn_that_came_too_late_is_passed_on() -> None:
    visitors = Visitors(1)
    for name in ("a", "b", "c"):
        await visitors.comes(name)
    visitors._tasks["a"][1].set()
    await asyncio.sleep(0)
    assert visitors.inside == set()
    visitors.gives_up("b")  # it has its turn, but has not run since
    await settled()
    assert visitors.inside == {"c"}
    assert "b" not in visitors.had
    await visitors.close()
