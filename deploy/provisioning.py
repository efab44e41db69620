"""What provisioning broker and store have in common: the files with each role's address, and waiting for a server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Container
from pathlib import Path
from typing import Final

from shared.errors import Misconfigured, Outage

_PAUSE_SECONDS: Final = 1.0


def addresses_in(folder: Path, prefix: str, roles: Container[str]) -> dict[str, str]:
    """Role → address, of the files `<prefix><role>` in the folder.

    Raises:
        Misconfigured: a file cannot be read, or there is none.
    """
    found = {}
    for path in sorted(folder.glob(f"{prefix}*")):
        role = path.name.removeprefix(prefix)
        if role in roles:
            try:
                found[role] = path.read_text(encoding="utf-8").strip()
            except OSError as error:
                raise Misconfigured(f"{path} cannot be read: {error.strerror}.") from error
    if not found:
        raise Misconfigured(f"There is no file {prefix}<role> in {folder}.", hint="Name the folder with --users.")
    return found


async def until_up(call: Callable[[], Awaitable[None]], *, down: type[Outage]) -> None:
    """Call until it succeeds, and print what is waited for; the caller sets the deadline.

    Args:
        call: what is tried.
        down: the error that says that the server does not answer yet.
    """
    last = ""
    while True:
        try:
            return await call()
        except down as error:
            if str(error) != last:
                print(f"waiting: {error}", flush=True)
            last = str(error)
            await asyncio.sleep(_PAUSE_SECONDS)
