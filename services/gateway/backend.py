"""What the routes work with: settings, store, broker. The gateway keeps no other state, so any number may run."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final

from fastapi import Depends, Request

from services.gateway.broker_link import BrokerLink
from services.gateway.event_hub import Hub
from services.gateway.event_slots import Slots
from services.gateway.event_wakes import FewAtOnce, Wakes
from services.gateway.source_addresses import AddressCheck
from services.gateway.upload_folder import UploadFolder
from shared.runtime.publishing import Publisher
from shared.runtime.readiness import Readiness
from shared.settings import Settings
from shared.store.port import Store, open_store

_MANIFESTS_AT_A_TIME: Final = 4
"""A manifest of 20,000 chunks has 7 MB, and takes five times that while it is read."""


class Backend:
    """The servers behind the gateway.

    Attributes:
        settings: the settings it was started with.
        store: the object store.
        link: the connection to the broker.
        publish: publishes a message; confirmed when it returns.
        uploads: where the files of requests are until they are in the store.
        addresses: refuses addresses that strangers may not make us connect to.
        pruning: held while this gateway prunes.
        manifests: held while a manifest is read, which takes memory.
        readiness: whether it can work now.
        stopping: set when the process is asked to stop; whatever streams ends then.
        hub: what it hears of jobs.
        slots: the event streams that may be open.
        streams: those that are open, to be woken when it stops.
        few: lets a few streams at a time begin or end.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store: Store = open_store(settings)
        self.link = BrokerLink(settings)
        self.publish = Publisher(self.link.send, deadline_seconds=settings.publish_deadline_seconds)
        self.uploads = UploadFolder(settings.gateway_uploads_limit, share=settings.gateway_key_share)
        self.addresses = AddressCheck(settings.fetch_allowed)
        self.pruning = asyncio.Lock()
        self.manifests = asyncio.Semaphore(_MANIFESTS_AT_A_TIME)
        self.readiness = Readiness(self.store, broker=self.link.trouble)
        self.stopping = asyncio.Event()
        self.hub = Hub(self.store, settings)
        self.link.on_connect.append(self.hub.connected)
        self.slots = Slots(limit=settings.gateway_streams, per_key=settings.gateway_streams_per_key)
        self.streams = Wakes()
        self.few = FewAtOnce()

    async def run(self) -> None:
        """Keep the connections until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.link.run())
            tasks.create_task(self._watch_the_store())
            tasks.create_task(self.hub.feed.run())
            tasks.create_task(self._end_streams())

    async def _end_streams(self) -> None:
        await self.stopping.wait()
        self.streams.all()

    async def _watch_the_store(self) -> None:
        await self.readiness.look()
        self.readiness.is_started = True
        await self.readiness.keep_looking()


def backend(request: Request) -> Backend:
    """The backend of the application that answers this request."""
    found: Backend = request.app.state.backend
    return found


TheBackend = Annotated[Backend, Depends(backend)]
"""The type of a route's parameter that gets the backend."""
