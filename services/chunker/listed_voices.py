"""Which voices there are, as the synthesizers have stored it, and how long a job waits for that."""

from __future__ import annotations

import time

import structlog
from pydantic import ValidationError

from shared.errors import NotFound, Outage
from shared.protocol.reading import read
from shared.protocol.voices import VoiceList
from shared.settings import Settings
from shared.store import keys
from shared.store.port import Store

log = structlog.get_logger(__name__)

VOICES_PAUSE_SECONDS = 4.0
WAITING_SECONDS = 60.0
"""How old a job may be that waits for the first list. After that it is spoken by the default voice, with a warning."""


class VoicesUnknown(Outage):
    """A text needs another voice than the default one, and no synthesizer has stored yet which voices there are."""


async def read_list(store: Store, settings: Settings) -> VoiceList | None:
    """The voices that the speech servers list; None: nobody has stored them.

    Raises:
        StoreDown: the store does not answer.
    """
    key = keys.voices(settings.engine_identity)
    try:
        return read(VoiceList, await store.get(key), strict=False)
    except NotFound:
        return None
    except ValidationError as error:
        log.warning("the list of voices cannot be read", key=key, reason=str(error.errors()[0]["msg"]))
        return None


async def may_wait(store: Store, job_id: str) -> bool:
    """Whether a job is young enough to wait for the list.

    Raises:
        StoreDown: the store does not answer.
    """
    request = await store.state(keys.request(job_id))
    return request is not None and time.time() - request.modified < WAITING_SECONDS
