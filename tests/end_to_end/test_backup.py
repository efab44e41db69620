"""Broker and store are lost; a backup made in the middle of the work is restored into new, empty ones."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.client.submission import Draft, hand_over
from shared.protocol.manifest import Manifest
from shared.protocol.messages import JobRequest, TextSource
from shared.store import keys
from tests.end_to_end import texts
from tests.servers.minio import MinioServer
from tests.servers.rabbitmq import RabbitServer
from tests.servers.services import SERVICES, Services
from tests.servers.speech_process import ToneSpeech
from tests.waiting import until

COMMAND_SECONDS = 120.0
CALL_SECONDS = 1.0


@pytest.fixture
def lost_and_new(
    rabbitmq: RabbitServer, minio: MinioServer, tone_speech: ToneSpeech, tmp_path: Path
) -> Iterator[tuple[Services, Services]]:
    """Services on one broker and store, and services on others; the speech server is the same."""
    with contextlib.ExitStack() as stack:
        made = []
        for name in ("lost", "new"):
            amqp_url = rabbitmq.vhost()
            stack.callback(rabbitmq.drop_vhost, amqp_url)
            environment = {
                "PODCAST_AMQP_URL": amqp_url,
                "PODCAST_STORE_URL": minio.bucket(),
                "PODCAST_SPEECH_URL": tone_speech.url,
                "PODCAST_SPEECH_ENGINE": "tones",
                "PODCAST_NORMALISE_TEXT": "false",  # what is heard is compared with what is written
                "PODCAST_CHUNK_LIMIT_CHARACTERS": "300",
                "PODCAST_RECONCILE_SECONDS": "1",
            }
            made.append(stack.enter_context(Services(environment, tmp_path / name / "logs")))
        yield made[0], made[1]


async def podcast(services: Services, *words: str) -> dict[str, int]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.cli.app",
        *words,
        "--json",
        env={**os.environ, **services.environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await asyncio.wait_for(process.communicate(), COMMAND_SECONDS)
    assert process.returncode == 0, errors.decode()
    document: dict[str, int] = json.loads(output)
    return document


async def test_an_unfinished_job_goes_on_after_a_restore_and_speaks_nothing_again(
    lost_and_new: tuple[Services, Services], tone_speech: ToneSpeech, tmp_path: Path
) -> None:
    lost, new = lost_and_new
    lost.start(*SERVICES)
    await lost.ready()
    finished, half_way, untaken = (
        JobRequest(source=TextSource(text=texts.article(characters, seed=seed), format="markdown"), max_parallel=2)
        for characters, seed in ((900, 8_801), (5_000, 8_802), (900, 8_803))
    )
    await lost.submit(finished)
    await lost.reaches(finished.job_id, "completed")
    tone_speech.delay(CALL_SECONDS)
    await lost.submit(half_way)

    async def some_are_finished() -> bool:
        found = await lost.status(half_way.job_id)
        return found is not None and found.chunks.done > 2

    await until(some_are_finished, "some chunks are finished")
    backup = tmp_path / "backup"
    saved = await podcast(lost, "backup", str(backup))
    assert saved["objects"] == saved["copied"] > 0
    status = await lost.status(half_way.job_id)
    assert status is not None
    assert status.state == "synthesizing", "the backup was made in the middle"

    lost.stop()  # what was in the queues is lost
    # A client has stored its request, and the broker was lost before anybody took the message.
    untold = hand_over(Draft(untaken, {}, is_new=True), store=lost.store, publish=ignored)
    assert await untold
    saved = await podcast(lost, "backup", str(backup))
    assert saved["copied"] < saved["objects"]

    restored = await podcast(new, "restore", str(backup))
    assert restored["objects"] == saved["objects"]
    assert restored["unfinished_jobs"] == 2
    before = tone_speech.calls()
    in_the_backup = {key async for key in new.store.list(keys.AUDIO)}
    tone_speech.delay(0)
    new.start(*SERVICES)
    await new.ready()
    for request in (finished, half_way, untaken):
        await new.reaches(request.job_id, "completed")
        written, heard = await new.spoken(request, tmp_path)
        assert heard == written

    again = [call["text"] for call in tone_speech.calls()[len(before) :]]
    manifest = Manifest.model_validate_json(await new.store.get(keys.manifest(half_way.job_id)))
    kept = [chunk.text for chunk in manifest.chunks if chunk.audio_key in in_the_backup]
    assert len(kept) > 2
    assert set(kept).isdisjoint(again), "no finished chunk is spoken again"
    assert await new.dead_letters() == {}


async def ignored(_: object) -> None:
    """A publisher whose broker is lost after it has confirmed."""
