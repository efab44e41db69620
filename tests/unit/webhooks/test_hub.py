"""A WebSub hub is told of a public show's new episode, and its failure is nobody's."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from services.webhooks import hub
from shared.client import shows
from shared.protocol.episode_of_show import EpisodeOfShow
from shared.protocol.messages import JobCompleted, JobRequest, TextSource
from shared.settings import Settings
from shared.store import keys
from shared.store.port import Store, open_store
from tests.servers.webhook_receiver import Answer, WebhookReceiver, accepting, answering

PUBLIC_URL = "https://podcasts.example.org"
EVENT = JobCompleted(job_id="j1", title="", submitted_at=1.0, ended_at=2.0, files={}, audio_seconds=1.0)


def settings(tmp_path: Path, **more: Any) -> Settings:
    return Settings(
        store_url=(tmp_path / "store").as_uri(),
        webhook_allow="127.0.0.0/8",
        **{"gateway_public_url": PUBLIC_URL, **more},
    )


async def a_job(store: Store, *, visibility: str | None) -> None:
    place = None if visibility is None else EpisodeOfShow(show_id="essays")
    request = JobRequest(job_id="j1", source=TextSource(text="x"), show=place)
    await store.create(keys.request("j1"), request.model_dump_json().encode())
    if visibility is not None:
        fields = {"title": "x", "description": "x", "visibility": visibility}
        await shows.create(store, shows.new_show("essays", fields, public_url=PUBLIC_URL))


async def test_a_hub_is_told_which_feed_is_new(tmp_path: Path) -> None:
    store = open_store(settings(tmp_path))
    await a_job(store, visibility="public")
    async with WebhookReceiver(accepting).listening() as there:
        await hub.tell(EVENT, store=store, settings=settings(tmp_path, websub_hub=there.url))
    [got] = there.received
    assert got.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(got.body.decode()) == {
        "hub.mode": ["publish"],
        "hub.url": [f"{PUBLIC_URL}/shows/essays/feed.xml"],
    }


@pytest.mark.parametrize("visibility", ["private", None])
async def test_a_hub_hears_nothing_of_what_is_not_public(tmp_path: Path, visibility: str | None) -> None:
    store = open_store(settings(tmp_path))
    await a_job(store, visibility=visibility)
    async with WebhookReceiver(accepting).listening() as there:
        await hub.tell(EVENT, store=store, settings=settings(tmp_path, websub_hub=there.url))
        await hub.tell(EVENT, store=store, settings=settings(tmp_path))
        elsewhere = EVENT.model_copy(update={"job_id": "none"})
        await hub.tell(elsewhere, store=store, settings=settings(tmp_path, websub_hub=there.url))
        no_address = settings(tmp_path, websub_hub=there.url, gateway_public_url="")
        await hub.tell(EVENT, store=store, settings=no_address)
    assert there.received == []


@pytest.mark.parametrize("answer", [answering("500 Oops"), answering("410 Gone")], ids=["500", "410"])
async def test_a_hub_that_fails_is_nobodys_failure(tmp_path: Path, answer: Answer) -> None:
    store = open_store(settings(tmp_path))
    await a_job(store, visibility="public")
    async with WebhookReceiver(answer).listening() as there:
        await hub.tell(EVENT, store=store, settings=settings(tmp_path, websub_hub=there.url))
    assert len(there.received) == 1
    await hub.tell(EVENT, store=store, settings=settings(tmp_path, websub_hub="http://127.0.0.1:9/"))
    await hub.tell(EVENT, store=store, settings=settings(tmp_path, websub_hub="http://10.0.0.1/"))
