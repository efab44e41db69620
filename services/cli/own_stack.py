"""The local stack as job commands see it: the addresses of a running one, or one started for a single command."""

from __future__ import annotations

import contextlib
import logging
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from deploy.local import LocalStack, read_state
from deploy.local.process_specs import OWN_MACHINE
from deploy.local.state import StackState
from shared.errors import BrokerDown, PodcastError
from shared.settings import Settings

_GRACE_SECONDS = 1.0
"""How long a service of the temporary stack may take to finish its messages, which are no longer needed."""


def running(settings: Settings) -> Settings | None:
    """The settings with the addresses of the `podcast up` in the state folder; None if none runs there.

    Raises:
        BrokerDown: it is not ready yet, or no longer.
    """
    directory = settings.state_dir.expanduser().resolve()
    found = read_state(directory)
    if found is None:
        return None
    if found.state != "ready":
        raise BrokerDown(f"The stack in {directory} is {found.state}.", hint="Try again in a moment.")
    return _with_addresses(settings, found)


def key_for(settings: Settings, api_url: str) -> str:
    """The key of the running stack if this is its API's address; empty if it is another's."""
    found = read_state(settings.state_dir.expanduser().resolve())
    return found.api_key if found is not None and found.api_url == api_url else ""


@contextlib.asynccontextmanager
async def brought_up(settings: Settings, *, synthesizers: int, say: Callable[[str], None]) -> AsyncIterator[Settings]:
    """The settings with the addresses of a private stack, in a temporary folder.

    It is stopped at the end, whatever happens; if this process is killed, the stack ends with it.

    Raises:
        PodcastError: it does not start; its logs are then kept, and the error names their folder.
    """
    say("starting a stack for this job (`podcast up` keeps one running)")
    directory = Path(tempfile.mkdtemp(prefix="podcast-render-"))
    stack = LocalStack(
        dir=directory,
        synthesizers=synthesizers,
        speech_url=settings.speech_url or None,
        engine=settings.speech_default_engine,
        gateway=False,
        env={"PODCAST_GRACE_SECONDS": f"{_GRACE_SECONDS:g}"},
        on_log=say if logging.root.isEnabledFor(logging.DEBUG) else None,
    )
    with contextlib.ExitStack() as at_the_end:
        at_the_end.callback(shutil.rmtree, directory, ignore_errors=True)
        try:
            await stack.__aenter__()
        except PodcastError:
            at_the_end.pop_all()
            _remove(directory, all_but=directory / "logs")
            raise
        try:
            yield _with_addresses(settings, stack.state)
        finally:
            say("taking the stack down")
            await stack.__aexit__(None, None, None)


def _with_addresses(settings: Settings, found: StackState) -> Settings:
    update = {"amqp_url": found.amqp_url, "store_url": found.store_url, "speech_url": found.speech_url}
    if "webhook_allow" not in settings.model_fields_set:
        update["webhook_allow"] = OWN_MACHINE  # as its services have it
    return settings.model_copy(update=update)


def _remove(directory: Path, *, all_but: Path) -> None:
    for path in directory.iterdir():
        if path != all_but:
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
