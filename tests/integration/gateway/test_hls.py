"""`GET /v1/jobs/{id}/hls/…`: the playlist grows while it is spoken, and has the samples of the finished episode."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import numpy as np
import pytest

from shared.audio.loudness import Samples
from tests.integration.gateway.conftest import STACK_KEY, with_key
from tests.integration.gateway.speaking import SpeakingGateway, speaking, text
from tests.servers.rabbitmq import RabbitServer
from tests.servers.services import Services
from tests.servers.speech_process import ToneSpeech
from tests.waiting import until

LONG = 12
"""More chunks than an episode may have in which each is levelled by itself."""


@pytest.fixture(scope="module")
def stack(rabbitmq: RabbitServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Services, ToneSpeech]]:
    folder = tmp_path_factory.mktemp("hls")
    url = rabbitmq.vhost()
    with speaking(url, (folder / "store").as_uri(), folder, PODCAST_SPEECH_DEADLINE_SECONDS="5") as found:
        yield found
    rabbitmq.drop_vhost(url)


@pytest.fixture
async def line(stack: tuple[Services, ToneSpeech]) -> AsyncIterator[SpeakingGateway]:
    services, tone = stack
    (worker,) = services.of("gateway")
    tone.behave()
    async with with_key(worker.health_url) as client:
        yield SpeakingGateway(services, worker, client, tone)


async def submitted(line: SpeakingGateway, name: str, sentences: int, *formats: str) -> str:
    body = {"text": text(name, sentences), "source_format": "text", "formats": formats or ("mp3",)}
    answer = await line.client.post("/v1/jobs", json=body)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["job_id"])


async def listed(line: SpeakingGateway, job_id: str, *, awaited: int = 0) -> str:
    answer = await line.client.get(f"/v1/jobs/{job_id}/hls/index.m3u8", params={"_HLS_msn": awaited})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/vnd.apple.mpegurl"
    assert answer.headers["cache-control"] == "no-cache"
    return answer.text


async def kept(line: SpeakingGateway, job_id: str, number: int) -> str:
    """How long a fragment may be kept."""
    answer = await line.client.get(f"/v1/jobs/{job_id}/hls/{number}.m4s")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/mp4"), answer.text
    return str(answer.headers["cache-control"])


def heard(address: str, *options: str | Path) -> Samples:
    """What ffmpeg decodes, as one channel; it complains about nothing."""
    command = ["ffmpeg", "-nostdin", "-v", "warning", *options, "-i", address, "-f", "f32le", "-"]
    run = subprocess.run(command, check=True, capture_output=True, timeout=120)
    assert run.stderr == b""
    return np.frombuffer(run.stdout, dtype=np.float32)


@pytest.mark.parametrize("sentences", [4, LONG], ids=["short", "long"])
@pytest.mark.parametrize("made", ["m4b", "mp3"])
async def test_ffmpeg_reads_the_samples_of_the_final_file(
    line: SpeakingGateway, tmp_path: Path, made: str, sentences: int
) -> None:
    """Whether the job makes an m4b, whose frames the stream has, or none, so that they are made for the stream."""
    job_id = await submitted(line, f"the {made} of {sentences}", sentences, made)
    assert (await line.services.ended(job_id)).state == "completed"
    address = f"{line.url}/v1/jobs/{job_id}/hls/index.m3u8"
    found = await asyncio.to_thread(heard, address, "-headers", f"Authorization: Bearer {STACK_KEY}\r\n")

    with_m4b = job_id if made == "m4b" else await submitted(line, f"the {made} of {sentences}", sentences, "m4b")
    assert (await line.services.ended(with_m4b)).state == "completed"
    whole = tmp_path / "episode.m4b"
    whole.write_bytes((await line.client.get(f"/v1/jobs/{with_m4b}/episode")).content)
    assert np.array_equal(found, await asyncio.to_thread(heard, str(whole)))


async def test_the_playlist_grows_while_it_is_spoken_and_nothing_in_it_changes(line: SpeakingGateway) -> None:
    line.tone.misbehave("hang", containing="Sentence 2 of the tide")
    job_id = await submitted(line, "the tide", 4)
    before = await listed(line, job_id, awaited=1)
    assert len(re.findall(r"^\d+\.m4s$", before, re.MULTILINE)) in {1, 2}
    assert "ENDLIST" not in before
    assert await kept(line, job_id, 0) == "private, max-age=31536000, immutable"
    fragment = (await line.client.get(f"/v1/jobs/{job_id}/hls/0.m4s")).content

    (worker,) = line.services.of("gateway")
    line.services.strike(worker)
    line.services.restart(worker)
    await line.services.ready()

    async with with_key(worker.health_url) as client:
        again = SpeakingGateway(line.services, worker, client, line.tone)
        assert (await again.client.get(f"/v1/jobs/{job_id}/hls/0.m4s")).content == fragment
        assert await listed(again, job_id) == before
        waiting = asyncio.create_task(listed(again, job_id, awaited=before.count(".m4s")))
        await asyncio.sleep(0)
        line.tone.behave()

        async def is_complete() -> bool:
            return "ENDLIST" in await listed(again, job_id)

        await until(is_complete, "the playlist ends", seconds=90)
        final = await listed(again, job_id)
        assert final.startswith(before)
        assert final.startswith((await waiting).removesuffix("#EXT-X-ENDLIST\n"))


async def test_what_depends_on_a_gain_that_nobody_has_learnt_is_not_kept(line: SpeakingGateway) -> None:
    """Of chunks of four seconds no gain is learnt before they are assembled."""
    for key in [key async for key in line.store.list("gains/")]:
        await line.store.delete(key)
    line.tone.misbehave("hang", containing="Sentence 9 of the bay")
    (worker,) = line.services.of("gateway")
    line.services.strike(worker)  # it would remember the gain for some minutes
    line.services.restart(worker)
    await line.services.ready()
    async with with_key(worker.health_url) as client:
        again = SpeakingGateway(line.services, worker, client, line.tone)
        job_id = await submitted(again, "the bay", LONG)
        await listed(again, job_id)
        assert await kept(again, job_id, 0) == "no-store"
        line.tone.behave()
        assert (await line.services.ended(job_id)).state == "completed"
        assert "immutable" in await kept(again, job_id, 0)


async def test_a_job_that_fails_ends_its_playlist_and_says_why(line: SpeakingGateway) -> None:
    line.tone.misbehave("status", status=400, containing="Sentence 2 of the cliff")
    job_id = await submitted(line, "the cliff", 3)
    assert (await line.services.ended(job_id)).state == "failed"
    text = await listed(line, job_id)
    assert re.search(r"^\d+\.m4s$", text, re.MULTILINE)
    assert re.search(r"\n# The job is failed, so this is not all of it: .+\n#EXT-X-ENDLIST\n$", text)


async def test_what_is_not_there_has_a_name(line: SpeakingGateway) -> None:
    for path in ("index.m3u8", "init.mp4", "0.m4s"):
        unknown = await line.client.get(f"/v1/jobs/no-such-job/hls/{path}")
        assert (unknown.status_code, unknown.json()["type"]) == (404, "/problems/not-found")

    job_id = await submitted(line, "the buoy", 2)
    assert (await line.services.ended(job_id)).state == "completed"
    far = await line.client.get(f"/v1/jobs/{job_id}/hls/900.m4s")
    assert (far.status_code, "no fragment 900" in far.text) == (404, True)
    async with with_key(line.url, await line.key("submit")) as other:
        assert (await other.get(f"/v1/jobs/{job_id}/hls/index.m3u8")).status_code == 403

    line.tone.misbehave("hang", containing="of the mole")
    silent = await submitted(line, "the mole", 2)
    early = await line.client.get(f"/v1/jobs/{silent}/hls/index.m3u8")
    assert (early.status_code, "is spoken yet" in early.text) == (409, True), early.text

    bad = await line.client.post("/v1/jobs", json={"text": "***", "source_format": "text"})
    await line.services.ended(bad.json()["job_id"])
    nothing = await line.client.get(f"/v1/jobs/{bad.json()['job_id']}/hls/index.m3u8")
    assert (nothing.status_code, "nothing to speak" in nothing.text) == (422, True), nothing.text
    line.tone.behave()


async def test_audio_that_was_removed_is_said_to_be_gone(line: SpeakingGateway) -> None:
    job_id = await submitted(line, "the wreck", 3)
    assert (await line.services.ended(job_id)).state == "completed"
    await listed(line, job_id)
    for chunk in (await line.manifest(job_id)).chunks:
        for key in [key async for key in line.store.list(chunk.audio_key.removesuffix(".flac"))]:
            await line.store.delete(key)
    gone = await line.client.get(f"/v1/jobs/{job_id}/hls/0.m4s")
    assert (gone.status_code, "no longer in the store" in gone.text) == (409, True), gone.text
