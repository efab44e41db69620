"""Stores which voices the speech servers list, for the chunker, which cannot reach them.

Looked at when the process starts and then every minute, and written only when it has changed. Several synthesizers
write the same; whoever comes second finds it written.
"""

from __future__ import annotations

import asyncio

import structlog
from pydantic import ValidationError

from shared.client.voices import SpeechClient, Voice
from shared.concurrency import gathered
from shared.errors import Conflict, NotFound, PodcastError
from shared.languages import normalised
from shared.protocol.narration import NAME_LIMIT_CHARACTERS
from shared.protocol.reading import read
from shared.protocol.voices import VOICES_LIMIT, ListedVoice, VoiceList
from shared.settings import Settings
from shared.store import keys
from shared.store.port import Store

log = structlog.get_logger(__name__)

EVERY_SECONDS = 60.0
FIRST_PAUSE_SECONDS = 1.0
"""Until the servers have answered for the first time; a speech server that has just started is loading its voice."""
_AT_A_TIME = 8


class VoiceListing:
    """Keeps the list in the store up to date.

    Args:
        store: where the list is.
        settings: which servers there are, and the name that their audio has in keys.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._clients = {
            client.name: client for client in (SpeechClient(url, settings) for url in settings.speech_urls)
        }
        self._key = keys.voices(settings.engine_identity)

    async def keep(self) -> None:
        """Look for changes as long as the process runs."""
        pause_seconds = FIRST_PAUSE_SECONDS
        while True:
            try:
                found = await self.look()
                is_there = found is not None and await self.write(found)
            except PodcastError as error:  # the servers or the store are down; jobs go on without the list
                log.warning("voices were not listed", reason=str(error))
                is_there = False
            pause_seconds = EVERY_SECONDS if is_there else min(2 * pause_seconds, EVERY_SECONDS)
            await asyncio.sleep(pause_seconds)

    async def look(self) -> VoiceList | None:
        """What the servers list; None if one of them does not answer, since it may have other voices."""
        answers = await gathered(_answer, list(self._clients.values()), at_a_time=_AT_A_TIME)
        if any(isinstance(answer, PodcastError) and not isinstance(answer, NotFound) for answer in answers):
            return None
        listed = [voice for answer in answers if isinstance(answer, list) for voice in answer]
        found = dict.fromkeys(voice for each in listed if (voice := _listed(each)) is not None)
        return VoiceList(
            voices=tuple(found)[:VOICES_LIMIT], is_complete=not any(isinstance(answer, NotFound) for answer in answers)
        )

    async def write(self, found: VoiceList) -> bool:
        """Write the list, unless it is there; False if another process has written one at the same moment."""
        data = found.model_dump_json(exclude_defaults=True).encode()
        try:
            stored, version = await self._store.get_versioned(self._key)
        except NotFound:
            stored, version = b"", None
        if stored and _is_same(stored, found):
            return True
        try:
            if version is None:
                await self._store.create(self._key, data, content_type="application/json")
            else:
                await self._store.replace(self._key, data, version=version, content_type="application/json")
        except Conflict:
            return False
        log.info("voices listed", voices=len(found.voices))
        return True


async def _answer(client: SpeechClient) -> list[Voice] | PodcastError:
    try:
        return await client.voices()
    except PodcastError as error:
        return error


def _is_same(stored: bytes, found: VoiceList) -> bool:
    try:
        return read(VoiceList, stored, strict=False) == found
    except ValidationError:
        return False


def _listed(voice: Voice) -> ListedVoice | None:
    """The voice as it is stored; None if no job could name it."""
    if not 0 < len(voice.name) <= NAME_LIMIT_CHARACTERS or len(voice.model) > NAME_LIMIT_CHARACTERS:
        return None
    return ListedVoice(
        name=voice.name, model=voice.model, language=normalised(voice.language), is_default=voice.is_default
    )
