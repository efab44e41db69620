"""Runs what a command asks of one part of a system, such as its feeds or its keys, which is open meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TypeVar

from services.cli import interrupts, targets
from services.cli.targets import Target

Part = TypeVar("Part")
T = TypeVar("T")


def run(
    opened: Callable[[Target], AbstractAsyncContextManager[Part]],
    directory: Path | None,
    work: Callable[[Part], Awaitable[T]],
    *,
    only_store: bool = True,
) -> T:
    """The result of `work`.

    Args:
        opened: opens the part, of the system that the command talks to.
        directory: a folder from the command line.
        work: gets the part.
        only_store: the command needs no broker.

    Raises:
        BrokerDown: nothing is named, and no stack runs.
        Interrupted: a signal arrived.
    """
    target = targets.named(directory, only_store=only_store)

    async def working() -> T:
        async with opened(target) as part:
            return await work(part)

    return interrupts.run(working())
